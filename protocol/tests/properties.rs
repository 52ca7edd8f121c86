//! What holds for any input.

#![allow(clippy::unwrap_used)]

use std::borrow::Cow;

use bytes::Bytes;
use mesahub_protocol::{
    Ack, BackplaneCompletion, Envelope, Extension, FrameReader, GroupAction, GroupCommand,
    HandshakeRequest, HubMessage, NegotiateQuery, Overflow, Protocol, Reply,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};

#[cfg(feature = "messagepack")]
#[path = "properties/messagepack.rs"]
mod messagepack;
#[path = "properties/parts.rs"]
mod parts;
#[path = "properties/websocket.rs"]
mod websocket;

use parts::{json, non_empty, parts};

fn blob() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn overflow() -> impl Strategy<Value = Overflow> {
    prop_oneof![
        Just(Overflow::Close),
        Just(Overflow::DropOldest),
        any::<String>().prop_map(Overflow::LatestPerKey),
    ]
}

fn extension() -> impl Strategy<Value = Extension> {
    let texts = (option::of(any::<[u8; 16]>()), option::of(any::<String>()));
    let blobs = (option::of(blob()), option::of(any::<String>()));
    (texts, any::<[bool; 3]>(), overflow(), blobs).prop_map(
        |((message_id, trace_parent), [logged, dedupe, receipt], overflow, blobs)| {
            let (signature, dismissal) = blobs;
            Extension {
                message_id,
                trace_parent,
                logged,
                dedupe,
                overflow,
                signature,
                dismissal,
                receipt,
            }
        },
    )
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let message = (protocol_name(), blob());
    let reply = (non_empty(), any::<String>()).prop_map(|(invocation_id, return_channel)| Reply {
        invocation_id,
        return_channel,
    });
    let extension = prop_oneof![Just(Extension::default()), extension()];
    (
        vec(any::<String>(), 0..20),
        vec(message, 0..4),
        option::of(reply),
        extension,
    )
        .prop_map(|(excluded, messages, reply, extension)| Envelope {
            excluded,
            messages,
            reply,
            extension,
        })
}

fn protocol_name() -> impl Strategy<Value = Cow<'static, str>> {
    prop_oneof![
        Just(Cow::Borrowed("json")),
        Just(Cow::Borrowed("messagepack")),
        any::<String>().prop_map(Cow::Owned),
    ]
}

/// Bytes that come close to real input: a valid message or payload with some bytes changed.
fn nearly_valid() -> impl Strategy<Value = Vec<u8>> {
    let valid = prop_oneof![
        parts(json()).prop_map(|parts| {
            let mut out = Vec::new();
            parts.message().encode(Protocol::Json, &mut out).unwrap();
            out.pop();
            out
        }),
        envelope().prop_map(|envelope| envelope.encode()),
    ];
    (
        valid,
        vec((any::<usize>(), any::<u8>()), 0..4),
        any::<usize>(),
    )
        .prop_map(|(mut bytes, changes, cut)| {
            for (at, byte) in changes {
                let length = bytes.len();
                bytes[at % length] = byte;
            }
            bytes.truncate(bytes.len().min(cut % 4096));
            bytes
        })
}

fn decode_as_everything(bytes: &[u8]) {
    let shared = Bytes::copy_from_slice(bytes);
    let _ = HubMessage::decode(Protocol::Json, bytes);
    let _ = HandshakeRequest::parse(bytes);
    let _ = NegotiateQuery::parse(&String::from_utf8_lossy(bytes));
    let _ = GroupCommand::decode(bytes);
    let _ = Ack::decode(bytes);
    let _ = BackplaneCompletion::decode(&shared);
    let _ = Envelope::decode(&shared);
}

