//! MessagePack messages: the specification's examples, what official clients send, and what is
//! refused.

use std::borrow::Cow;

use mesahub_protocol::{
    EncodeError, FrameReader, HandshakeRequest, HubMessage, Invocation, Outcome, Payload, Protocol,
    ProtocolError, TransferFormat, encode_close, encode_error, encode_invocation, encode_result,
    encode_stream_item, encode_void, ping,
};
use serde_json::{Value, json};

use crate::hex::hex;

const PACK: Protocol = Protocol::MessagePack;

/// The body of a framed message.
fn body(framed: &[u8]) -> Vec<u8> {
    let mut reader = FrameReader::after_handshake(PACK, None);
    let mut frames = reader.feed(framed);
    let body = frames.next().unwrap().unwrap().to_vec();
    assert!(frames.next().is_none());
    assert!(frames.rest().is_empty());
    assert!(!reader.is_mid_message());
    body
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = b"before".to_vec();
    write(&mut out);
    out.split_off(6)
}

fn refusal(bytes: &str) -> ProtocolError {
    match HubMessage::decode(PACK, &hex(bytes)) {
        Ok(message) => panic!("{bytes} was read as {message:?}"),
        Err(error) => error,
    }
}

fn call<'a>(id: Option<&'a str>, target: &'a str, arguments: &[&'a [u8]]) -> Invocation<'a> {
    Invocation {
        invocation_id: id.map(Cow::Borrowed),
        target: target.into(),
        arguments: arguments
            .iter()
            .map(|value| Payload::MessagePack(value))
            .collect(),
        stream_ids: Vec::new(),
    }
}

fn completion<'a>(outcome: Outcome<'a>) -> HubMessage<'a> {
    HubMessage::Completion {
        invocation_id: "5".into(),
        outcome,
    }
}

/// The specification's examples that are written as they are read.
fn examples() -> Vec<(&'static str, HubMessage<'static>)> {
    vec![
        (
            "0d 96 01 80 a1 31 a3 41 64 64 92 02 03 90",
            HubMessage::Invocation(call(Some("1"), "Add", &[b"\x02", b"\x03"])),
        ),
        (
            "07 94 02 80 a1 35 a1 78",
            HubMessage::StreamItem {
                invocation_id: "5".into(),
                item: Payload::MessagePack(b"\xa1x"),
            },
        ),
        ("06 94 03 80 a1 35 02", completion(Outcome::Void)),
        (
            "07 95 03 80 a1 35 03 c0",
            completion(Outcome::Result(Payload::MessagePack(b"\xc0"))),
        ),
        (
            "0a 95 03 80 a1 35 01 a3 62 61 64",
            completion(Outcome::Error("bad".into())),
        ),
        (
            "05 93 05 80 a1 35",
            HubMessage::CancelInvocation {
                invocation_id: "5".into(),
            },
        ),
        ("02 91 06", HubMessage::Ping),
        (
            "04 93 07 c0 c3",
            HubMessage::Close {
                error: None,
                allow_reconnect: true,
            },
        ),
        ("05 92 08 cd 01 2c", HubMessage::Ack { sequence_id: 300 }),
        ("03 92 09 01", HubMessage::Sequence { sequence_id: 1 }),
    ]
}

#[test]
fn the_specifications_examples_are_read_and_written() {
    for (bytes, message) in examples() {
        let framed = hex(bytes);
        assert_eq!(HubMessage::decode(PACK, &body(&framed)).unwrap(), message);
        assert_eq!(
            written(|out| message.encode(PACK, out).unwrap()),
            framed,
            "{bytes}"
        );
    }
}

