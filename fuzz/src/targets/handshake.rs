//! The first message of a connection.

use mesahub_protocol::{HandshakeError, HandshakeRequest, Protocol, TransferFormat, handshake};

use crate::seeds::texts;
use crate::target::Target;

/// [`HandshakeRequest::parse`] and [`HandshakeRequest::accept`].
pub const REQUEST: Target = Target {
    name: "handshake",
    decode: request,
    seeds: requests,
};

fn request(input: &[u8]) {
    let request = match HandshakeRequest::parse(input) {
        Ok(request) => request,
        Err(error) => {
            assert!(matches!(error, HandshakeError::Malformed { .. }));
            let base = error.text(false);
            assert!(error.text(true).starts_with(&base));
            return;
        }
    };
    let mut written = request.encode();
    assert_eq!(written.pop(), Some(0x1e));
    let again = HandshakeRequest::parse(&written).expect("what was written can be read");
    assert_eq!(again, request);
    match request.accept(&[TransferFormat::Text]) {
        Ok(protocol) => {
            assert_eq!(protocol, Protocol::Json);
            assert!(request.version <= handshake::MAX_VERSION);
        }
        Err(error) => assert!(!error.text(true).is_empty()),
    }
}

fn requests() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"protocol":"json","version":1}"#,
        r#"{"protocol":"messagepack","version":1}"#,
        r#"{"version":2,"protocol":"JSON","extra":{"a":[1,2,{}]}}"#,
        r#"{"protocol":"cbor","version":1}"#,
        r#"{"protocol":"json","version":3}"#,
        r#"{"protocol":"j\u0073on","version":-9223372036854775808}"#,
        r#"{"protocol":"json","protocol":"json","version":1}"#,
        r#"{"protocol":null,"version":"1"}"#,
        r#"{"protocol":"json"}"#,
        "{}",
        "[1]",
        "",
    ])
}
