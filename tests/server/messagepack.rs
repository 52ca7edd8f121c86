//! The MessagePack hub protocol at a socket: how leniently values bind to the types of a handler.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mesahub::hub::{HubBuilder, HubOptions};
use serde::{Deserialize, Serialize};

use crate::support::{BINARY, Plan, Raw, Sent, Server};

#[derive(Deserialize, Serialize)]
struct Order {
    table: u8,
    paid: bool,
    note: Option<String>,
}

/// A value as a client sends it, and what comes back: the same value, as the server writes it.
type Row = (&'static [u8], &'static [u8]);

fn with_takers(hub: HubBuilder) -> HubBuilder {
    hub.method("Integer", async |value: i32| value)
        .method("Float", async |value: f64| value)
        .method("Time", async |value: Timestamp| value)
        .method("Bytes", async |value: Vec<u8>| value)
        .method("Order", async |value: Order| value)
        .method("Tables", async |value: BTreeMap<i32, String>| value)
        .method("Perhaps", async |value: Option<bool>| value)
}

async fn server(enable_detailed_errors: bool) -> Server {
    let plan = Plan {
        options: HubOptions {
            enable_detailed_errors,
            ..HubOptions::default()
        },
        also: |hub, _| with_takers(hub),
        ..Plan::default()
    };
    plan.start().await
}

async fn connect(server: &Server) -> Raw {
    let mut raw = Raw::open(server).await;
    raw.text("{\"protocol\":\"messagepack\",\"version\":1}\u{1e}")
        .await;
    assert_eq!(raw.receive().await, Sent::Frame(BINARY, b"{}\x1e".to_vec()));
    raw
}

/// A message behind its length.
fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = body.len();
    let mut message = if length < 0x80 {
        vec![length as u8]
    } else {
        vec![0x80 | (length & 0x7f) as u8, (length >> 7) as u8]
    };
    message.extend(body);
    message
}

/// A call with one argument, as the JavaScript client writes it.
fn call(target: &str, argument: &[u8]) -> Vec<u8> {
    let name = [&[0xa0 | target.len() as u8], target.as_bytes()].concat();
    framed(&[b"\x95\x01\x80\xa17", &name, b"\x91", argument])
}

fn returned(value: &[u8]) -> Sent {
    Sent::Frame(BINARY, framed(&[b"\x95\x03\x80\xa17\x03", value]))
}

fn failed(text: &str) -> Sent {
    let length = u8::try_from(text.len()).unwrap();
    let head = [0xd9, length];
    let text = text.as_bytes();
    Sent::Frame(BINARY, framed(&[b"\x95\x03\x80\xa17\x01", &head, text]))
}

async fn bind(target: &str, rows: &[Row]) {
    let server = server(false).await;
    let mut raw = connect(&server).await;
    for (sent, back) in rows {
        raw.binary(&call(target, sent)).await;
        assert_eq!(raw.receive().await, returned(back), "{target} {sent:02x?}");
    }
}

async fn refuse(target: &str, values: &[&[u8]]) {
    let base = format!("Failed to invoke '{target}' due to an error on the server.");
    let detail = "InvalidDataException: Error binding arguments. Make sure that the types of the \
                  provided values match the types of the hub method being invoked.";
    for detailed in [false, true] {
        let server = server(detailed).await;
        let mut raw = connect(&server).await;
        let text = if detailed {
            format!("{base} {detail}")
        } else {
            base.clone()
        };
        for value in values {
            raw.binary(&call(target, value)).await;
            assert_eq!(raw.receive().await, failed(&text), "{target} {value:02x?}");
        }
        // The connection is as good as before.
        raw.binary(&call("Perhaps", b"\xc3")).await;
        assert_eq!(raw.receive().await, returned(b"\xc3"));
    }
}

