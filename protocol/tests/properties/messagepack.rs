//! What holds for any MessagePack.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use mesahub_protocol::{
    FrameReader, HubMessage, Payload, Protocol, encode_result, encode_stream_item,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::parts::{Form, parts, value};
use crate::read_all;

const PACK: Protocol = Protocol::MessagePack;

/// One type with every kind of field.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    unsigned: u64,
    signed: i64,
    small: Option<i8>,
    float: f64,
    text: String,
    octets: Bytes,
    numbers: Vec<u16>,
    by_number: BTreeMap<i32, bool>,
    choice: Choice,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Nothing,
    One(u8),
    Two(String, u8),
    Named { inner: Option<Box<Self>> },
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Nothing),
        any::<u8>().prop_map(Choice::One),
        (any::<String>(), any::<u8>()).prop_map(|(text, number)| Choice::Two(text, number)),
        option::of(any::<u8>()).prop_map(|number| Choice::Named {
            inner: number.map(|number| Box::new(Choice::One(number)))
        }),
    ]
}

fn everything() -> impl Strategy<Value = Everything> {
    let float = any::<f64>().prop_filter("NaN equals nothing", |float| !float.is_nan());
    let numbers = (any::<u64>(), any::<i64>(), any::<Option<i8>>(), float);
    let lists = (vec(any::<u8>(), 0..300), vec(any::<u16>(), 0..40));
    let by_number = proptest::collection::btree_map(any::<i32>(), any::<bool>(), 0..20);
    (numbers, any::<String>(), lists, by_number, choice()).prop_map(
        |((unsigned, signed, small, float), text, (octets, numbers), by_number, choice)| {
            Everything {
                unsigned,
                signed,
                small,
                float,
                text,
                octets: octets.into(),
                numbers,
                by_number,
                choice,
            }
        },
    )
}

fn packed_value<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    encode_stream_item(PACK, &mut out, "1", value).unwrap();
    let prefix = out.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    out.split_off(prefix + 5)
}

/// A value as MessagePack, some of it in forms that JSON has no counterpart of.
fn packed() -> impl Strategy<Value = Form> {
    let foreign = prop_oneof![
        Just(b"\xd6\x05abcd".to_vec()),
        Just(b"\xd6\xff\x00\x00\x00\x00".to_vec()),
        Just(b"\xc4\x02\x00\xff".to_vec()),
        Just(b"\x81\xc0\xca\x00\x00\x00\x00".to_vec()),
    ];
    prop_oneof![value().prop_map(|value| packed_value(&value)), foreign].prop_map(Form::MessagePack)
}

/// A message and the bytes of its frame.
fn framed() -> impl Strategy<Value = Vec<u8>> {
    parts(packed()).prop_map(|parts| {
        let mut out = Vec::new();
        parts.message().encode(PACK, &mut out).unwrap();
        out
    })
}

fn body(framed: &[u8]) -> Vec<u8> {
    let mut reader = FrameReader::after_handshake(PACK, None);
    reader.feed(framed).next().unwrap().unwrap().to_vec()
}

fn bind_to_everything(payload: Payload<'_>) {
    fn bind<T: DeserializeOwned>(payload: Payload<'_>) {
        let _ = payload.decode::<T>();
    }
    bind::<Everything>(payload);
    bind::<Choice>(payload);
    bind::<Value>(payload);
    bind::<Box<RawValue>>(payload);
    bind::<Vec<Option<(u8, String)>>>(payload);
    bind::<BTreeMap<u8, [f32; 2]>>(payload);
    bind::<Bytes>(payload);
    bind::<Timestamp>(payload);
    bind::<()>(payload);
    for protocol in Protocol::ALL {
        let mut out = Vec::new();
        if encode_result(*protocol, &mut out, "1", &payload).is_err() {
            assert!(out.is_empty());
        }
    }
}

