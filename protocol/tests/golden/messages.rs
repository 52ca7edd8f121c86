//! Hub messages as the official server writes them and official clients send them.

use std::borrow::Cow;
use std::collections::HashMap;

use mesahub_protocol::{
    EncodeError, HubMessage, Invocation, Outcome, Protocol, encode_close, encode_error,
    encode_invocation, encode_result, encode_stream_item, encode_void, ping,
};
use serde_json::{Value, json};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    let text = String::from_utf8(out).unwrap();
    text.strip_suffix('\u{1e}')
        .expect("messages end with 0x1E")
        .to_owned()
}

fn arguments<A: serde::Serialize + ?Sized>(arguments: &A) -> Result<String, EncodeError> {
    let mut out = b"before".to_vec();
    let result = encode_invocation(Protocol::Json, &mut out, None, "note", arguments);
    if let Err(error) = result {
        assert_eq!(out, b"before");
        return Err(error);
    }
    Ok(String::from_utf8(out).unwrap())
}

fn call<'a>(message: &HubMessage<'a>) -> Invocation<'a> {
    match message {
        HubMessage::Invocation(call) | HubMessage::StreamInvocation(call) => call.clone(),
        other => panic!("not a call: {other:?}"),
    }
}

fn decode(body: &str) -> HubMessage<'_> {
    HubMessage::decode(Protocol::Json, body.as_bytes()).unwrap()
}

#[test]
fn a_broadcast_has_the_official_bytes() {
    let mut out = Vec::new();
    encode_invocation(Protocol::Json, &mut out, None, "note", &("hi",)).unwrap();
    assert_eq!(
        out,
        b"{\"type\":1,\"target\":\"note\",\"arguments\":[\"hi\"]}\x1e"
    );
}

#[test]
fn each_writer_has_the_official_layout() {
    let json = Protocol::Json;
    let cases = [
        (
            written(|out| encode_invocation(json, out, Some("s1"), "Add", &(2, 3)).unwrap()),
            r#"{"type":1,"invocationId":"s1","target":"Add","arguments":[2,3]}"#,
        ),
        (
            written(|out| encode_result(json, out, "4", &()).unwrap()),
            r#"{"type":3,"invocationId":"4","result":null}"#,
        ),
        (
            written(|out| encode_result(json, out, "4", &json!({"a": [1]})).unwrap()),
            r#"{"type":3,"invocationId":"4","result":{"a":[1]}}"#,
        ),
        (
            written(|out| encode_error(json, out, "4", "a \"bad\" day")),
            r#"{"type":3,"invocationId":"4","error":"a \"bad\" day"}"#,
        ),
        (
            written(|out| encode_void(json, out, "4")),
            r#"{"type":3,"invocationId":"4"}"#,
        ),
        (
            written(|out| encode_stream_item(json, out, "4", &None::<i32>).unwrap()),
            r#"{"type":2,"invocationId":"4","item":null}"#,
        ),
        (
            written(|out| encode_close(json, out, None, false)),
            r#"{"type":7}"#,
        ),
        (
            written(|out| encode_close(json, out, None, true)),
            r#"{"type":7,"allowReconnect":true}"#,
        ),
        (
            written(|out| encode_close(json, out, Some("Connection closed with an error."), true)),
            r#"{"type":7,"error":"Connection closed with an error.","allowReconnect":true}"#,
        ),
        (
            written(|out| out.extend_from_slice(ping(json))),
            r#"{"type":6}"#,
        ),
    ];
    for (written, official) in cases {
        assert_eq!(written, official);
    }
}

#[test]
fn messages_of_every_type_are_written_in_the_official_order() {
    let bodies = [
        r#"{"type":1,"invocationId":"0","target":"Sum","arguments":[1],"streamIds":["1","2"]}"#,
        r#"{"type":1,"target":"Sum","arguments":[]}"#,
        r#"{"type":2,"invocationId":"1","item":{"deep":[null]}}"#,
        r#"{"type":3,"invocationId":"1","error":"bad"}"#,
        r#"{"type":3,"invocationId":"1","result":7}"#,
        r#"{"type":3,"invocationId":"1"}"#,
        r#"{"type":4,"invocationId":"5","target":"Ticks","arguments":[10]}"#,
        r#"{"type":5,"invocationId":"5"}"#,
        r#"{"type":6}"#,
        r#"{"type":7,"error":"gone","allowReconnect":true}"#,
        r#"{"type":8,"sequenceId":300}"#,
        r#"{"type":9,"sequenceId":1}"#,
    ];
    for body in bodies {
        assert_eq!(
            written(|out| decode(body).encode(Protocol::Json, out).unwrap()),
            body
        );
    }
}

#[test]
fn arguments_are_any_sequence_and_unit_is_none() {
    let none = "before{\"type\":1,\"target\":\"note\",\"arguments\":[]}\x1e";
    let two = "before{\"type\":1,\"target\":\"note\",\"arguments\":[1,2]}\x1e";
    assert_eq!(arguments(&()).unwrap(), none);
    assert_eq!(arguments::<[i32]>(&[]).unwrap(), none);
    assert_eq!(arguments(&(1, 2)).unwrap(), two);
    assert_eq!(arguments(&[1, 2]).unwrap(), two);
    assert_eq!(arguments(&vec![1, 2]).unwrap(), two);
    assert_eq!(arguments(&json!([1, 2])).unwrap(), two);
}

