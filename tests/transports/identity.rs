//! Every request shows who sent it.

use std::time::Duration;

use mesahub::hub::Ending;
use serde_json::json;

use crate::support::{People, Plan, Polled, Request, Server, invoke};

const OTHER: &str = "This connection belongs to another user";

#[tokio::test]
async fn nobody_else_can_use_a_connection() {
    let server = Server::with_people().await;
    let client = Polled::connect_as(&server, "ann").await;
    let token = &client.token;
    for request in [
        Request::poll(token),
        Request::events(token),
        Request::upgrade(&format!("?id={token}")),
        Request::post(token, "{\"type\":7}\u{1e}"),
        Request::delete(token),
    ] {
        let answer = request.bearer("bob").send(server.address).await;
        answer.is_plain(403, OTHER);
    }
    client.post(invoke("1", "Add", &json!([1, 2]))).await;
    assert!(client.receive().await.contains("\"result\":3"));
}

#[tokio::test]
async fn every_request_needs_a_credential() {
    let server = Server::with_people().await;
    let client = Polled::connect_as(&server, "ann").await;
    let token = &client.token;
    for request in [
        Request::negotiate(),
        Request::poll(token),
        Request::poll(token).bearer("ann@0"),
        Request::events(token),
        Request::post(token, "x"),
        Request::delete(token),
    ] {
        assert_eq!(request.send(server.address).await.status, 401);
    }
}

#[tokio::test]
async fn an_event_stream_may_show_its_credential_in_the_query() {
    let server = Server::with_people().await;
    let token = server.token_for("ann").await;
    let request = Request::new("GET", &format!("?id={token}&access_token=ann"));
    let request = request.header("Accept", "text/event-stream");
    let mut stream = request.open(server.address).await;
    assert_eq!(stream.head().await.status, 200);
}

#[tokio::test]
async fn the_latest_poll_says_when_the_credential_ends() {
    let mut plan = Plan {
        authenticator: std::sync::Arc::new(People),
        ..Plan::default()
    };
    plan.transport.poll_timeout = Duration::from_millis(700);
    let server = plan.start().await;
    let client = Polled::connect_as(&server, "ann@500").await;
    let renewed = Request::poll(&client.token).bearer("ann@3600000");
    // The poll waits beyond the end of the first credential.
    renewed.send(server.address).await.is_plain(200, "");
    assert_eq!(server.hub.connection_count(), 1);
    let shortened = Request::poll(&client.token).bearer("ann@1");
    let close = shortened.send(server.address).await;
    assert_eq!(close.text(), "{\"type\":7,\"allowReconnect\":true}\u{1e}");
    assert_eq!(server.endings(1).await, [Ending::CredentialExpired]);
}
