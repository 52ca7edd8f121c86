//! Who may not come back.

use mesahub::hub::Ending;
use serde_json::json;

use super::peer::{
    ASKING, HANDSHAKE, add, come_back, connect, is_forgotten, sequence, server, sum, tell,
};
use crate::support::{Client, Raw, Request, Sent, Server, masked};

const BROKEN: &str =
    "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}";

#[tokio::test]
async fn a_gap_that_nobody_can_fill_is_the_end() {
    let server = server().await;
    let raw = connect(&server).await;
    let mut raw = come_back(&server, raw).await;
    assert_eq!(raw.receive().await, sequence(1));
    tell(&mut raw, 9, 2).await;
    let (id, token) = (raw.id, raw.token.clone());
    raw.part_with(BROKEN).await;
    let ending = server.stage.ending_of(id).await;
    assert!(matches!(ending, Ending::ProtocolViolation(_)), "{ending}");
    server.counts(0).await;
    is_forgotten(&server, &token).await;
}

#[tokio::test]
async fn whoever_says_goodbye_may_not_come_back() {
    let server = server().await;
    for goodbye in [
        masked(1, b"{\"type\":7}\x1e"),
        masked(8, &[0x03, 0xe8]),
        masked(8, &[0x03]),
    ] {
        let mut raw = connect(&server).await;
        raw.write(&goodbye).await;
        let token = raw.token.clone();
        while raw.receive().await != Sent::End {
            raw.write(&masked(8, &[0x03, 0xe8])).await;
        }
        server.counts(0).await;
        is_forgotten(&server, &token).await;
    }
}

#[tokio::test]
async fn where_it_was_not_agreed_a_second_socket_is_refused() {
    let off = Server::start().await;
    let negotiated = Request::negotiate(ASKING).send(&off).await.json();
    assert_eq!(negotiated.get("useStatefulReconnect"), None);
    let on = server().await;
    let negotiated = Request::negotiate("?negotiateVersion=1")
        .send(&on)
        .await
        .json();
    assert_eq!(negotiated.get("useStatefulReconnect"), None);
    let first_version = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
    for (server, query, handshake) in [
        (&off, ASKING, HANDSHAKE),
        (&on, "?negotiateVersion=1", HANDSHAKE),
        (&on, ASKING, first_version),
    ] {
        let mut raw = Raw::negotiate(server, query).await;
        raw.text(handshake).await;
        assert_eq!(raw.receive().await, Sent::text("{}"));
        // What belongs to the second version is ignored, and nothing of it is sent.
        tell(&mut raw, 8, 5).await;
        tell(&mut raw, 9, 5).await;
        raw.text(add(1)).await;
        assert_eq!(raw.receive().await, sum(1));
        let second = Raw::attach(server, raw.id, &raw.token).await;
        assert_eq!(second.err(), Some(409));
        let (id, token) = (raw.id, raw.token.clone());
        raw.reset();
        let ending = server.stage.ending_of(id).await;
        assert!(matches!(ending, Ending::TransportLost(_)), "{ending}");
        is_forgotten(server, &token).await;
    }
    // Somebody else is served all the while.
    let mut other = Client::connect(&on).await;
    assert_eq!(other.call("Add", json!([1, 2])).await, json!(3));
}