#[test]
fn arguments_that_are_no_array_are_refused_and_leave_the_buffer_alone() {
    assert!(matches!(arguments("text"), Err(EncodeError::NotAnArray)));
    assert!(matches!(
        arguments(&json!({"a": 1})),
        Err(EncodeError::NotAnArray)
    ));
    assert!(matches!(
        arguments(&Value::Null),
        Err(EncodeError::NotAnArray)
    ));
    assert!(matches!(
        arguments(&None::<Vec<i32>>),
        Err(EncodeError::NotAnArray)
    ));
    let unserialisable = (HashMap::from([((1, 2), 3)]),);
    assert!(matches!(
        arguments(&unserialisable),
        Err(EncodeError::Serialize(_))
    ));
}

#[test]
fn a_value_that_fails_to_serialise_leaves_the_buffer_alone() {
    let mut out = b"before".to_vec();
    let unserialisable = HashMap::from([((1, 2), 3)]);
    encode_result(Protocol::Json, &mut out, "1", &unserialisable).unwrap_err();
    encode_stream_item(Protocol::Json, &mut out, "1", &unserialisable).unwrap_err();
    assert_eq!(out, b"before");
}

#[test]
fn the_javascript_clients_property_order_is_read() {
    let body = r#"{"target":"Add","arguments":[2,3],"invocationId":"0","type":1}"#;
    let message = decode(body);
    let call = call(&message);
    assert_eq!(call.invocation_id.as_deref(), Some("0"));
    assert_eq!(call.target, "Add");
    let sum: i32 = call
        .arguments
        .iter()
        .map(|value| value.decode::<i32>().unwrap())
        .sum();
    assert_eq!(sum, 5);
}

#[test]
fn strings_without_escapes_are_borrowed_and_others_are_decoded() {
    let message = decode(r#"{"type":1,"invocationId":"a\nb","target":"Add","arguments":[]}"#);
    let call = call(&message);
    assert!(matches!(call.target, Cow::Borrowed("Add")));
    assert_eq!(call.invocation_id.as_deref(), Some("a\nb"));
}

#[test]
fn escaped_property_names_are_recognised() {
    assert_eq!(decode(r#"{"\u0074ype":6}"#), HubMessage::Ping);
}

#[test]
fn headers_and_unknown_properties_are_ignored() {
    let body = r#"{"type":5,"headers":{"traceparent":"00-1"},"x":[{"type":7}],"invocationId":"1"}"#;
    assert_eq!(
        decode(body),
        HubMessage::CancelInvocation {
            invocation_id: "1".into()
        }
    );
}

#[test]
fn of_repeated_properties_the_last_counts() {
    let body = r#"{"type":7,"invocationId":"1","type":5,"invocationId":"2"}"#;
    assert_eq!(
        decode(body),
        HubMessage::CancelInvocation {
            invocation_id: "2".into()
        }
    );
}

#[test]
fn an_empty_invocation_id_asks_for_no_answer() {
    let message = decode(r#"{"type":1,"invocationId":"","target":"Fire","arguments":[]}"#);
    assert_eq!(call(&message).invocation_id, None);
    let written = written(|out| {
        encode_invocation(Protocol::Json, out, Some(""), "Fire", &()).unwrap();
    });
    assert_eq!(written, r#"{"type":1,"target":"Fire","arguments":[]}"#);
}

#[test]
fn a_null_result_is_a_result() {
    let message = decode(r#"{"type":3,"invocationId":"1","result":null}"#);
    let HubMessage::Completion {
        outcome: Outcome::Result(result),
        ..
    } = message
    else {
        panic!("no result: {message:?}");
    };
    assert_eq!(result.decode::<Option<i32>>().unwrap(), None);
}

#[test]
fn an_unknown_type_is_reported_as_such() {
    assert_eq!(
        decode(r#"{"type":42,"new":true}"#),
        HubMessage::Unknown { kind: 42 }
    );
}

#[test]
fn an_argument_of_the_wrong_type_does_not_lose_the_envelope() {
    let message = decode(r#"{"type":1,"invocationId":"1","target":"Add","arguments":["two"]}"#);
    let call = call(&message);
    let error = call.arguments[0].decode::<i32>().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the value does not have the expected type: ")
    );
    assert_eq!(call.invocation_id.as_deref(), Some("1"));
}

#[test]
fn a_payload_is_passed_on_as_it_came() {
    let message = decode(r#"{"type":3,"invocationId":"1","result":{"b": 1.50, "a":2}}"#);
    let HubMessage::Completion {
        outcome: Outcome::Result(result),
        ..
    } = message
    else {
        panic!("no result: {message:?}");
    };
    assert_eq!(
        written(|out| encode_result(Protocol::Json, out, "9", &result).unwrap()),
        r#"{"type":3,"invocationId":"9","result":{"b": 1.50, "a":2}}"#
    );
}

#[test]
fn stateful_reconnect_counts_types_one_to_five() {
    let counted = [
        r#"{"type":1,"target":"a","arguments":[]}"#,
        r#"{"type":2,"invocationId":"1","item":0}"#,
        r#"{"type":3,"invocationId":"1"}"#,
        r#"{"type":4,"invocationId":"1","target":"a","arguments":[]}"#,
        r#"{"type":5,"invocationId":"1"}"#,
    ];
    let uncounted = [
        r#"{"type":6}"#,
        r#"{"type":7}"#,
        r#"{"type":8,"sequenceId":1}"#,
        r#"{"type":9,"sequenceId":1}"#,
    ];
    assert!(counted.iter().all(|body| decode(body).is_tracked()));
    assert!(!uncounted.iter().any(|body| decode(body).is_tracked()));
}