fn read_as_message(body: &[u8]) {
    let payload = match HubMessage::decode(PACK, body) {
        Ok(HubMessage::Invocation(call)) => call.arguments.first().copied(),
        Ok(HubMessage::StreamItem { item, .. }) => Some(item),
        _ => None,
    };
    if let Some(payload) = payload {
        bind_to_everything(payload);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn messages_decode_to_what_was_encoded(parts in parts(packed())) {
        let message = parts.message();
        let mut out = Vec::new();
        message.encode(PACK, &mut out).unwrap();
        let body = body(&out);
        prop_assert_eq!(HubMessage::decode(PACK, &body).unwrap(), message);
    }

    #[test]
    fn values_decode_to_what_was_encoded(everything in everything()) {
        let bytes = packed_value(&everything);
        let read: Everything = Payload::MessagePack(&bytes).decode().unwrap();
        prop_assert_eq!(read, everything);
    }

    #[test]
    fn json_survives_the_way_there_and_back(value in value()) {
        let bytes = packed_value(&value);
        let payload = Payload::MessagePack(&bytes);
        prop_assert_eq!(&payload.decode::<Value>().unwrap(), &value);
        let raw = payload.decode::<Box<RawValue>>().unwrap();
        prop_assert_eq!(raw.get(), value.to_string());
        prop_assert_eq!(packed_value(&raw), bytes);
    }

    #[test]
    fn every_prefix_of_a_message_is_refused(framed in framed(), cut in any::<usize>()) {
        let body = body(&framed);
        let cut = cut % body.len();
        prop_assert!(HubMessage::decode(PACK, &body[..cut]).is_err());
        let mut reader = FrameReader::after_handshake(PACK, None);
        prop_assert!(reader.feed(&framed[..cut]).next().is_none());
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in vec(any::<u8>(), 0..200)) {
        read_as_message(&bytes);
        bind_to_everything(Payload::MessagePack(&bytes));
        read_all(&mut FrameReader::after_handshake(PACK, None), [bytes.as_slice()]);
    }

    #[test]
    fn no_damaged_message_makes_a_decoder_panic(
        framed in framed(),
        changes in vec((any::<usize>(), any::<u8>()), 0..4),
    ) {
        let mut body = body(&framed);
        for (at, byte) in changes {
            let length = body.len();
            body[at % length] = byte;
        }
        read_as_message(&body);
    }

    #[test]
    fn no_damaged_value_makes_a_decoder_panic(
        everything in everything(),
        changes in vec((any::<usize>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = packed_value(&everything);
        for (at, byte) in changes {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        bind_to_everything(Payload::MessagePack(&bytes));
    }

    #[test]
    fn any_chunking_of_any_messages_gives_the_same_frames(
        sizes in vec(0..300_usize, 0..8),
        tail in 1..20_usize,
        is_cut_short in any::<bool>(),
        cuts in vec(any::<usize>(), 0..10),
        limit in option::of(1..400_usize),
    ) {
        let frame = |size: &usize| {
            let mut frame = vec![u8::try_from(size & 0x7f).unwrap()];
            if *size > 0x7f {
                frame[0] |= 0x80;
                frame.push(u8::try_from(size >> 7).unwrap());
            }
            frame.extend((0..*size).map(|index| u8::try_from(index % 251).unwrap()));
            frame
        };
        let frames: Vec<_> = sizes.iter().map(frame).collect();
        let mut stream = frames.concat();
        if is_cut_short {
            stream.extend(&frame(&20)[..tail]);
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|range| &stream[range[0]..range[1]]);

        let mut reader = FrameReader::after_handshake(PACK, limit);
        let (bodies, failed) = read_all(&mut reader, chunks);

        let fits = |length: usize| limit.is_none_or(|limit| length <= limit);
        let expected: Vec<_> = frames.iter().take_while(|frame| fits(frame.len())).collect();
        let all_fit = expected.len() == frames.len() && (!is_cut_short || fits(21));
        let expected = expected.iter().map(|frame| frame[usize::from(frame[0] >> 7) + 1..].to_vec());
        prop_assert_eq!(bodies, expected.collect::<Vec<_>>());
        prop_assert_eq!(failed, !all_fit);
        prop_assert_eq!(reader.is_mid_message(), all_fit && is_cut_short);
    }
}
