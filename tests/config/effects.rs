//! What settings do to a whole server, as its clients see it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use mesahub::auth::{SecretKey, SigningAlgorithm, TokenSpec};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::in_process::{self, Running};

const KEY: &str = "a key for tests that is long enough for HS256";

const SHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

/// A server with a few settings of its own, and somebody who may connect to it.
struct Configured {
    address: SocketAddr,
    client: Client,
    token: String,
    stop: CancellationToken,
}

/// A connection over long polling.
struct Polled<'a> {
    server: &'a Configured,
    id: String,
}

impl Configured {
    async fn with(settings: &[(&str, &str)]) -> Self {
        let key = ("Mesahub:Authentication:SigningKey", KEY);
        let loaded = in_process::loaded(settings.iter().copied().chain([key]));
        let Running { address, stop, .. } =
            in_process::run(in_process::app(&loaded).unwrap()).await;
        let spec = TokenSpec {
            tenant: Some("mesa".parse().unwrap()),
            user: Some("ann".parse().unwrap()),
            ..TokenSpec::default()
        };
        let key = SecretKey::new(KEY.as_bytes());
        Self {
            address,
            client: Client::new(),
            token: spec.mint(&key, SigningAlgorithm::Hs256).unwrap(),
            stop,
        }
    }

    async fn ask_to_negotiate(&self) -> Response {
        let request = self.client.post(self.url("/negotiate?negotiateVersion=1"));
        request.bearer_auth(&self.token).send().await.unwrap()
    }

    async fn negotiate(&self) -> Value {
        self.ask_to_negotiate().await.json().await.unwrap()
    }

    /// Stops it, and waits until it says so.
    async fn stops(&self) {
        self.stop.cancel();
        let path = format!("http://{}/health/ready", self.address);
        while self.client.get(&path).send().await.unwrap().status() == StatusCode::OK {}
    }

    async fn poll(&self) -> Polled<'_> {
        let negotiated = self.negotiate().await;
        let id = negotiated["connectionToken"].as_str().unwrap().to_owned();
        let polled = Polled { server: self, id };
        assert_eq!(polled.get().await.status(), StatusCode::OK);
        polled
    }

    fn url(&self, rest: &str) -> String {
        format!("http://{}/hubs/notifications{rest}", self.address)
    }
}

impl Polled<'_> {
    async fn get(&self) -> Response {
        let url = self.server.url(&format!("?id={}", self.id));
        let request = self.server.client.get(url).bearer_auth(&self.server.token);
        request.send().await.unwrap()
    }

    async fn text(&self) -> String {
        self.get().await.text().await.unwrap()
    }

    async fn post(&self, body: impl Into<reqwest::Body>) {
        assert_eq!(self.post_anyway(body).await, StatusCode::OK);
    }

    /// Also where the connection may be gone.
    async fn post_anyway(&self, body: impl Into<reqwest::Body>) -> StatusCode {
        let url = self.server.url(&format!("?id={}", self.id));
        let request = self.server.client.post(url).bearer_auth(&self.server.token);
        request.body(body).send().await.unwrap().status()
    }

    async fn shake(&self) {
        self.post(SHAKE).await;
        assert_eq!(self.text().await, "{}\u{1e}");
    }
}

#[tokio::test]
async fn only_the_configured_transports_are_offered_in_their_order() {
    let server = Configured::with(&[
        ("Mesahub:Hub:Transports:0", "LongPolling"),
        ("Mesahub:Hub:Transports:1", "WebSockets"),
    ])
    .await;
    let negotiated = server.negotiate().await;
    let offered = negotiated["availableTransports"].as_array().unwrap();
    let names: Vec<_> = offered.iter().map(|offer| &offer["transport"]).collect();
    assert_eq!(names, ["WebSockets", "LongPolling"]);
}

#[tokio::test]
async fn a_poll_waits_as_long_as_configured() {
    let server = Configured::with(&[("Mesahub:Hub:LongPolling:PollTimeout", "1")]).await;
    let polled = server.poll().await;
    polled.shake().await;
    let begin = Instant::now();
    let answer = polled.get().await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.content_length(), Some(0));
    assert!(begin.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_message_may_be_as_large_as_configured_and_no_larger() {
    const GOODBYE: &str = "{\"type\":7,\"error\":\"Connection closed with an error. \
                           InvalidDataException: The maximum message size of 300B was exceeded. \
                           The message size can be configured in AddHubOptions.\",\
                           \"allowReconnect\":true}\u{1e}";
    let server = Configured::with(&[
        ("RealTimeConfiguration:SignalR:MaxBufferSize", "300"),
        ("RealTimeConfiguration:SignalR:EnableDetailedErrors", "true"),
    ])
    .await;
    let polled = server.poll().await;
    polled.shake().await;
    let call = "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Ping\",\"arguments\":[]}";
    polled.post(format!("{call:<299}\u{1e}")).await;
    let answer = polled.text().await;
    assert!(
        answer.contains("\"invocationId\":\"1\",\"result\""),
        "{answer}"
    );
    polled.post(format!("{call:<300}\u{1e}")).await;
    assert_eq!(polled.text().await, GOODBYE);
}

#[tokio::test]
async fn who_stays_away_or_shakes_no_hands_is_forgotten_when_configured() {
    let server = Configured::with(&[
        ("Mesahub:Hub:DisconnectTimeout", "1"),
        ("RealTimeConfiguration:SignalR:HandshakeTimeout", "1"),
    ])
    .await;
    let negotiated = server.negotiate().await;
    let absent = Polled {
        server: &server,
        id: negotiated["connectionToken"].as_str().unwrap().to_owned(),
    };
    // Its time begins later than that of the absent one.
    let mute = server.poll().await;
    let begin = Instant::now();
    assert_eq!(
        mute.text().await,
        "{\"error\":\"Handshake was canceled.\"}\u{1e}"
    );
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(absent.get().await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_server_that_gives_notice_goes_on_as_before_while_it_is_not_ready() {
    let server = Configured::with(&[
        ("Mesahub:Server:ShutdownTimeout", "600"),
        ("Mesahub:Server:Drain:Notice", "300"),
    ])
    .await;
    server.stops().await;
    server.poll().await.shake().await;
}

#[tokio::test]
async fn a_server_that_stops_sends_its_clients_away_at_the_configured_pace() {
    let server = Configured::with(&[
        ("Mesahub:Server:ShutdownTimeout", "3600"),
        ("Mesahub:Server:Drain:Share", "40"),
        ("Mesahub:Server:Drain:Interval", "60000"),
    ])
    .await;
    let mut clients = Vec::new();
    for _ in 0..30 {
        let client = server.poll().await;
        client.shake().await;
        clients.push(client);
    }
    server.stops().await;
    let refused = loop {
        let answer = server.ask_to_negotiate().await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    let mut polls: FuturesUnordered<_> = clients.iter().map(Polled::text).collect();
    for _ in 0..12 {
        let told = polls.next().await.unwrap();
        assert_eq!(told, "{\"type\":7,\"allowReconnect\":true}\u{1e}");
    }
    // The others are served for another minute.
    for client in &clients {
        let call = "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Ping\",\"arguments\":[]}\u{1e}";
        client.post_anyway(call).await;
    }
    for _ in 12..30 {
        let answer = polls.next().await.unwrap();
        assert!(
            answer.contains("\"invocationId\":\"1\",\"result\""),
            "{answer}"
        );
    }
}
