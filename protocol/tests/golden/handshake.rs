//! The handshake's requests, answers and error texts.

use mesahub_protocol::{
    HandshakeError, HandshakeRequest, Protocol, TransferFormat, handshake_error, handshake_ok,
};

const TEXT_ONLY: &[TransferFormat] = &[TransferFormat::Text];

fn parse(body: &str) -> Result<HandshakeRequest, HandshakeError> {
    HandshakeRequest::parse(body.as_bytes())
}

fn request(protocol: &str, version: i64) -> HandshakeRequest {
    HandshakeRequest {
        protocol: protocol.to_owned(),
        version,
    }
}

#[test]
fn a_request_has_the_official_bytes() {
    assert_eq!(
        request("json", 1).encode(),
        b"{\"protocol\":\"json\",\"version\":1}\x1e"
    );
}

#[test]
fn a_request_is_read_in_any_order_with_unknown_properties() {
    let read = parse(r#"{"version":2,"extra":{"a":[1]},"protocol":"JSON"}"#).unwrap();
    assert_eq!(read, request("JSON", 2));
    assert_eq!(read.accept(TEXT_ONLY).unwrap(), Protocol::Json);
}

#[test]
fn success_is_exactly_three_bytes() {
    assert_eq!(handshake_ok(), [0x7b, 0x7d, 0x1e]);
}

#[test]
fn each_refusal_has_the_official_text() {
    let wrong_format = HandshakeError::WrongTransferFormat {
        protocol: "messagepack".to_owned(),
        format: TransferFormat::Binary,
    };
    let cases = [
        (
            request("cbor", 1).accept(TEXT_ONLY).unwrap_err(),
            "The protocol 'cbor' is not supported.",
        ),
        (
            request("json", 3).accept(TEXT_ONLY).unwrap_err(),
            "The server does not support version 3 of the 'json' protocol.",
        ),
        (
            wrong_format,
            "Cannot use the 'messagepack' protocol on the current transport. \
             The transport does not support 'Binary' transfer format.",
        ),
        (HandshakeError::Canceled, "Handshake was canceled."),
        (
            parse("{").unwrap_err(),
            "An unexpected error occurred during connection handshake.",
        ),
    ];
    for (error, text) in cases {
        assert_eq!(error.to_string(), text);
        assert_eq!(error.text(false), text);
    }
}

#[test]
fn a_protocol_is_refused_where_its_format_is_not_carried() {
    let error = request("json", 1)
        .accept(&[TransferFormat::Binary])
        .unwrap_err();
    assert!(matches!(error, HandshakeError::WrongTransferFormat { .. }));
}

#[test]
fn malformed_requests_are_refused_and_say_why_only_in_detail() {
    let bodies = [
        "",
        "[]",
        "{}",
        r#"{"protocol":"json"}"#,
        r#"{"version":1}"#,
        r#"{"protocol":null,"version":1}"#,
        r#"{"protocol":"json","version":"1"}"#,
        r#"{"protocol":"json","version":1}{}"#,
    ];
    for body in bodies {
        assert!(
            matches!(parse(body), Err(HandshakeError::Malformed { .. })),
            "{body}"
        );
    }
    let text = parse("{}").unwrap_err().text(true);
    assert!(text.starts_with(
        "An unexpected error occurred during connection handshake. \
         InvalidDataException: missing field `protocol`"
    ));
}

#[test]
fn an_error_answer_is_an_object_with_its_text() {
    assert_eq!(
        handshake_error("no \"x\""),
        b"{\"error\":\"no \\\"x\\\"\"}\x1e"
    );
}
