//! Whole `mesahub` processes.

use std::net::SocketAddr;
use std::path::Path;

use mesahub::auth::{ServiceScope, TokenSpec};
use mesahub_test_servers::{Process, Program, free_port};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::fleet::{KEY, signed, within};

/// A running server, which is gone with this.
pub(crate) struct Mesahub {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    http: reqwest::Client,
    token: String,
}

impl Mesahub {
    /// Starts one on a backplane and waits until it is ready.
    pub(crate) async fn start(provider: &str, backplane: &str, lease: u64) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("node-{address}"));
        std::fs::create_dir_all(&folder).unwrap();
        let mut arguments = vec!["serve".to_owned(), format!("--address={address}")];
        arguments.push(format!("--config-dir={}", folder.display()));
        for (key, value) in [
            ("RealTimeConfiguration:Provider", provider),
            ("RealTimeConfiguration:ConnectionString", backplane),
            ("Mesahub:Authentication:SigningKey", KEY),
            ("Mesahub:Cluster:Lease", &lease.to_string()),
        ] {
            arguments.push(format!("--set={key}={value}"));
        }
        let program = Program {
            name: env!("CARGO_BIN_EXE_mesahub"),
            remedy: "cargo build",
            arguments,
            environment: Vec::new(),
            folder,
        };
        let http = reqwest::Client::new();
        let ready = format!("http://{address}/health/ready");
        let process = Process::start(program, async || {
            let answer = http.get(&ready).send().await;
            answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
        });
        let process = process.await.unwrap();
        let token = signed(&TokenSpec {
            service: Some(ServiceScope::Every),
            ..TokenSpec::default()
        });
        Self {
            address,
            process,
            http,
            token,
        }
    }

    /// Publishes an event, which must be accepted.
    pub(crate) async fn publish(&self, event: &Value) {
        let path = format!("http://{}/api/v1/notifications", self.address);
        let request = self.http.post(path).bearer_auth(&self.token).json(event);
        let answer = within("a publication", request.send()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }

    /// How many connections it counts for a tenant on all nodes.
    pub(crate) async fn count(&self, tenant: &str) -> u64 {
        let answer = self.get(&format!("/tenants/{tenant}/connections")).await;
        answer["connections"].as_u64().unwrap()
    }

    /// Whether it says that a user is online.
    pub(crate) async fn is_online(&self, tenant: &str, user: &str) -> bool {
        let path = format!("/tenants/{tenant}/users/{user}/online");
        self.get(&path).await["online"].as_bool().unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let path = format!("http://{}/api/v1{path}", self.address);
        let request = self.http.get(&path).bearer_auth(&self.token);
        let answer: Response = within("an answer", request.send()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }
}
