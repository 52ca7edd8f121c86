//! The first message decides: which protocol, which version, or the end.

use mesahub::hub::HubOptions;

use crate::support::{BINARY, Raw, Sent, Server, masked};

const OK: &str = "{\"protocol\":\"json\",\"version\":1}";
const CANCELED: &str = "Handshake was canceled.";
const MALFORMED: &str = "An unexpected error occurred during connection handshake.";

const ACCEPTED: [(&str, &str); 5] = [
    ("as clients send it", OK),
    (
        "any case of the name",
        "{\"protocol\":\"JSON\",\"version\":1}",
    ),
    ("any order", "{\"version\":1,\"protocol\":\"json\"}"),
    (
        "unknown properties",
        "{\"protocol\":\"json\",\"version\":1,\"extra\":{\"deep\":[1,null]}}",
    ),
    ("version 2", "{\"protocol\":\"json\",\"version\":2}"),
];

const REFUSED: [(&str, &str); 12] = [
    (
        "{\"protocol\":\"cbor\",\"version\":1}",
        "The protocol 'cbor' is not supported.",
    ),
    (
        "{\"protocol\":\"json\",\"version\":3}",
        "The server does not support version 3 of the 'json' protocol.",
    ),
    ("", MALFORMED),
    ("{", MALFORMED),
    ("[]", MALFORMED),
    ("6", MALFORMED),
    ("{\"type\":6}", MALFORMED),
    ("{\"protocol\":\"json\"}", MALFORMED),
    ("{\"version\":1}", MALFORMED),
    ("{\"protocol\":null,\"version\":1}", MALFORMED),
    ("{\"protocol\":\"json\",\"version\":\"1\"}", MALFORMED),
    ("{\"protocol\":\"json\",\"version\":1} x", MALFORMED),
];

#[tokio::test]
async fn every_spelling_of_a_good_handshake_is_accepted() {
    let server = Server::start().await;
    for (name, request) in ACCEPTED {
        let mut raw = Raw::open(&server).await;
        raw.text(format!("{request}\u{1e}")).await;
        assert_eq!(raw.receive().await, Sent::text("{}"), "{name}");
    }
}

#[tokio::test]
async fn a_bad_handshake_is_refused_with_its_own_text_and_no_close_message() {
    let server = Server::start().await;
    for (request, text) in REFUSED {
        let mut raw = Raw::open(&server).await;
        raw.text(format!("{request}\u{1e}")).await;
        let refusal = format!("{{\"error\":\"{text}\"}}");
        assert_eq!(raw.receive().await, Sent::text(&refusal), "{request}");
        raw.part().await;
        assert_eq!(server.hub.connection_count(), 0);
    }
}

#[tokio::test]
async fn detailed_errors_name_what_is_wrong_with_a_handshake() {
    let server = Server::with(HubOptions {
        enable_detailed_errors: true,
        ..HubOptions::default()
    })
    .await;
    let mut raw = Raw::open(&server).await;
    raw.text("{\"protocol\":\"json\"}\u{1e}").await;
    let refusal = format!(
        "{{\"error\":\"{MALFORMED} InvalidDataException: missing field `version` at line 1 column 19\"}}"
    );
    assert_eq!(raw.receive().await, Sent::text(&refusal));
    raw.part().await;
}

#[tokio::test]
async fn a_handshake_larger_than_any_message_is_canceled() {
    let server = Server::with(HubOptions {
        maximum_receive_message_size: Some(64),
        ..HubOptions::default()
    })
    .await;
    let mut raw = Raw::open(&server).await;
    raw.text("x".repeat(65)).await;
    let refusal = format!("{{\"error\":\"{CANCELED}\"}}");
    assert_eq!(raw.receive().await, Sent::text(&refusal));
    raw.part().await;
}

#[tokio::test]
async fn a_handshake_may_come_byte_by_byte() {
    let server = Server::start().await;
    let mut raw = Raw::open(&server).await;
    for byte in format!("{OK}\u{1e}").bytes() {
        raw.text([byte]).await;
    }
    assert_eq!(raw.receive().await, Sent::text("{}"));
}

#[tokio::test]
async fn even_the_frame_of_a_handshake_may_come_byte_by_byte() {
    let server = Server::start().await;
    let mut raw = Raw::open(&server).await;
    for byte in masked(1, format!("{OK}\u{1e}").as_bytes()) {
        raw.write(&[byte]).await;
    }
    assert_eq!(raw.receive().await, Sent::text("{}"));
}

#[tokio::test]
async fn the_first_call_may_share_the_frame_of_the_handshake() {
    let server = Server::start().await;
    let mut raw = Raw::open(&server).await;
    let call = "{\"arguments\":[2,3],\"target\":\"Add\",\"invocationId\":\"0\",\"type\":1}";
    raw.text(format!("{OK}\u{1e}{call}\u{1e}")).await;
    assert_eq!(raw.receive().await, Sent::text("{}"));
    let completion = "{\"type\":3,\"invocationId\":\"0\",\"result\":5}";
    assert_eq!(raw.receive().await, Sent::text(completion));
}

#[tokio::test]
async fn the_opcode_of_a_frame_means_nothing() {
    let server = Server::start().await;
    let mut raw = Raw::open(&server).await;
    raw.write(&masked(BINARY, format!("{OK}\u{1e}").as_bytes()))
        .await;
    assert_eq!(raw.receive().await, Sent::text("{}"));
    let call = "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\",\"arguments\":[2,3]}\u{1e}";
    let (begin, end) = call.as_bytes().split_at(20);
    raw.write(&masked(BINARY, begin)).await;
    raw.text(end).await;
    let completion = "{\"type\":3,\"invocationId\":\"1\",\"result\":5}";
    assert_eq!(raw.receive().await, Sent::text(completion));
}

#[tokio::test]
async fn a_client_that_closes_before_its_handshake_is_told_nothing() {
    let server = Server::start().await;
    let mut raw = Raw::open(&server).await;
    raw.write(&masked(8, &[0x03, 0xe8])).await;
    assert_eq!(raw.receive().await, Sent::close());
    assert_eq!(raw.receive().await, Sent::End);
}