#[test]
fn each_writer_has_the_official_bytes() {
    let cases = [
        (
            written(|out| encode_invocation(PACK, out, Some("1"), "Add", &(2, 3)).unwrap()),
            "0d 96 01 80 a1 31 a3 41 64 64 92 02 03 90",
        ),
        (
            written(|out| encode_invocation(PACK, out, None, "note", &("hi",)).unwrap()),
            "0e 96 01 80 c0 a4 6e 6f 74 65 91 a2 68 69 90",
        ),
        (
            written(|out| encode_invocation(PACK, out, Some(""), "note", &()).unwrap()),
            "0b 96 01 80 c0 a4 6e 6f 74 65 90 90",
        ),
        (
            written(|out| encode_stream_item(PACK, out, "5", "x").unwrap()),
            "07 94 02 80 a1 35 a1 78",
        ),
        (
            written(|out| encode_void(PACK, out, "5")),
            "06 94 03 80 a1 35 02",
        ),
        (
            written(|out| encode_result(PACK, out, "5", &()).unwrap()),
            "07 95 03 80 a1 35 03 c0",
        ),
        (
            written(|out| encode_error(PACK, out, "5", "bad")),
            "0a 95 03 80 a1 35 01 a3 62 61 64",
        ),
        (
            written(|out| encode_close(PACK, out, None, true)),
            "04 93 07 c0 c3",
        ),
        (
            written(|out| encode_close(PACK, out, Some("bad"), false)),
            "07 93 07 a3 62 61 64 c2",
        ),
        (written(|out| out.extend_from_slice(ping(PACK))), "02 91 06"),
    ];
    for (written, official) in cases {
        assert_eq!(written, hex(official), "{official}");
    }
}

#[test]
fn what_the_javascript_client_writes_is_read() {
    let fire = body(&hex("0d 95 01 80 c0 a4 46 69 72 65 92 01 a1 61"));
    let sum = body(&hex("0f 96 01 80 a1 30 a3 53 75 6d 90 92 a1 31 a1 32"));
    let ticks = body(&hex("0d 95 04 80 a1 35 a5 54 69 63 6b 73 91 0a"));
    let close = body(&hex("03 92 07 c0"));
    let traced = body(&hex(
        "16 93 05 81 ab 74 72 61 63 65 70 61 72 65 6e 74 a4 30 30 2d 31 a1 35",
    ));
    let cases = [
        (
            fire,
            HubMessage::Invocation(call(None, "Fire", &[b"\x01", b"\xa1a"])),
        ),
        (
            sum,
            HubMessage::Invocation(Invocation {
                stream_ids: vec!["1".into(), "2".into()],
                ..call(Some("0"), "Sum", &[])
            }),
        ),
        (
            ticks,
            HubMessage::StreamInvocation(call(Some("5"), "Ticks", &[b"\x0a"])),
        ),
        (
            close,
            HubMessage::Close {
                error: None,
                allow_reconnect: false,
            },
        ),
        (
            traced,
            HubMessage::CancelInvocation {
                invocation_id: "5".into(),
            },
        ),
    ];
    for (body, message) in cases {
        assert_eq!(HubMessage::decode(PACK, &body).unwrap(), message);
    }
}

#[test]
fn surplus_elements_are_ignored_whatever_they_are() {
    for surplus in [
        "97 01 80 c0 a1 61 90 90 81 c0 c0",
        "95 03 80 a1 35 02 c7 01 05 00",
        "94 07 c0 c3 91 91 c0",
    ] {
        HubMessage::decode(PACK, &hex(surplus)).unwrap();
    }
    assert_eq!(
        HubMessage::decode(PACK, &hex("93 06 c4 01 ff 2a")).unwrap(),
        HubMessage::Ping
    );
}

#[test]
fn integers_are_read_in_any_form() {
    let sequence_id = 7;
    for bytes in [
        "92 08 07",
        "92 cc 08 cd 00 07",
        "92 ce 00 00 00 08 d2 00 00 00 07",
        "92 d3 00 00 00 00 00 00 00 08 cf 00 00 00 00 00 00 00 07",
        "dc 00 02 d0 08 d1 00 07",
        "dd 00 00 00 02 08 ce 00 00 00 07",
    ] {
        assert_eq!(
            HubMessage::decode(PACK, &hex(bytes)).unwrap(),
            HubMessage::Ack { sequence_id }
        );
    }
    assert_eq!(
        HubMessage::decode(PACK, &hex("92 09 cf ff ff ff ff ff ff ff ff")).unwrap(),
        HubMessage::Sequence {
            sequence_id: u64::MAX
        }
    );
}

#[test]
fn an_empty_id_is_none_and_an_unknown_type_is_reported() {
    assert_eq!(
        HubMessage::decode(PACK, &hex("95 01 80 a0 a1 61 90")).unwrap(),
        HubMessage::Invocation(call(None, "a", &[]))
    );
    assert_eq!(
        HubMessage::decode(PACK, &hex("93 2a a1 61 c0")).unwrap(),
        HubMessage::Unknown { kind: 42 }
    );
    assert_eq!(
        HubMessage::decode(PACK, &hex("91 ff")).unwrap(),
        HubMessage::Unknown { kind: -1 }
    );
}

