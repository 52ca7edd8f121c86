//! Hub messages in both protocols, and the values in them.

use std::collections::BTreeMap;

use mesahub_protocol::{HubMessage, Outcome, Payload, Protocol};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::seeds::{dumps, texts};
use crate::target::Target;

/// [`HubMessage::decode`] of JSON.
pub const JSON: Target = Target {
    name: "message_json",
    decode: |input| message(Protocol::Json, input),
    seeds: json,
};

/// [`HubMessage::decode`] of MessagePack.
pub const MESSAGEPACK: Target = Target {
    name: "message_messagepack",
    decode: |input| message(Protocol::MessagePack, input),
    seeds: messagepack,
};

/// The shapes that an application may ask a value for.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding is all that is wanted of them")]
struct Shape {
    number: i8,
    text: Option<String>,
    list: Vec<f32>,
    choice: Choice,
    keys: BTreeMap<u16, bool>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding is all that is wanted of them")]
enum Choice {
    One,
    Two(u64),
    Three { value: char },
}

fn message(protocol: Protocol, input: &[u8]) {
    let Ok(message) = HubMessage::decode(protocol, input) else {
        return;
    };
    for payload in payloads(&message) {
        decode(payload);
    }
    for other in [Protocol::Json, Protocol::MessagePack] {
        let mut written = b"before".to_vec();
        let encoded = message.encode(other, &mut written);
        match encoded {
            Ok(()) if other == protocol => is_read_again(protocol, &message, &written[6..]),
            Ok(()) => {}
            Err(error) => {
                assert_ne!(other, protocol, "{error}");
                assert_eq!(written, b"before", "a failure leaves nothing behind");
            }
        }
    }
}

/// What was written, read and written again is the same.
fn is_read_again(protocol: Protocol, message: &HubMessage<'_>, framed: &[u8]) {
    if matches!(message, HubMessage::Unknown { .. }) {
        return;
    }
    let mut reader = mesahub_protocol::FrameReader::after_handshake(protocol, None);
    let mut frames = reader.feed(framed);
    let body = frames
        .next()
        .expect("a whole message")
        .expect("well framed")
        .to_vec();
    assert!(frames.next().is_none(), "one message");
    let again = HubMessage::decode(protocol, &body).expect("what was written can be read");
    let mut twice = Vec::new();
    again
        .encode(protocol, &mut twice)
        .expect("it was written before");
    assert_eq!(twice, framed);
}

fn payloads<'m>(message: &'m HubMessage<'m>) -> Vec<Payload<'m>> {
    match message {
        HubMessage::Invocation(call) | HubMessage::StreamInvocation(call) => call.arguments.clone(),
        HubMessage::StreamItem { item, .. } => vec![*item],
        HubMessage::Completion {
            outcome: Outcome::Result(result),
            ..
        } => vec![*result],
        _ => Vec::new(),
    }
}

fn decode(payload: Payload<'_>) {
    let _ = payload.decode::<Value>();
    let _ = payload.decode::<IgnoredAny>();
    let _ = payload.decode::<i64>();
    let _ = payload.decode::<f64>();
    let _ = payload.decode::<String>();
    let _ = payload.decode::<Vec<u8>>();
    let _ = payload.decode::<(u8, Option<bool>)>();
    let _ = payload.decode::<Shape>();
    let _ = payload.decode::<Choice>();
}

fn json() -> Vec<Vec<u8>> {
    let mut seeds = texts(&[
        r#"{"type":1,"target":"Fire","arguments":[]}"#,
        r#"{"target":"Add","arguments":[2,3],"invocationId":"0","type":1}"#,
        r#"{"type":1,"headers":{"traceparent":"00-1"},"target":"a","arguments":[1.5e3,null,"\u00e9\ud83c\udf55"],"streamIds":["1","2"]}"#,
        r#"{"type":2,"invocationId":"5","item":{"a":[true,false,{}]}}"#,
        r#"{"type":3,"invocationId":"4","result":null}"#,
        r#"{"type":3,"invocationId":"4","error":"bad"}"#,
        r#"{"type":3,"invocationId":"4"}"#,
        r#"{"type":4,"invocationId":"7","target":"Ticks","arguments":[10]}"#,
        r#"{"type":5,"invocationId":"7"}"#,
        r#"{"type":6}"#,
        r#"{"type":7,"error":"gone","allowReconnect":true}"#,
        r#"{"type":8,"sequenceId":300}"#,
        r#"{"type":9,"sequenceId":1}"#,
        r#"{"type":99,"anything":[]}"#,
        r#"{"type":1,"target":"a","arguments":[{"number":-1,"text":"x","list":[1,2.5],"choice":{"Three":{"value":"c"}},"keys":{"1":true}}]}"#,
    ]);
    let deep = "[".repeat(500);
    seeds.push(format!(r#"{{"type":2,"invocationId":"1","item":{deep}"#).into_bytes());
    seeds
}

fn messagepack() -> Vec<Vec<u8>> {
    let mut seeds = dumps(&[
        "96 01 80 a1 31 a3 41 64 64 92 02 03 90",
        "95 01 80 c0 a4 46 69 72 65 92 01 a1 61",
        "94 02 80 a1 35 a1 78",
        "94 03 80 a1 35 02",
        "95 03 80 a1 35 03 c0",
        "95 03 80 a1 35 01 a3 62 61 64",
        "96 04 80 a1 37 a1 74 91 cd 03 e8 91 a1 31",
        "93 05 80 a1 35",
        "91 06",
        "92 07 c0",
        "93 07 a1 78 c3",
        "92 08 cd 01 2c",
        "92 09 01",
        // Timestamps of each width, and an extension that nobody knows.
        "94 02 80 a1 35 d6 ff 65 00 00 00",
        "94 02 80 a1 35 d7 ff 00 00 00 04 65 00 00 00",
        "94 02 80 a1 35 c7 0c ff 00 00 00 01 ff ff ff ff 65 00 00 00",
        "94 02 80 a1 35 c7 03 07 01 02 03",
        // Each family of values, and headers in a map of one.
        "94 02 81 a1 61 a1 62 a1 35 84 a1 61 ca 3f 80 00 00 a1 62 cb 3f f0 00 00 00 00 00 00 01 d3 ff ff ff ff ff ff ff ff c3 c4 02 00 ff",
        // Lengths of 2 GiB and more with nothing behind them.
        "94 02 80 a1 35 dd 7f ff ff ff",
        "94 02 80 a1 35 df ff ff ff ff",
        "94 02 80 a1 35 db ff ff ff ff",
        "94 02 80 a1 35 c6 7f ff ff ff",
        "94 02 80 a1 35 c9 ff ff ff ff 05",
        "dd ff ff ff ff 01",
        "96 01 df ff ff ff ff",
        "96 01 80 c0 db 7f ff ff ff 41",
        "96 01 80 c0 a1 61 dd ff ff ff ff",
        "96 01 80 c0 a1 61 90 dd ff ff ff ff",
    ]);
    for nested in [0x91, 0x81] {
        let mut deep = crate::seeds::hex("94 02 80 a1 35");
        deep.extend(vec![nested; 3000]);
        seeds.push(deep);
    }
    seeds
}