/// Everything that `reader` hands out for `chunks`, frames and the error that ends them.
fn read_all<'c>(
    reader: &mut FrameReader,
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<Vec<u8>>, bool) {
    let mut bodies = Vec::new();
    for chunk in chunks {
        let mut frames = reader.feed(chunk);
        while let Some(frame) = frames.next() {
            match frame {
                Ok(body) => bodies.push(body.to_vec()),
                Err(_) => return (bodies, true),
            }
        }
    }
    (bodies, false)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_encoded_decodes_to_the_same_message(parts in parts(json())) {
        let message = parts.message();
        let mut out = Vec::new();
        message.encode(Protocol::Json, &mut out).unwrap();
        prop_assert_eq!(out.pop(), Some(0x1e));
        prop_assert!(!out.contains(&0x1e));
        prop_assert_eq!(HubMessage::decode(Protocol::Json, &out).unwrap(), message);
    }

    #[test]
    fn envelopes_decode_to_what_was_encoded(envelope in envelope()) {
        let payload = Bytes::from(envelope.encode());
        prop_assert_eq!(Envelope::decode(&payload).unwrap(), envelope);
    }

    #[test]
    fn group_commands_decode_to_what_was_encoded(
        id in any::<i32>(),
        names in any::<[String; 3]>(),
        add in any::<bool>(),
    ) {
        let [server_name, group, connection_id] = names;
        let action = if add { GroupAction::Add } else { GroupAction::Remove };
        let command = GroupCommand { id, server_name, action, group, connection_id };
        prop_assert_eq!(GroupCommand::decode(&command.encode()).unwrap(), command);
        prop_assert_eq!(Ack::decode(&Ack { id }.encode()).unwrap(), Ack { id });
    }

    #[test]
    fn backplane_completions_decode_to_what_was_encoded(
        protocol in protocol_name(),
        completion in blob(),
    ) {
        let completion = BackplaneCompletion { protocol, completion };
        let payload = Bytes::from(completion.encode());
        prop_assert_eq!(BackplaneCompletion::decode(&payload).unwrap(), completion);
    }

    #[test]
    fn handshake_requests_parse_to_what_was_encoded(
        protocol in any::<String>(),
        version in any::<i64>(),
    ) {
        let request = HandshakeRequest { protocol, version };
        let mut bytes = request.encode();
        prop_assert_eq!(bytes.pop(), Some(0x1e));
        prop_assert_eq!(HandshakeRequest::parse(&bytes).unwrap(), request);
    }

    #[test]
    fn no_decoder_panics_on_any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        decode_as_everything(&bytes);
    }

    #[test]
    fn no_decoder_panics_on_damaged_input(bytes in nearly_valid()) {
        decode_as_everything(&bytes);
    }

    #[test]
    fn every_prefix_of_an_envelope_is_refused(envelope in envelope(), cut in any::<usize>()) {
        let payload = Bytes::from(envelope.encode());
        prop_assert!(Envelope::decode(&payload.slice(..cut % payload.len())).is_err());
    }

    #[test]
    fn any_chunking_gives_the_same_frames(
        bodies in vec("[a-z]{0,12}", 0..8),
        tail in "[a-z]{0,5}",
        cuts in vec(any::<usize>(), 0..10),
        limit in option::of(1..16_usize),
    ) {
        let stream = bodies.iter().map(|body| format!("{body}\x1e")).collect::<String>() + &tail;
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|range| &stream.as_bytes()[range[0]..range[1]]);

        let mut reader = FrameReader::new(limit);
        let (frames, failed) = read_all(&mut reader, chunks);

        let fits = |length: usize| limit.is_none_or(|limit| length < limit);
        let expected: Vec<_> = bodies.iter().take_while(|body| fits(body.len())).collect();
        let all_fit = expected.len() == bodies.len() && (tail.is_empty() || fits(tail.len()));
        prop_assert_eq!(frames, expected.iter().map(|body| body.as_bytes()).collect::<Vec<_>>());
        prop_assert_eq!(failed, !all_fit);
        prop_assert_eq!(reader.is_mid_message(), all_fit && !tail.is_empty());
    }
}
