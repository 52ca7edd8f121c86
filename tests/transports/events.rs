//! Server-Sent Events.

use mesahub::hub::Ending;
use serde_json::json;

use crate::support::{Exchange, Plan, Request, SHAKE, Server, invoke};

/// A hub client over an event stream.
struct Streamed {
    token: String,
    stream: Exchange,
}

impl Streamed {
    async fn attach(server: &Server) -> Self {
        let token = server.token().await;
        let mut stream = Request::events(&token).open(server.address).await;
        assert_eq!(stream.head().await.status, 200);
        assert_eq!(stream.part().await.unwrap(), b":\r\n");
        Self { token, stream }
    }

    async fn connect(server: &Server) -> Self {
        let mut client = Self::attach(server).await;
        client.post(server, SHAKE).await;
        assert_eq!(client.event().await.unwrap(), "data: {}\u{1e}\r\n\r\n");
        client
    }

    async fn post(&self, server: &Server, body: &str) {
        let request = Request::post(&self.token, body);
        request.send(server.address).await.is_plain(200, "");
    }

    async fn event(&mut self) -> Option<String> {
        let part = self.stream.part().await?;
        Some(String::from_utf8(part).unwrap())
    }
}

#[tokio::test]
async fn the_head_forbids_caching_and_compression() {
    let server = Server::start().await;
    let token = server.token().await;
    let mut stream = Request::events(&token).open(server.address).await;
    let head = stream.head().await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache,no-store"),
        ("pragma", "no-cache"),
        ("content-encoding", "identity"),
    ] {
        assert_eq!(head.header(name), Some(value), "{name}");
    }
    assert_eq!(head.header("content-length"), None);
    assert_eq!(stream.part().await.unwrap(), b":\r\n");
}

#[tokio::test]
async fn messages_come_as_events() {
    let server = Server::start().await;
    let mut client = Streamed::connect(&server).await;
    let call = invoke("1", "Echo", &json!(["a\nb"]));
    client.post(&server, &call).await;
    let expected = "data: {\"type\":3,\"invocationId\":\"1\",\"result\":\"a\\nb\"}\u{1e}\r\n\r\n";
    assert_eq!(client.event().await.unwrap(), expected);
}

#[tokio::test]
async fn an_id_is_required_and_must_be_known() {
    let server = Server::start().await;
    let nameless = Request::new("GET", "").header("Accept", "text/event-stream");
    let answer = nameless.send(server.address).await;
    answer.is_plain(400, "Connection ID required");
    let answer = Request::events("AAAAAAAAAAAAAAAAAAAAAA").send(server.address);
    answer.await.is_plain(404, "No Connection with that ID");
}

#[tokio::test]
async fn a_second_stream_is_refused_and_does_no_harm() {
    let server = Server::start().await;
    let mut client = Streamed::connect(&server).await;
    let second = Request::events(&client.token).send(server.address).await;
    second.is_plain(409, "");
    let call = invoke("1", "Add", &json!([1, 2]));
    client.post(&server, &call).await;
    assert!(client.event().await.unwrap().contains("\"result\":3"));
}

#[tokio::test]
async fn binary_protocols_are_refused_in_the_handshake() {
    let server = Server::start().await;
    let mut client = Streamed::attach(&server).await;
    let shake = "{\"protocol\":\"messagepack\",\"version\":1}\u{1e}";
    client.post(&server, shake).await;
    let refusal = client.event().await.unwrap();
    let text = if cfg!(feature = "messagepack") {
        "Cannot use the 'messagepack' protocol on the current transport. The transport does not \
         support 'Binary' transfer format."
    } else {
        "The protocol 'messagepack' is not supported."
    };
    assert!(refusal.contains(text), "{refusal}");
    assert_eq!(client.event().await, None);
    assert!(server.connected(0).await.is_empty());
}

#[tokio::test]
async fn the_stream_ends_after_the_last_message_of_the_server() {
    let server = Server::start().await;
    let mut client = Streamed::connect(&server).await;
    let call = invoke("1", "Abort", &json!([]));
    client.post(&server, &call).await;
    let mut heard = String::new();
    while let Some(event) = client.event().await {
        heard += &event;
    }
    assert!(heard.ends_with("{\"type\":7}\u{1e}\r\n\r\n"), "{heard}");
    assert_eq!(server.endings(1).await, [Ending::Aborted]);
}

#[tokio::test]
async fn a_client_that_goes_away_has_left() {
    let server = Server::start().await;
    let client = Streamed::connect(&server).await;
    drop(client);
    assert_eq!(server.endings(1).await, [Ending::TransportClosed]);
}

#[tokio::test]
async fn what_was_posted_before_leaving_is_still_read() {
    let server = Server::start().await;
    let client = Streamed::connect(&server).await;
    client.post(&server, "{\"type\":7}\u{1e}").await;
    drop(client);
    assert_eq!(server.endings(1).await, [Ending::ClientClosed(None)]);
}

#[tokio::test]
async fn pings_keep_a_stream_alive() {
    let mut plan = Plan::default();
    plan.hub.keep_alive_interval = std::time::Duration::from_millis(100);
    let server = plan.start().await;
    let mut client = Streamed::connect(&server).await;
    for _ in 0..2 {
        let event = client.event().await.unwrap();
        assert_eq!(event, "data: {\"type\":6}\u{1e}\r\n\r\n");
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_closed() {
    let mut plan = Plan::default();
    plan.transport.send_timeout = std::time::Duration::from_millis(200);
    let server = plan.start().await;
    let client = Streamed::connect(&server).await;
    // More than the buffers of the two sockets hold.
    let call = invoke("1", "Large", &json!([24 << 20]));
    client.post(&server, &call).await;
    let endings = server.endings(1).await;
    assert_eq!(endings[0].row().name, "transport_lost");
    drop(client);
}
