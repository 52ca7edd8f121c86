//! A whole server with settings of the test's own.

use std::net::SocketAddr;
use std::time::Duration;

use mesahub::auth::{Role, SecretKey, ServiceScope, SigningAlgorithm, TokenSpec};
use mesahub::hub::Hub;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio::time::timeout;

use crate::in_process::{self, Running};

const KEY: &str = "a key for tests that is long enough for HS256";

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) http: Client,
    running: Running,
}

impl Server {
    /// Starts one with these settings.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let key = ("Mesahub:Authentication:SigningKey", KEY);
        let loaded = in_process::loaded(settings.iter().copied().chain([key]));
        let app = in_process::app(&loaded).unwrap();
        let hub = app.hub().clone();
        let running = in_process::run(app).await;
        Self {
            address: running.address,
            hub,
            http: Client::new(),
            running,
        }
    }

    /// Stops it; whether everything ended in time.
    pub(crate) async fn stop(self) -> bool {
        self.running.stop.cancel();
        in_time(self.running.ended).await.unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request that begins a negotiation.
    pub(crate) fn negotiation(&self, token: &str) -> RequestBuilder {
        let url = self.url("/hubs/notifications/negotiate?negotiateVersion=1");
        self.http.post(url).bearer_auth(token)
    }

    /// Negotiates: the status, and the secret token where there is one.
    pub(crate) async fn negotiate(&self, token: &str) -> (u16, String) {
        let answer = in_time(self.negotiation(token).send()).await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        let secret = body["connectionToken"].as_str().unwrap_or_default();
        (status, secret.to_owned())
    }

    /// Negotiates until it is let in.
    pub(crate) async fn negotiate_until_let_in(&self, token: &str) -> String {
        let trying = async {
            loop {
                if let (200, secret) = self.negotiate(token).await {
                    return secret;
                }
                tokio::task::yield_now().await;
            }
        };
        in_time(trying).await
    }

    /// Publishes to a path of the API.
    pub(crate) async fn publish(&self, token: &str, path: &str, body: &Value) -> Response {
        let url = self.url(&format!("/api/v1/{path}"));
        let request = self.http.post(url).bearer_auth(token).json(body);
        in_time(request.send()).await.unwrap()
    }
}

/// Ends a test that waits in vain.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(20), future)
        .await
        .expect("in time")
}

/// The token of somebody of a tenant.
pub(crate) fn person(tenant: &str, user: &str) -> String {
    signed(&TokenSpec {
        tenant: Some(tenant.parse().unwrap()),
        user: Some(user.parse().unwrap()),
        roles: vec![Role::Admin],
        ..TokenSpec::default()
    })
}

/// The token of a service for one tenant.
pub(crate) fn service(tenant: &str) -> String {
    signed(&TokenSpec {
        service: Some(ServiceScope::Tenants([tenant.parse().unwrap()].into())),
        ..TokenSpec::default()
    })
}

fn signed(spec: &TokenSpec) -> String {
    let key = SecretKey::new(KEY.as_bytes());
    spec.mint(&key, SigningAlgorithm::Hs256).unwrap()
}

/// The code of a problem, which tells when to come back.
pub(crate) async fn refusal(answer: Response) -> (u16, String, u32) {
    let status = answer.status().as_u16();
    let again = answer.headers().get("retry-after");
    let again = again.expect("it tells when to come back").to_str().unwrap();
    let again = again.parse().unwrap();
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], status);
    (status, body["code"].as_str().unwrap().to_owned(), again)
}
