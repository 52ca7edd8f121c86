//! The connect handler: before it is done nothing is read, and where it fails nobody comes in.

use mesahub::hub::HubOptions;

use crate::support::{Client, Door, Raw, Sent, Server};

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

#[tokio::test]
async fn a_failing_connect_handler_ends_the_connection_for_good() {
    let base = "Connection closed with an error.";
    for (door, detail, is_told) in [
        (
            Door::Fails,
            " InvalidOperation: the kitchen is on fire",
            false,
        ),
        (Door::Panics, " Panic: the door broke", false),
        (Door::Refuses, " HubException: No table is free.", true),
    ] {
        for detailed in [false, true] {
            let server = Server::with(HubOptions {
                enable_detailed_errors: detailed,
                ..HubOptions::default()
            })
            .await;
            let mut before = Client::connect(&server).await;
            *server.stage.door.lock().unwrap() = door;
            let mut raw = Raw::open(&server).await;
            raw.text(HANDSHAKE).await;
            assert_eq!(raw.receive().await, Sent::text("{}"));
            let detail = if detailed || is_told { detail } else { "" };
            raw.part_with(&format!("{{\"type\":7,\"error\":\"{base}{detail}\"}}"))
                .await;
            server.counts(1).await;
            before.call("WhoAmI", serde_json::json!([])).await;
        }
    }
}

#[tokio::test]
async fn early_calls_wait_for_the_connect_handler() {
    let server = Server::start().await;
    *server.stage.door.lock().unwrap() = Door::Waits;
    let mut raw = Raw::open(&server).await;
    let note = "{\"type\":1,\"target\":\"Note\",\"arguments\":[\"early\"]}\u{1e}";
    raw.text(format!("{HANDSHAKE}{note}")).await;
    // The handshake is answered before the handler is done, so that a client does not give up.
    assert_eq!(raw.receive().await, Sent::text("{}"));
    assert_eq!(server.stage.started(1).await, ["welcome"]);
    assert!(server.stage.notes(0).await.is_empty());
    server.stage.gate.add_permits(1);
    assert_eq!(server.stage.notes(1).await, ["early"]);
}

#[tokio::test]
async fn what_is_sent_to_all_reaches_a_client_that_is_still_being_welcomed() {
    let server = Server::start().await;
    *server.stage.door.lock().unwrap() = Door::Waits;
    let mut raw = Raw::open(&server).await;
    raw.text(HANDSHAKE).await;
    assert_eq!(raw.receive().await, Sent::text("{}"));
    server.stage.started(1).await;
    server
        .hub
        .clients()
        .all()
        .send("Heard", &["x"])
        .await
        .unwrap();
    let heard = "{\"type\":1,\"target\":\"Heard\",\"arguments\":[\"x\"]}";
    assert_eq!(raw.receive().await, Sent::text(heard));
    assert!(server.hub.find(raw.id).is_some());
}
