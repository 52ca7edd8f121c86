//! Reading and writing hub messages and envelopes: nanoseconds per message, bytes per second.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use mesahub_protocol::{
    Envelope, Extension, FrameReader, HubMessage, Protocol, encode_invocation, encode_result, ping,
};
use serde::Serialize;
use serde_json::{Value, json};

const JSON: Protocol = Protocol::Json;

/// A call with one structured argument, as the notification hub sends it: about 200 bytes.
const INVOCATION: &[u8] = br#"{"type":1,"target":"OrderStatusChanged","arguments":[{"type":"OrderStatusChanged","data":{"orderId":"0190a6b2-7c31-7d4e-9f60-5a1be2c3d4e5","status":"Preparing"},"timestamp":"2026-11-23T12:00:00Z"}]}"#;

/// A client's call that wants an answer.
const CALL: &[u8] = br#"{"type":1,"invocationId":"117","target":"JoinOrderChannel","arguments":["0190a6b2-7c31-7d4e-9f60-5a1be2c3d4e5"]}"#;

const COMPLETION: &[u8] = br#"{"type":3,"invocationId":"117","result":{"ok":true,"members":3}}"#;

const PING: &[u8] = br#"{"type":6}"#;

#[derive(Serialize)]
struct Notification<'a> {
    r#type: &'a str,
    data: Data<'a>,
    timestamp: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    order_id: &'a str,
    status: &'a str,
}

const NOTIFICATION: Notification<'_> = Notification {
    r#type: "OrderStatusChanged",
    data: Data {
        order_id: "0190a6b2-7c31-7d4e-9f60-5a1be2c3d4e5",
        status: "Preparing",
    },
    timestamp: "2026-11-23T12:00:00Z",
};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    encoding(&mut criterion);
    decoding(&mut criterion);
    framing(&mut criterion);
    envelopes(&mut criterion);
    criterion.final_summary();
}

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode json");
    let mut bench = |name: &str, write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::with_capacity(1024);
        write(&mut out);
        group.throughput(Throughput::Bytes(out.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                write(black_box(&mut out));
            });
        });
    };
    bench("invocation", &|out| {
        let arguments = black_box((NOTIFICATION,));
        encode_invocation(JSON, out, None, "OrderStatusChanged", &arguments)
            .expect("the argument is serialisable");
    });
    bench("completion", &|out| {
        encode_result(JSON, out, black_box("117"), black_box(&42)).expect("a number is JSON");
    });
    bench("ping", &|out| out.extend_from_slice(ping(black_box(JSON))));
    group.finish();
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode json");
    for (name, body) in [
        ("invocation", INVOCATION),
        ("call", CALL),
        ("completion", COMPLETION),
        ("ping", PING),
    ] {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| HubMessage::decode(JSON, black_box(body)).expect("a valid message"));
        });
    }
    group.throughput(Throughput::Bytes(CALL.len() as u64));
    group.bench_function("call and its argument", |bencher| {
        bencher.iter(|| {
            let message = HubMessage::decode(JSON, black_box(CALL)).expect("a valid message");
            let HubMessage::Invocation(call) = message else {
                unreachable!("the message is an invocation");
            };
            call.arguments[0]
                .decode::<String>()
                .expect("the argument is text")
        });
    });
    // What a codec without borrowing would do, for comparison.
    group.throughput(Throughput::Bytes(INVOCATION.len() as u64));
    group.bench_function("floor: invocation into a tree", |bencher| {
        bencher
            .iter(|| serde_json::from_slice::<Value>(black_box(INVOCATION)).expect("valid JSON"));
    });
    group.finish();
}

fn framing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cut frames");
    let chunk: Vec<u8> = (0..100).flat_map(|_| [CALL, b"\x1e"].concat()).collect();
    group.throughput(Throughput::Bytes(chunk.len() as u64));
    group.bench_function("100 calls in one chunk", |bencher| {
        let mut reader = FrameReader::new(Some(32 * 1024));
        bencher.iter(|| {
            let mut frames = reader.feed(black_box(&chunk));
            let mut count = 0;
            while let Some(frame) = frames.next() {
                count += usize::from(frame.is_ok());
            }
            assert_eq!(count, 100, "every call is found");
        });
    });
    group.finish();
}

fn envelopes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("envelope");
    let mut message = Vec::new();
    encode_invocation(
        JSON,
        &mut message,
        None,
        "OrderStatusChanged",
        &json!([NOTIFICATION]),
    )
    .expect("the argument is serialisable");
    let plain = Envelope {
        excluded: Vec::new(),
        messages: vec![("json".into(), Bytes::from(message))],
        reply: None,
        extension: Extension::default(),
    };
    let extended = Envelope {
        extension: Extension {
            message_id: Some([7; 16]),
            logged: true,
            dedupe: true,
            ..Extension::default()
        },
        ..plain.clone()
    };
    for (name, envelope) in [("plain", &plain), ("with extension", &extended)] {
        let payload = Bytes::from(envelope.encode());
        group.throughput(Throughput::Bytes(payload.len() as u64));
        group.bench_function(format!("encode {name}"), |bencher| {
            bencher.iter(|| black_box(envelope).encode());
        });
        group.bench_function(format!("decode {name}"), |bencher| {
            bencher.iter(|| Envelope::decode(black_box(&payload)).expect("a valid envelope"));
        });
    }
    group.finish();
}