#[test]
fn fatal_input_is_refused() {
    let bodies = [
        ("", "no message"),
        ("06", "not an array"),
        ("80", "a map"),
        ("c0", "nil"),
        ("c1", "the reserved byte"),
        ("90", "no type"),
        ("91 c0", "a type that is nil"),
        ("91 a1 36", "a type that is text"),
        ("91 cb 40 18 00 00 00 00 00 00", "a type that is a float"),
        ("91 06 00", "bytes behind the message"),
        ("92 06", "a surplus element that is missing"),
        ("92 06 c1", "a surplus element that is no value"),
        ("94 01 80 c0 a1 61", "an invocation without arguments"),
        ("95 01 c0 c0 a1 61 90", "headers that are nil"),
        ("95 01 90 c0 a1 61 90", "headers that are an array"),
        ("95 01 81 a1 61 01 c0 a1 61 90", "a header that is no text"),
        ("95 01 81 a0 a1 61 c0 a1 61 90", "a header without a name"),
        ("95 01 81 a1 61 a0 c0 a1 61 90", "a header without a value"),
        ("95 01 80 01 a1 61 90", "an id that is a number"),
        ("95 01 80 c0 c0 90", "a target that is nil"),
        ("95 01 80 c0 01 90", "a target that is a number"),
        ("95 01 80 c0 c4 01 61 90", "a target that is bytes"),
        ("95 01 80 c0 a1 ff 90", "a target that is not UTF-8"),
        ("95 01 80 c0 a1 61 c0", "arguments that are nil"),
        ("95 01 80 c0 a1 61 80", "arguments that are a map"),
        ("95 01 80 c0 a1 61 91 c1", "an argument that is no value"),
        ("96 01 80 c0 a1 61 90 c0", "stream ids that are nil"),
        ("96 01 80 c0 a1 61 90 91 c0", "a stream id that is nil"),
        ("94 02 80 c0 01", "an item without an id"),
        ("94 02 80 a0 01", "an item with an empty id"),
        ("93 02 80 a1 35", "an item that is missing"),
        ("94 03 80 c0 02", "a completion without an id"),
        ("93 03 80 a1 35", "a completion without a kind"),
        ("94 03 80 a1 35 00", "kind 0"),
        ("95 03 80 a1 35 04 c0", "kind 4"),
        ("94 03 80 a1 35 01", "an error that is missing"),
        ("95 03 80 a1 35 01 c0", "an error that is nil"),
        ("94 03 80 a1 35 03", "a result that is missing"),
        ("95 04 80 c0 a1 61 90", "a stream invocation without an id"),
        ("93 05 80 c0", "a cancellation without an id"),
        ("92 05 80", "a cancellation without an element for the id"),
        ("91 07", "a close without an error"),
        ("92 07 01", "a close with a number for an error"),
        ("93 07 c0 c0", "a close with nil for a flag"),
        ("91 08", "an ack without a number"),
        ("92 08 c0", "an ack with nil"),
        ("92 09 ff", "a sequence below zero"),
    ];
    for (bytes, what) in bodies {
        let body = hex(bytes);
        let read = HubMessage::decode(PACK, &body);
        assert!(read.is_err(), "{what}: {bytes}: {read:?}");
    }
}

#[test]
fn a_refusal_names_what_was_wrong_and_what_was_expected() {
    for (bytes, text) in [
        (
            "94 01 80 c0 a1 61",
            "malformed message: an Invocation needs 5 elements and has 4",
        ),
        (
            "94 03 80 a1 35 03",
            "malformed message: a Completion with a result needs 5 elements and has 4",
        ),
        (
            "93 05 80 a0",
            "a message of type CancelInvocation requires the property 'invocationId'",
        ),
        (
            "95 01 80 c0 01 90",
            "malformed message: the target must be a string",
        ),
        (
            "94 03 80 a1 35 00",
            "malformed message: the kind of completion must be 1, 2 or 3",
        ),
        (
            "91 06 00",
            "malformed message: bytes follow after a message",
        ),
    ] {
        assert_eq!(refusal(bytes).to_string(), text);
    }
}