#[tokio::test]
async fn integers_bind_from_any_width_where_the_value_fits() {
    bind(
        "Integer",
        &[
            (b"\x05", b"\x05"),
            (b"\xcc\x05", b"\x05"),
            (b"\xcd\x00\x05", b"\x05"),
            (b"\xce\x00\x00\x00\x05", b"\x05"),
            (b"\xcf\x00\x00\x00\x00\x00\x00\x00\x05", b"\x05"),
            (b"\xd0\x05", b"\x05"),
            (b"\xd1\x00\x05", b"\x05"),
            (b"\xd2\x00\x00\x00\x05", b"\x05"),
            (b"\xd3\x00\x00\x00\x00\x00\x00\x00\x05", b"\x05"),
            (b"\xff", b"\xff"),
            (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff", b"\xff"),
            (b"\xd2\x80\x00\x00\x00", b"\xd2\x80\x00\x00\x00"),
        ],
    )
    .await;
    refuse(
        "Integer",
        &[
            b"\xce\x80\x00\x00\x00",
            b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00",
            b"\xd3\xff\xff\xff\xff\x00\x00\x00\x00",
            b"\xcb\x40\x14\x00\x00\x00\x00\x00\x00",
            b"\xa15",
            b"\xc0",
            b"\x91\x05",
        ],
    )
    .await;
}

#[tokio::test]
async fn floats_bind_from_either_width_and_from_integers() {
    bind(
        "Float",
        &[
            (
                b"\xca\x3f\xc0\x00\x00",
                b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00",
            ),
            (
                b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00",
                b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00",
            ),
            (b"\x05", b"\xcb\x40\x14\x00\x00\x00\x00\x00\x00"),
            (b"\xff", b"\xcb\xbf\xf0\x00\x00\x00\x00\x00\x00"),
        ],
    )
    .await;
    refuse("Float", &[b"\xa11", b"\xc0", b"\xc3"]).await;
}

#[tokio::test]
async fn times_bind_from_timestamps_of_every_length_and_from_texts() {
    bind(
        "Time",
        &[
            (b"\xd6\xff\x00\x00\x00\x00", b"\xb41970-01-01T00:00:00Z"),
            (
                b"\xd7\xff\x1d\x53\x53\x00\x65\x53\xf1\x00",
                b"\xb82023-11-14T22:13:20.123Z",
            ),
            (
                b"\xc7\x0c\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff",
                b"\xb41969-12-31T23:59:59Z",
            ),
            (b"\xb41970-01-01T00:00:00Z", b"\xb41970-01-01T00:00:00Z"),
        ],
    )
    .await;
    refuse("Time", &[b"\xa4soon", b"\xd4\x05\x00", b"\x00"]).await;
}

#[tokio::test]
async fn bytes_bind_from_binary_and_from_arrays() {
    bind(
        "Bytes",
        &[
            (b"\xc4\x02\x07\x08", b"\x92\x07\x08"),
            (b"\xc5\x00\x02\x07\x08", b"\x92\x07\x08"),
            (b"\x92\x07\xcc\x08", b"\x92\x07\x08"),
            (b"\xc4\x00", b"\x90"),
        ],
    )
    .await;
    refuse("Bytes", &[b"\xa2ab", b"\x91\xcd\x01\x00"]).await;
}

#[tokio::test]
async fn structs_bind_from_maps_in_any_order_and_from_arrays_by_position() {
    const BACK: &[u8] = b"\x83\xa5table\x07\xa4paid\xc3\xa4note\xc0";
    bind(
        "Order",
        &[
            (b"\x83\xa5table\x07\xa4paid\xc3\xa4note\xc0", BACK),
            (
                b"\x83\xa4note\xc0\xa4paid\xc3\xa5table\xd3\x00\x00\x00\x00\x00\x00\x00\x07",
                BACK,
            ),
            (b"\x83\xa5table\x07\xa3new\x92\x01\x02\xa4paid\xc3", BACK),
            (b"\x93\x07\xc3\xc0", BACK),
            (b"\x94\x07\xc3\xc0\x81\x01\x02", BACK),
        ],
    )
    .await;
    refuse(
        "Order",
        &[
            b"\x81\xa5table\x07",
            b"\x91\x07",
            b"\xc0",
            b"\x83\xa5TABLE\x07\xa4paid\xc3\xa4note\xc0",
        ],
    )
    .await;
}

#[tokio::test]
async fn maps_bind_with_keys_that_are_numbers_or_their_texts() {
    bind(
        "Tables",
        &[
            (b"\x81\x07\xa4free", b"\x81\x07\xa4free"),
            (b"\x81\xa17\xa4free", b"\x81\x07\xa4free"),
            (b"\x80", b"\x80"),
        ],
    )
    .await;
    refuse("Tables", &[b"\x81\xa1x\xa4free", b"\x91\x01"]).await;
}

#[tokio::test]
async fn nil_is_nothing_where_nothing_is_allowed() {
    bind("Perhaps", &[(b"\xc0", b"\xc0"), (b"\xc2", b"\xc2")]).await;
}
