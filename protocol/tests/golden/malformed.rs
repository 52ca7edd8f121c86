//! What the official server refuses, and what it only ignores.

use mesahub_protocol::{HubMessage, Protocol};
use serde_json::Value;

fn refusal(body: &[u8]) -> String {
    match HubMessage::decode(Protocol::Json, body) {
        Ok(message) => panic!("{} was read as {message:?}", String::from_utf8_lossy(body)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn fatal_input_is_refused() {
    let bodies = [
        "",
        "nonsense",
        "[]",
        "6",
        "null",
        r#"{"type":6"#,
        r#"{"type":6}x"#,
        r#"{"type":6,}"#,
        r#"{"type":6,"x":01}"#,
        r"{}",
        r#"{"type":null}"#,
        r#"{"type":"6"}"#,
        r#"{"type":6.5}"#,
        r#"{"type":6,"invocationId":null}"#,
        r#"{"type":6,"invocationId":6}"#,
        r#"{"type":6,"target":null}"#,
        r#"{"type":7,"error":null}"#,
        r#"{"type":7,"error":{}}"#,
        r#"{"type":7,"allowReconnect":null}"#,
        r#"{"type":1,"arguments":[]}"#,
        r#"{"type":1,"target":"a"}"#,
        r#"{"type":1,"target":"a","arguments":null}"#,
        r#"{"type":1,"target":"a","arguments":{}}"#,
        r#"{"type":1,"target":"a","arguments":[],"streamIds":null}"#,
        r#"{"type":1,"target":"a","arguments":[],"streamIds":"1"}"#,
        r#"{"type":1,"target":"a","arguments":[],"streamIds":[null]}"#,
        r#"{"type":1,"target":"a","arguments":[],"headers":null}"#,
        r#"{"type":1,"target":"a","arguments":[],"headers":[]}"#,
        r#"{"type":1,"target":"a","arguments":[],"headers":{"a":1}}"#,
        r#"{"type":2,"item":1}"#,
        r#"{"type":2,"invocationId":"","item":1}"#,
        r#"{"type":2,"invocationId":"1"}"#,
        r#"{"type":3,"result":1}"#,
        r#"{"type":3,"invocationId":"1","error":"a","result":1}"#,
        r#"{"type":3,"invocationId":"1","error":"a","result":null}"#,
        r#"{"type":3,"invocationId":"1","error":null}"#,
        r#"{"type":4,"target":"a","arguments":[]}"#,
        r#"{"type":4,"invocationId":"","target":"a","arguments":[]}"#,
        r#"{"type":5}"#,
        r#"{"type":8}"#,
        r#"{"type":8,"sequenceId":null}"#,
        r#"{"type":9,"sequenceId":"1"}"#,
        r#"{"type":9,"sequenceId":-1}"#,
    ];
    for body in bodies {
        refusal(body.as_bytes());
    }
}

#[test]
fn a_refusal_names_what_was_wrong_and_what_was_expected() {
    assert_eq!(
        refusal(br#"{"type":5}"#),
        "a message of type CancelInvocation requires the property 'invocationId'"
    );
    assert_eq!(
        refusal(b"{}"),
        "a message of type ? requires the property 'type'"
    );
    assert!(refusal(br#"{"type":6,"target":null}"#).starts_with(
        "malformed message: invalid type: null, expected 'target' to be a string at line 1"
    ));
    assert!(refusal(br#"{"type":8,"sequenceId":-1}"#).contains("expected 'sequenceId' to be an"));
}

#[test]
fn bytes_that_are_not_utf8_are_refused_wherever_they_stand() {
    assert!(refusal(b"{\"type\":6,\"unknown\":\"\xff\"}").starts_with("the message is not UTF-8"));
}

#[test]
fn nesting_a_hundred_thousand_levels_deep_does_not_exhaust_the_stack() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for property in ["arguments", "item", "result", "unknown"] {
        let body =
            format!(r#"{{"{property}":[{deep}],"type":1,"target":"a","arguments":[{deep}]}}"#);
        let message = HubMessage::decode(Protocol::Json, body.as_bytes()).unwrap();
        let HubMessage::Invocation(call) = message else {
            panic!("{property}: no call")
        };
        call.arguments[0].decode::<Value>().unwrap_err();
    }
    refusal("[".repeat(100_000).as_bytes());
    refusal(format!(r#"{{"type":{deep}}}"#).as_bytes());
    refusal(format!(r#"{{"headers":{{"a":{deep}}},"type":6}}"#).as_bytes());
}
