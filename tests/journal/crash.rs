//! A server with a journal, killed at random moments while somebody publishes: what it has answered
//! for arrives, in order.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use mesahub::app::options;
use mesahub::auth::{SecretKey, ServiceScope, SigningAlgorithm, TokenSpec};
use mesahub::broker::open;
use mesahub::channel::RecentOrders;
use mesahub::config::{Sources, load};
use mesahub::hub::{HubOptions, Node};
use mesahub::notification::notification_hub;
use mesahub_test_servers::{Process, Program, RedisServer, free_port};
use reqwest::StatusCode;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::node::{Ear, order, within};

const KEY: &str = "a key for tests that is long enough for every algorithm, even HS512: 64";

/// How often the server is killed.
const KILLS: u32 = 200;

/// A server with a journal on Redis, which is gone with this.
pub(crate) struct Mesahub {
    address: SocketAddr,
    process: Process,
    http: reqwest::Client,
    token: String,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Mesahub {
    pub(crate) async fn start(redis: &RedisServer) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("journal-{address}"));
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
        let journal = folder.join("journal.db").display().to_string();
        let backplane = format!("127.0.0.1:{}", redis.port());
        for (key, value) in [
            ("RealTimeConfiguration:Provider", "Redis"),
            ("RealTimeConfiguration:ConnectionString", &*backplane),
            (
                "RealTimeConfiguration:Notifications:Journal:Enabled",
                "true",
            ),
            (
                "RealTimeConfiguration:Notifications:Journal:Path",
                &*journal,
            ),
            ("Mesahub:Authentication:SigningKey", KEY),
        ] {
            arguments.push(format!("--set={key}={value}"));
        }
        let program = Program {
            name: "sh",
            remedy: "install a shell",
            arguments,
            environment: Vec::new(),
            folder,
        };
        let http = reqwest::Client::new();
        let process = Process::start(program, ready(&http, address))
            .await
            .unwrap();
        let spec = TokenSpec {
            service: Some(ServiceScope::Every),
            ..TokenSpec::default()
        };
        let token = spec.mint(&SecretKey::new(KEY.as_bytes()), SigningAlgorithm::Hs256);
        Self {
            address,
            process,
            http,
            token: token.unwrap(),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) async fn kill_and_restart(&mut self) {
        self.process.kill().unwrap();
        // Connections to a process that is gone are of no use.
        self.http = reqwest::Client::new();
        let serves = ready(&self.http, self.address);
        self.process.restart(serves).await.unwrap();
    }

    /// Publishes an event; an error when no answer came.
    pub(crate) async fn publish(
        &self,
        event: &Value,
        key: Option<&str>,
    ) -> reqwest::Result<Answer> {
        publish(&self.http, self.address, &self.token, event, key).await
    }

    /// Publishes an order, which must be accepted, under a key of its own.
    async fn must_accept(&self, number: u32) {
        let text = number.to_string();
        let answer = self.publish(&order(&text), Some(&text)).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    pub(crate) async fn health(&self) -> Value {
        let path = format!("http://{}/health/signalr", self.address);
        let answer = within("health", self.http.get(path).send()).await;
        answer.unwrap().json().await.unwrap()
    }
}

fn ready(http: &reqwest::Client, address: SocketAddr) -> impl AsyncFnMut() -> bool + use<> {
    let (http, path) = (http.clone(), format!("http://{address}/health/ready"));
    async move || {
        let answer = http.get(&path).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }
}

async fn publish(
    http: &reqwest::Client,
    address: SocketAddr,
    token: &str,
    event: &Value,
    key: Option<&str>,
) -> reqwest::Result<Answer> {
    let path = format!("http://{address}/api/v1/notifications");
    let mut request = http.post(path).bearer_auth(token).json(event);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let answer = within("an answer", request.send()).await?;
    let retry_after = answer.headers().get("retry-after");
    Ok(Answer {
        status: answer.status().as_u16(),
        retry_after: retry_after.map(|value| value.to_str().unwrap().to_owned()),
        body: answer.json().await?,
    })
}

/// Somebody on another node of the same Redis, who stays.
async fn listener(redis: &RedisServer) -> Ear {
    let (inbox, shards) = Node::inbox();
    let settings = [
        ("RealTimeConfiguration:Provider", "Redis".to_owned()),
        (
            "RealTimeConfiguration:ConnectionString",
            format!("127.0.0.1:{}", redis.port()),
        ),
        ("Mesahub:Authentication:SigningKey", KEY.to_owned()),
    ];
    let sources = Sources {
        overrides: settings.map(|(key, value)| (key.to_owned(), value)).into(),
        ..Sources::default()
    };
    let settings = load(&sources).unwrap().settings;
    let backplane = settings.backplane().unwrap();
    let broker = open(&backplane, options::log(&settings), inbox)
        .await
        .unwrap();
    let node = Node::start(broker, shards);
    let orders = Arc::new(RecentOrders::default());
    Ear::of(notification_hub(&node, orders, HubOptions::default()).unwrap()).await
}

/// A small generator, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_has_answered_for_arrives_in_order_and_each_once() {
    let redis = RedisServer::start(Default::default()).await.unwrap();
    let mut ear = listener(&redis).await;
    let mut mesahub = Mesahub::start(&redis).await;
    let seed: u64 = std::env::var("MESAHUB_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed);
    eprintln!("seed {seed}");
    let mut dice = Dice(seed.max(1));
    let (mut number, mut open) = (0_u32, None);
    for _ in 0..KILLS {
        let until = number + u32::try_from(dice.below(25)).unwrap();
        while number < until {
            let asked = open.unwrap_or(number);
            // Whoever got no answer asks again, under the same key.
            mesahub.must_accept(asked).await;
            (number, open) = (asked + 1, None);
        }
        // One more, which is under way when the server is killed.
        let mut under_way = JoinSet::new();
        under_way.spawn({
            let (http, address, token) =
                (mesahub.http.clone(), mesahub.address, mesahub.token.clone());
            let text = number.to_string();
            async move { publish(&http, address, &token, &order(&text), Some(&text)).await }
        });
        for _ in 0..dice.below(400) {
            tokio::task::yield_now().await;
        }
        mesahub.kill_and_restart().await;
        let answered = under_way.join_next().await.unwrap().unwrap();
        match answered {
            Ok(answer) if answer.status == 202 => number += 1,
            _ => open = Some(number),
        }
    }
    if let Some(asked) = open {
        mesahub.must_accept(asked).await;
        number = asked + 1;
    }
    let mut heard: Vec<u32> = Vec::new();
    while heard.last() != Some(&(number - 1)) {
        heard.push(ear.next().await.parse().unwrap());
    }
    eprintln!("{number} orders accepted, {KILLS} kills");
    let wrong = heard
        .iter()
        .zip(0..)
        .find(|(heard, expected)| *heard != expected);
    assert_eq!(
        wrong, None,
        "an order and what should have come in its place"
    );
    assert_eq!(heard.len(), usize::try_from(number).unwrap());
}
