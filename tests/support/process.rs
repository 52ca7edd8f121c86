//! Whole `mesahub` processes, and asking them over HTTP.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use mesahub::auth::{SecretKey, ServiceScope, SigningAlgorithm, TokenSpec};
use mesahub_test_servers::{Process, Program, free_port};
use reqwest::StatusCode;
use serde_json::Value;
use tokio::time::timeout;

pub(crate) const KEY: &str =
    "a key for tests that is long enough for every algorithm, even HS512: 64";

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server in a folder of its own, with its journal, if it has one, in there; it is gone
/// with this, and the folder stays.
pub(crate) struct Mesahub {
    process: Process,
    asker: Asker,
}

/// Asks a server over HTTP.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) address: SocketAddr,
    http: reqwest::Client,
    token: String,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Mesahub {
    /// Starts one with these settings and waits until it is ready.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mesahub-{address}"));
        // Another run may have had the same port.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        // A file that grows too large is an error and not the end of the process.
        let mut arguments = vec![
            "-c".to_owned(),
            "trap '' XFSZ; exec \"$0\" \"$@\"".to_owned(),
            env!("CARGO_BIN_EXE_mesahub").to_owned(),
            "serve".to_owned(),
            format!("--address={address}"),
            format!("--config-dir={}", folder.display()),
        ];
        let settings = settings.iter().copied();
        for (key, value) in settings.chain([("Mesahub:Authentication:SigningKey", KEY)]) {
            arguments.push(format!("--set={key}={value}"));
        }
        let program = Program {
            name: "sh",
            remedy: "install a shell",
            arguments,
            environment: Vec::new(),
            folder,
        };
        let asker = Asker {
            address,
            http: reqwest::Client::new(),
            token: minted(&TokenSpec {
                service: Some(ServiceScope::Every),
                ..TokenSpec::default()
            }),
        };
        let process = Process::start(program, async || asker.is_ready().await);
        Self {
            process: process.await.unwrap(),
            asker,
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whom to ask, also when this is away.
    pub(crate) fn asker(&self) -> Asker {
        self.asker.clone()
    }

    /// Kills it and starts it again, over what it has left on disk.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.process.kill().unwrap();
        self.start_again().await;
    }

    /// Lets it end in order and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.process.terminate().await.unwrap();
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        // Connections to a process that is gone are of no use.
        self.asker.http = reqwest::Client::new();
        let serves = async || self.asker.is_ready().await;
        self.process.restart(serves).await.unwrap();
    }

    /// Publishes an event, if it answers at all.
    pub(crate) async fn publish(
        &self,
        event: &Value,
        key: Option<&str>,
    ) -> reqwest::Result<Answer> {
        self.asker.publish(event, key).await
    }
}

impl Asker {
    /// Publishes an event; an error when no answer came.
    pub(crate) async fn publish(
        &self,
        event: &Value,
        key: Option<&str>,
    ) -> reqwest::Result<Answer> {
        self.post("/api/v1/notifications", event, key).await
    }

    /// Posts something; an error when no answer came.
    pub(crate) async fn post(
        &self,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let path = format!("http://{}{path}", self.address);
        let mut request = self.http.post(path).bearer_auth(&self.token).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = timeout(PATIENCE, request.send()).await;
        let answer = answer.expect("an answer or an error in time")?;
        let retry_after = answer.headers().get("retry-after");
        Ok(Answer {
            status: answer.status().as_u16(),
            retry_after: retry_after.map(|value| value.to_str().unwrap().to_owned()),
            body: answer.json().await?,
        })
    }

    /// What it says of its backplane and its journal.
    pub(crate) async fn health(&self) -> Value {
        let path = format!("http://{}/health/signalr", self.address);
        let answer = timeout(PATIENCE, self.http.get(path).send()).await;
        answer.unwrap().unwrap().json().await.unwrap()
    }

    async fn is_ready(&self) -> bool {
        let path = format!("http://{}/health/ready", self.address);
        let answer = self.http.get(path).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }
}

/// A token that the servers accept.
pub(crate) fn minted(spec: &TokenSpec) -> String {
    let key = SecretKey::new(KEY.as_bytes());
    spec.mint(&key, SigningAlgorithm::Hs256).unwrap()
}
