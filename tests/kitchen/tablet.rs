//! A tablet: the official client, in a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mesahub::auth::{Role, TokenSpec};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::process::minted;

/// Longer than a tablet waits.
const PATIENCE: Duration = Duration::from_secs(120);

/// A tablet that is on until this is dropped.
pub(crate) struct Tablet {
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// What a tablet tells of its evening.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evening {
    /// The orders on its screen.
    pub(crate) screen: Vec<u32>,
    /// How many of them have a smaller id than the one before.
    pub(crate) inverted: u32,
    /// How often it was told of an order that it had been told of before.
    pub(crate) doubled: u32,
    /// How often an order came behind one with a greater id.
    pub(crate) behind: u32,
    /// How often it had to ask the office for everything.
    pub(crate) fetched: u32,
    /// How often it was connected again.
    pub(crate) reconnected: u32,
    /// How many orders it resumed.
    pub(crate) resumed: u32,
}

impl Tablet {
    /// Turns one on, and waits until it is connected.
    pub(crate) async fn on(hub: SocketAddr, office: SocketAddr, resumes: bool) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
        assert!(
            folder.join("node_modules").is_dir(),
            "the official client is missing; bring it with: npm ci --prefix tests/clients"
        );
        let token = minted(&TokenSpec {
            tenant: Some("pizza".parse().unwrap()),
            user: Some("kitchen".parse().unwrap()),
            roles: vec![Role::Admin],
            ..TokenSpec::default()
        });
        let mut child = Command::new("node")
            .arg("tablet.mjs")
            .args([format!("http://{hub}"), format!("http://{office}"), token])
            .arg(resumes.to_string())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs; bring it with: apt-get install nodejs");
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut tablet = Self {
            orders: child.stdin.take().unwrap(),
            _child: child,
            answers,
        };
        assert_eq!(tablet.answer().await, "on");
        tablet
    }

    /// Waits until it shows so many orders, or has waited too long for them.
    pub(crate) async fn shows(&mut self, count: usize) {
        self.ask(&format!("shows {count}")).await;
    }

    /// What it has seen.
    pub(crate) async fn tells(&mut self) -> Evening {
        serde_json::from_str(&self.ask("tell").await).unwrap()
    }

    async fn ask(&mut self, question: &str) -> String {
        let question = format!("{question}\n");
        self.orders.write_all(question.as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> String {
        let line = timeout(PATIENCE, self.answers.next_line()).await;
        let line = line.expect("a tablet that answers in time");
        line.unwrap().expect("a tablet that runs")
    }
}
