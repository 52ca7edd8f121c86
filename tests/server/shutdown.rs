//! Stopping: clients are told that they may come back, and nothing keeps running.

use std::time::Duration;

use mesahub::hub::{Ending, HubOptions};
use serde_json::json;

use crate::support::{Client, Raw, Sent, Server, becomes};

const COME_BACK: &str = "{\"type\":7,\"allowReconnect\":true}";
const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn every_client_is_told_to_come_back_and_no_task_is_left() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = Client::connect(&server).await;
        client.join(&["kitchen"]).await;
        clients.push(client);
    }
    server.hub.disconnect_all(&Ending::Shutdown);
    for client in &mut clients {
        client.is_sent_away_with(COME_BACK).await;
        assert_eq!(server.stage.ending_of(client.id).await, Ending::Shutdown);
    }
    server.counts(0).await;
    assert!(server.node.stop(DEADLINE).await);
    assert!(server.node.tasks().is_empty());
}

#[tokio::test]
async fn stopping_the_node_sends_away_whoever_is_left() {
    let server = Server::start().await;
    let mut silent = Raw::open(&server).await;
    let mut client = Client::connect(&server).await;
    let (stopped, ()) = tokio::join!(server.node.stop(DEADLINE), async {
        let canceled = "{\"error\":\"Handshake was canceled.\"}";
        assert_eq!(silent.receive().await, Sent::text(canceled));
        silent.part().await;
        client.is_sent_away_with(COME_BACK).await;
    });
    assert!(stopped);
    assert!(server.node.tasks().is_empty());
    assert_eq!(server.hub.connection_count(), 0);
}

#[tokio::test]
async fn a_connection_that_comes_too_late_is_sent_away_at_once() {
    let server = Server::start().await;
    assert!(server.node.stop(DEADLINE).await);
    let mut late = Raw::open(&server).await;
    let canceled = "{\"error\":\"Handshake was canceled.\"}";
    assert_eq!(late.receive().await, Sent::text(canceled));
    late.part().await;
    becomes("its task to end", || server.node.tasks().is_empty()).await;
}

#[tokio::test]
async fn an_application_ends_a_connection_for_good_or_for_now() {
    let server = Server::start().await;
    for (ending, last) in [
        (Ending::Aborted, "{\"type\":7}"),
        (Ending::SentAway, COME_BACK),
    ] {
        let mut client = Client::connect(&server).await;
        assert!(server.hub.disconnect(client.id, ending.clone()));
        client.is_sent_away_with(last).await;
        assert_eq!(server.stage.ending_of(client.id).await, ending);
        server.counts(0).await;
        assert!(!server.hub.disconnect(client.id, ending));
    }
}

#[tokio::test]
async fn a_handler_may_end_its_own_connection() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.call("Abort", json!([])).await;
    client.is_sent_away_with("{\"type\":7}").await;
    assert_eq!(server.stage.ending_of(client.id).await, Ending::Aborted);
}

#[tokio::test]
async fn a_client_that_says_goodbye_is_answered_and_its_error_is_passed_on() {
    let server = Server::start().await;
    for (goodbye, ending) in [
        ("{\"type\":7}", Ending::ClientClosed(None)),
        ("{\"error\":\"out of battery\",\"type\":7}", {
            Ending::ClientClosed(Some("out of battery".to_owned()))
        }),
    ] {
        let mut client = Client::connect(&server).await;
        client.send(goodbye).await;
        client.is_sent_away_with("{\"type\":7}").await;
        assert_eq!(server.stage.ending_of(client.id).await, ending);
    }
}

#[tokio::test]
async fn a_handler_that_waits_outlives_its_connection_and_harms_nothing() {
    let server = Server::with(HubOptions::default()).await;
    let mut client = Client::connect(&server).await;
    client.begin("SlowEcho", json!(["late"])).await;
    server.stage.started(1).await;
    client.send("{\"type\":7}").await;
    client.is_sent_away_with("{\"type\":7}").await;
    server.counts(0).await;
    server.stage.gate.add_permits(1);
    becomes("the handler to end", || {
        server.stage.gate.available_permits() == 0
    })
    .await;
    assert!(server.node.stop(DEADLINE).await);
}
