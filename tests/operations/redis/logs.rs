//! What the logs of two nodes say of one publication.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mesahub::auth::ServiceScope;
use mesahub_test_servers::{Process, Program, RedisOptions, RedisServer, free_port};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{KEY, TENANT, service_token};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A node that logs in JSON.
struct Node {
    address: SocketAddr,
    log: PathBuf,
    _process: Process,
}

impl Node {
    async fn start(redis: &str, folder: &Path) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let folder = folder.join(address.port().to_string());
        std::fs::create_dir(&folder).unwrap();
        let mut arguments = vec!["serve".to_owned(), format!("--address={address}")];
        arguments.push(format!("--config-dir={}", folder.display()));
        for (key, value) in [
            ("RealTimeConfiguration:Provider", "Redis"),
            ("RealTimeConfiguration:ConnectionString", redis),
            ("Mesahub:Authentication:SigningKey", KEY),
            ("Mesahub:Logging:Format", "json"),
            ("Mesahub:Logging:Level", "debug"),
        ] {
            arguments.push(format!("--set={key}={value}"));
        }
        let program = Program {
            name: env!("CARGO_BIN_EXE_mesahub"),
            remedy: "cargo build",
            arguments,
            environment: Vec::new(),
            folder: folder.clone(),
        };
        let ready = format!("http://{address}/health/ready");
        let process = Process::start(program, async || {
            let answer = reqwest::get(&ready).await;
            answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
        });
        Self {
            address,
            log: folder.join("mesahub.log"),
            _process: process.await.unwrap(),
        }
    }

    /// The lines with this message. Every line of the log is JSON, but for where it listens.
    fn told(&self, message: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(&self.log).unwrap();
        let lines = log.lines().filter(|line| !line.starts_with("listening on"));
        let read = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        let lines = lines.map(read);
        lines
            .filter(|line: &Value| line["message"] == message)
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_a_publisher_is_in_the_logs_of_every_node_that_hands_it_on() {
    let redis = RedisServer::start(RedisOptions::default()).await.unwrap();
    let address = format!("127.0.0.1:{}", redis.port());
    let folder = tempfile::tempdir().unwrap();
    let one = Node::start(&address, folder.path()).await;
    let other = Node::start(&address, folder.path()).await;
    let mut boss = Client::connect(other.address).await;
    let event = json!({ "type": "TableStatusChanged", "tenantKey": TENANT, "isOccupied": true,
        "tableId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301" });
    for trace_parent in [Some(format!("00-{TRACE}-00f067aa0ba902b7-01")), None] {
        let mut request = reqwest::Client::new()
            .post(format!("http://{}/api/v1/notifications", one.address))
            .bearer_auth(service_token(ServiceScope::Every))
            .header("x-request-id", "order-7");
        if let Some(trace_parent) = trace_parent {
            request = request.header("traceparent", trace_parent);
        }
        let answer = request.json(&event).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert_eq!(boss.heard().await, "TableStatusChanged");
    }
    let handed_on = other.told("handing on");
    assert_eq!(
        handed_on.len(),
        1,
        "only what belongs to a trace: {handed_on:?}"
    );
    assert_eq!(handed_on[0]["trace_id"], TRACE);
    let requests = one.told("request");
    let of_publisher = |line: &&Value| line["span"]["request_id"] == "order-7";
    let requests: Vec<_> = requests.iter().filter(of_publisher).collect();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(requests[0]["request_id"], "order-7");
    assert_eq!(requests[0]["span"]["trace_id"], TRACE);
    assert_eq!(requests[1]["span"]["trace_id"], Value::Null);
}
