//! A whole server in this process.

use std::net::SocketAddr;
use std::time::Duration;

use mesahub::app::App;
use mesahub::auth::{Role, SecretKey, ServiceScope, SigningAlgorithm, TokenSpec};
use mesahub::config::Loaded;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::DropGuard;

use crate::exposition::Exposition;
use crate::in_process::{self, Running};

pub(crate) const KEY: &str = "a key for tests that is long enough for HS256";

/// Longer than anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tenant of the tests, by a name that stands nowhere else.
pub(crate) const TENANT: &str = "trattoria-veneta";

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Where metrics are, if they have an address of their own.
    pub(crate) metrics: Option<SocketAddr>,
    http: reqwest::Client,
    _folder: TempDir,
    _stop: DropGuard,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Server {
    /// One with a journal, with dining sessions and with the in-memory backplane.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.db");
        let mut all = vec![
            (
                "RealTimeConfiguration:Notifications:Journal:Enabled",
                "true",
            ),
            (
                "RealTimeConfiguration:Notifications:Journal:Path",
                journal.to_str().unwrap(),
            ),
            ("Mesahub:Sessions:Store", "Memory"),
        ];
        all.extend_from_slice(settings);
        let app = in_process::app(&loaded(&all)).unwrap();
        Self::run(app, folder).await
    }

    /// One on the backplane that is configured.
    pub(crate) async fn open(settings: &[(&str, &str)]) -> Self {
        let app = App::build(&loaded(settings)).await.unwrap();
        Self::run(app, tempfile::tempdir().unwrap()).await
    }

    async fn run(mut app: App, folder: TempDir) -> Self {
        let mut metrics = None;
        if let Some(own) = app.metrics_address() {
            let listener = TcpListener::bind(own).await.unwrap();
            metrics = Some(listener.local_addr().unwrap());
            app.serve_metrics(listener);
        }
        let Running { address, stop, .. } = in_process::run(app).await;
        Self {
            address,
            metrics,
            http: reqwest::Client::new(),
            _folder: folder,
            _stop: stop.drop_guard(),
        }
    }

    /// A request of a service whose token covers every tenant.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        let token = service_token(ServiceScope::Every);
        self.http.request(method, url).bearer_auth(token)
    }

    /// Posts something as such a service.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        answered(self.request(Method::POST, path).json(body)).await
    }

    /// Asks a health probe.
    pub(crate) async fn probe(&self, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.address);
        answered(self.http.get(url)).await
    }

    /// Reads the metrics.
    pub(crate) async fn scrape(&self) -> Exposition {
        let answer = answered(self.request(Method::GET, "/metrics")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Exposition::read(&answer.text)
    }

    /// Reads the metrics until they are as they should be, and says what was missing if they never
    /// are.
    pub(crate) async fn scrape_until(
        &self,
        what: &str,
        is_right: impl Fn(&Exposition) -> bool,
    ) -> Exposition {
        let looking = async {
            loop {
                let found = self.scrape().await;
                if is_right(&found) {
                    return found;
                }
            }
        };
        let found = timeout(PATIENCE, looking).await;
        found.unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }
}

fn loaded(settings: &[(&str, &str)]) -> Loaded {
    let key = ("Mesahub:Authentication:SigningKey", KEY);
    in_process::loaded(settings.iter().copied().chain([key]))
}

/// Sends a request and reads its answer.
pub(crate) async fn answered(request: RequestBuilder) -> Answer {
    let answer = timeout(PATIENCE, request.send()).await.unwrap().unwrap();
    let kind = answer.headers().get(CONTENT_TYPE);
    Answer {
        status: answer.status().as_u16(),
        kind: kind.map_or_else(String::new, |kind| kind.to_str().unwrap().to_owned()),
        text: answer.text().await.unwrap(),
    }
}

/// Asks without a token, or with one.
pub(crate) async fn read(address: SocketAddr, path: &str, token: &str, accept: &str) -> Answer {
    let url = format!("http://{address}{path}");
    let mut request = reqwest::Client::new().get(url).header(ACCEPT, accept);
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    answered(request).await
}

/// The token of a service.
pub(crate) fn service_token(scope: ServiceScope) -> String {
    minted(&TokenSpec {
        service: Some(scope),
        ..TokenSpec::default()
    })
}

/// The token of an admin of the tenant.
pub(crate) fn admin_token() -> String {
    minted(&TokenSpec {
        tenant: Some(TENANT.parse().unwrap()),
        user: Some("giulietta".parse().unwrap()),
        roles: vec![Role::Admin],
        ..TokenSpec::default()
    })
}

fn minted(spec: &TokenSpec) -> String {
    let key = SecretKey::new(KEY.as_bytes());
    spec.mint(&key, SigningAlgorithm::Hs256).unwrap()
}