#[test]
fn claims_of_gigabytes_in_a_few_bytes_are_truncated_input() {
    for bytes in [
        "dd ff ff ff ff 01",
        "95 01 df ff ff ff ff",
        "95 01 80 c0 a1 61 dd ff ff ff ff",
        "95 01 80 c0 a1 61 91 c6 7f ff ff ff",
        "95 01 80 c0 a1 61 91 df ff ff ff ff",
        "95 01 80 c0 db 7f ff ff ff",
        "96 01 80 c0 a1 61 90 dd ff ff ff ff",
    ] {
        assert!(
            refusal(bytes)
                .to_string()
                .starts_with("malformed message: the input ends inside "),
            "{bytes}"
        );
    }
}

#[test]
fn nesting_a_hundred_thousand_levels_deep_does_not_exhaust_the_stack() {
    let deep = [vec![0x91; 100_000], vec![0xc0]].concat();
    let body = [&hex("96 01 80 c0 a1 61 91"), deep.as_slice(), &deep].concat();
    refusal("96 01 80 c0 a1 61 91");
    HubMessage::decode(PACK, &body).unwrap_err();
    let body = [&hex("95 01 80 c0 a1 61 91"), deep.as_slice()].concat();
    let HubMessage::Invocation(call) = HubMessage::decode(PACK, &body).unwrap() else {
        panic!("no call")
    };
    call.arguments[0].decode::<Value>().unwrap_err();
    let mut out = Vec::new();
    HubMessage::Invocation(call)
        .encode(Protocol::Json, &mut out)
        .unwrap_err();
    assert!(out.is_empty());
}

#[test]
fn arguments_are_any_sequence_and_everything_else_is_refused() {
    let arguments = |arguments: &dyn Fn(&mut Vec<u8>) -> Result<(), EncodeError>| {
        let mut out = b"before".to_vec();
        let result = arguments(&mut out);
        if result.is_err() {
            assert_eq!(out, b"before");
        }
        result.map(|()| out.split_off(6))
    };
    let encode = |value: Value| arguments(&|out| encode_invocation(PACK, out, None, "a", &value));
    let two = hex("0a 96 01 80 c0 a1 61 92 01 02 90");
    assert_eq!(encode(json!([1, 2])).unwrap(), two);
    assert_eq!(
        arguments(&|out| encode_invocation(PACK, out, None, "a", &vec![1, 2])).unwrap(),
        two
    );
    let payload = Payload::MessagePack(b"\x92\x01\x02");
    assert_eq!(
        arguments(&|out| encode_invocation(PACK, out, None, "a", &payload)).unwrap(),
        two
    );
    for value in [json!(null), json!({"a": 1}), json!("text"), json!(7)] {
        assert!(matches!(encode(value), Err(EncodeError::NotAnArray)));
    }
    assert!(matches!(
        arguments(&|out| encode_invocation(PACK, out, None, "a", &None::<Vec<u8>>)),
        Err(EncodeError::NotAnArray)
    ));
    let broken = Payload::MessagePack(b"\x92\x01");
    assert!(matches!(
        arguments(&|out| encode_invocation(PACK, out, None, "a", &(1, broken))),
        Err(EncodeError::Serialize(_))
    ));
}

#[test]
fn a_long_message_has_a_longer_prefix() {
    for (length, prefix) in [
        (119, "7f"),
        (120, "80 01"),
        (16_374, "ff 7f"),
        (16_375, "80 80 01"),
    ] {
        let text = "x".repeat(length);
        let out = written(|out| encode_error(PACK, out, "5", &text));
        assert!(out.starts_with(&hex(prefix)), "{length}");
        let body = body(&out);
        assert_eq!(
            HubMessage::decode(PACK, &body).unwrap(),
            completion(Outcome::Error(text.into()))
        );
    }
}

#[test]
fn the_protocol_is_found_by_its_name_where_bytes_are_carried() {
    assert_eq!(Protocol::parse_name("MessagePack"), Some(PACK));
    assert_eq!(PACK.name(), "messagepack");
    assert_eq!(Protocol::ALL, [Protocol::Json, PACK]);
    let request = HandshakeRequest {
        protocol: "messagepack".to_owned(),
        version: 1,
    };
    assert_eq!(request.accept(&[TransferFormat::Binary]).unwrap(), PACK);
    assert_eq!(
        request
            .accept(&[TransferFormat::Text])
            .unwrap_err()
            .to_string(),
        "Cannot use the 'messagepack' protocol on the current transport. \
         The transport does not support 'Binary' transfer format."
    );
}
