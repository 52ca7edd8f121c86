//! The health of the server.

use reqwest::Method;
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn a_process_that_answers_lives() {
    let server = Server::start().await;
    let answer = server.read("/health/live", "").await;
    assert_eq!(
        (answer.status, &answer.body["status"]),
        (200, &json!("Healthy"))
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let address = format!("http://{}/health/live", server.address);
    let head = reqwest::Client::new()
        .request(Method::HEAD, address)
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn a_server_is_ready_while_it_says_so() {
    let server = Server::start().await;
    for is_ready in [false, true, false] {
        server.ready.send_replace(is_ready);
        let answer = server.read("/health/ready", "").await;
        assert_eq!(answer.status, if is_ready { 200 } else { 503 });
    }
}

#[tokio::test]
async fn a_server_without_its_backplane_lives_and_is_not_ready() {
    let server = Server::start().await;
    server.ready.send_replace(true);
    server.hub.node().broker().close().await;
    let answer = server.read("/health/ready", "").await;
    let description = "takes no traffic: the memory backplane does not answer";
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.body,
        json!({ "status": "Unhealthy", "description": description })
    );
    assert_eq!(server.read("/health/live", "").await.status, 200);
}

#[tokio::test]
async fn the_backplane_is_asked_anew_each_time() {
    let server = Server::start().await;
    let answer = server.read("/health/signalr", "").await;
    let description = "SignalR memory backplane is healthy";
    assert_eq!(
        answer.body,
        json!({ "status": "Healthy", "description": description })
    );
    server.hub.node().broker().close().await;
    let answer = server.read("/health/signalr", "").await;
    let description = "SignalR memory backplane is unhealthy";
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.body,
        json!({ "status": "Unhealthy", "description": description })
    );
}
