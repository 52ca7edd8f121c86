//! What values of the application are in MessagePack, and what types they bind to.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use bytes::Bytes;
use jiff::Timestamp;
use mesahub_protocol::{
    HubMessage, Outcome, Payload, Protocol, ProtocolError, encode_result, encode_stream_item,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::hex::hex;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    order_id: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Step {
    Ready,
    Table(u8),
    Split(u8, u8),
    Order { id: u8 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tagged {
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

fn bind<T: DeserializeOwned>(bytes: &str) -> Result<T, ProtocolError> {
    Payload::MessagePack(&hex(bytes)).decode()
}

/// The bytes of a value as a stream item, without what stands around it.
fn packed<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    encode_stream_item(Protocol::MessagePack, &mut out, "5", value).unwrap();
    let prefix = out.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    out.split_off(prefix + 5)
}

#[allow(clippy::needless_pass_by_value)]
#[track_caller]
fn binds<T: DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &str, expected: T) {
    assert_eq!(bind::<T>(bytes).unwrap(), expected, "{bytes}");
}

#[track_caller]
fn refuses<T: DeserializeOwned + std::fmt::Debug>(bytes: &str) {
    let error = bind::<T>(bytes).unwrap_err();
    assert!(matches!(error, ProtocolError::Value(_)), "{error:?}");
}

#[track_caller]
fn is<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T, bytes: &str) {
    assert_eq!(packed(&value), hex(bytes), "{value:?}");
    binds(bytes, value);
}

#[test]
fn integers_are_written_as_the_javascript_encoder_writes_them() {
    let cases: &[(i64, &str)] = &[
        (0, "00"),
        (127, "7f"),
        (128, "cc 80"),
        (255, "cc ff"),
        (256, "cd 01 00"),
        (65_535, "cd ff ff"),
        (65_536, "ce 00 01 00 00"),
        (4_294_967_295, "ce ff ff ff ff"),
        (4_294_967_296, "cf 00 00 00 01 00 00 00 00"),
        (9_007_199_254_740_991, "cf 00 1f ff ff ff ff ff ff"),
        (-1, "ff"),
        (-32, "e0"),
        (-33, "d0 df"),
        (-128, "d0 80"),
        (-129, "d1 ff 7f"),
        (-32_768, "d1 80 00"),
        (-32_769, "d2 ff ff 7f ff"),
        (-2_147_483_648, "d2 80 00 00 00"),
        (-2_147_483_649, "d3 ff ff ff ff 7f ff ff ff"),
    ];
    for (number, bytes) in cases {
        is(*number, bytes);
    }
    is(u64::MAX, "cf ff ff ff ff ff ff ff ff");
    is(i64::MIN, "d3 80 00 00 00 00 00 00 00");
    is(7_u128, "07");
    is(-7_i128, "f9");
}

#[test]
fn other_scalars_are_written_as_the_javascript_encoder_writes_them() {
    is(true, "c3");
    is(false, "c2");
    is(1.5_f64, "cb 3f f8 00 00 00 00 00 00");
    is(1.5_f32, "ca 3f c0 00 00");
    is("é😀".to_owned(), "a6 c3 a9 f0 9f 98 80");
    is('é', "a2 c3 a9");
    is(None::<u8>, "c0");
    is(Some(5_u8), "05");
    is((), "c0");
    is(Unit, "c0");
    is(Bytes::from_static(&[1, 2, 3]), "c4 03 01 02 03");
    is(vec![1_u8, 2, 3], "93 01 02 03");
    let text = "x".repeat(32);
    assert_eq!(packed(&text), [b"\xd9\x20", text.as_bytes()].concat());
}

#[test]
fn structs_and_maps_are_maps_and_tuples_are_arrays() {
    let order = Order {
        order_id: 7,
        note: None,
    };
    is(order.clone(), "81 a7 6f 72 64 65 72 49 64 07");
    is(
        (1, "a".to_owned(), [order.clone()]),
        "93 01 a1 61 91 81 a7 6f 72 64 65 72 49 64 07",
    );
    is(HashMap::from([("a".to_owned(), 1)]), "81 a1 61 01");
    is(BTreeMap::from([(1, true), (-1, false)]), "82 ff c2 01 c3");
    let rest = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    is(Tagged { rest }, "82 a1 61 01 a1 62 02");
}

#[test]
fn lists_of_unknown_length_get_the_head_that_fits_in_the_end() {
    struct Unannounced(u8);
    impl Serialize for Unannounced {
        fn serialize<S: serde::Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
            output.collect_seq((0..=u8::MAX).filter(|number| *number < self.0))
        }
    }
    for length in [0_u8, 1, 15, 16, 100] {
        let bytes = packed(&Unannounced(length));
        let numbers: Vec<u8> = Payload::MessagePack(&bytes).decode().unwrap();
        assert_eq!(numbers, (0..length).collect::<Vec<u8>>());
        assert_eq!(bytes, packed(&numbers));
    }
}

#[test]
fn enums_are_their_names_and_bind_from_names_positions_and_maps() {
    is(Step::Ready, "a5 52 65 61 64 79");
    is(Step::Table(4), "81 a5 54 61 62 6c 65 04");
    is(Step::Split(4, 5), "81 a5 53 70 6c 69 74 92 04 05");
    is(Step::Order { id: 4 }, "81 a5 4f 72 64 65 72 81 a2 69 64 04");
    binds("00", Step::Ready);
    binds("cc 00", Step::Ready);
    binds("81 a5 52 65 61 64 79 c0", Step::Ready);
    refuses::<Step>("04");
    refuses::<Step>("ff");
    refuses::<Step>("cf 00 00 00 01 00 00 00 00");
    refuses::<Step>("a1 61");
    refuses::<Step>("80");
    refuses::<Step>("c0");
}

#[test]
fn numbers_bind_where_the_value_fits() {
    binds("d3 00 00 00 00 00 00 00 05", 5_u8);
    binds("cf 00 00 00 00 00 00 00 05", 5_i8);
    binds("d0 fb", -5_i64);
    binds("05", 5_f64);
    binds("fb", -5_f32);
    binds("ca 3f c0 00 00", 1.5_f64);
    binds("cb 3f f8 00 00 00 00 00 00", 1.5_f32);
    refuses::<u8>("cd 01 00");
    refuses::<u8>("ff");
    refuses::<i64>("cf ff ff ff ff ff ff ff ff");
    refuses::<i32>("cb 3f f0 00 00 00 00 00 00");
    refuses::<i32>("a1 35");
    refuses::<i32>("c0");
    refuses::<bool>("01");
    refuses::<String>("05");
    refuses::<()>("05");
}

#[test]
fn structs_bind_from_maps_by_exact_names_and_from_arrays_by_position() {
    let order = |note: Option<&str>| Order {
        order_id: 7,
        note: note.map(str::to_owned),
    };
    binds(
        "82 a4 6e 6f 74 65 a1 78 a7 6f 72 64 65 72 49 64 07",
        order(Some("x")),
    );
    binds(
        "82 a7 6f 72 64 65 72 49 64 07 a4 6e 6f 74 65 c0",
        order(None),
    );
    binds("82 a1 61 91 80 a7 6f 72 64 65 72 49 64 07", order(None));
    binds("92 07 a1 78", order(Some("x")));
    binds("91 07", order(None));
    binds("94 07 c0 91 01 c7 01 05 00", order(None));
    refuses::<Order>("81 a7 4f 72 64 65 72 49 64 07");
    refuses::<Order>("80");
    refuses::<Order>("90");
    refuses::<Order>("07");
    refuses::<(u8, u8)>("93 01 02 03");
    refuses::<(u8, u8)>("91 01");
}

#[test]
fn byte_strings_bind_as_bytes_and_as_sequences() {
    let octets = "c4 03 01 02 03";
    binds(octets, Bytes::from_static(&[1, 2, 3]));
    binds(octets, vec![1_u8, 2, 3]);
    binds(octets, vec![1_i64, 2, 3]);
    binds(octets, [1_u8, 2, 3]);
    binds("93 01 02 03", Bytes::from_static(&[1, 2, 3]));
    binds("a3 61 62 63", Bytes::from_static(b"abc"));
    refuses::<[u8; 2]>("c4 01 01");
    refuses::<Vec<bool>>(octets);
}

#[test]
fn strings_that_are_not_utf8_bind_with_replacements() {
    binds("a3 61 ff 62", "a\u{fffd}b".to_owned());
}

#[test]
fn timestamps_bind_to_types_that_read_rfc_3339() {
    let time: Timestamp = "2023-11-14T22:13:20.123Z".parse().unwrap();
    binds("d7 ff 1d 53 53 00 65 53 f1 00", time);
    binds("d6 ff 00 00 00 00", Timestamp::UNIX_EPOCH);
    binds(
        "c7 0c ff 00 00 00 00 ff ff ff ff ff ff ff ff",
        "1969-12-31T23:59:59Z".to_owned(),
    );
    binds("d6 ff 00 00 00 00", json!("1970-01-01T00:00:00Z"));
    refuses::<Timestamp>("d6 01 00 00 00 00");
    refuses::<Timestamp>("d5 ff 00 00");
    bind::<IgnoredAny>("d6 01 00 00 00 00").unwrap();
    let text = packed(&time);
    assert_eq!(text, packed("2023-11-14T22:13:20.123Z"));
    is(
        IpAddr::from([127, 0, 0, 1]),
        "a9 31 32 37 2e 30 2e 30 2e 31",
    );
}

#[test]
fn keys_bind_as_numbers_and_as_texts() {
    binds("81 a1 35 c3", HashMap::from([(5_u8, true)]));
    binds("81 a2 2d 35 c3", HashMap::from([(-5_i32, true)]));
    binds("81 05 c3", HashMap::from([("5".to_owned(), true)]));
    binds("82 05 a1 35 fb a1 36", json!({"5": "5", "-5": "6"}));
    refuses::<HashMap<u8, bool>>("81 a1 61 c3");
    refuses::<HashMap<String, String>>("81 05 05");
}

#[test]
fn json_values_are_real_values_both_ways() {
    let value = json!({"a": [1, -1, 1.5, null, true, "x", {"b": []}], "c": {}});
    let bytes = "82 a1 61 97 01 ff cb 3f f8 00 00 00 00 00 00 c0 c3 a1 78 81 a1 62 90 a1 63 80";
    is(value.clone(), bytes);
    let raw = RawValue::from_string(value.to_string()).unwrap();
    assert_eq!(packed(&raw), hex(bytes));
    assert_eq!(packed(&[Some(&raw)]), [vec![0x91], hex(bytes)].concat());
    assert_eq!(packed(&Payload::Json(&raw)), hex(bytes));
    assert_eq!(bind::<Box<RawValue>>(bytes).unwrap().get(), raw.get());
}

#[test]
fn a_payload_is_passed_on_byte_for_byte_within_its_protocol() {
    for bytes in ["d3 00 00 00 00 00 00 00 05", "c7 01 05 00", "81 c0 a1 ff"] {
        let payload = hex(bytes);
        assert_eq!(
            packed(&(Payload::MessagePack(&payload),)),
            [vec![0x91], payload].concat()
        );
    }
}

#[test]
fn a_payload_is_rewritten_for_the_other_protocol() {
    let json = |bytes: &str| {
        let mut out = Vec::new();
        let payload = hex(bytes);
        encode_result(
            Protocol::Json,
            &mut out,
            "5",
            &Payload::MessagePack(&payload),
        )?;
        let text = String::from_utf8(out).unwrap();
        let start = text.find("\"result\":").unwrap() + 9;
        Ok::<_, mesahub_protocol::EncodeError>(text[start..text.len() - 2].to_owned())
    };
    let cases = [
        (
            "82 a1 61 92 05 c0 05 cb 3f f8 00 00 00 00 00 00",
            r#"{"a":[5,null],"5":1.5}"#,
        ),
        (
            "d7 ff 1d 53 53 00 65 53 f1 00",
            r#""2023-11-14T22:13:20.123Z""#,
        ),
        ("c4 02 01 02", "[1,2]"),
    ];
    for (bytes, text) in cases {
        assert_eq!(json(bytes).unwrap(), text);
    }
    for bytes in [
        "c7 01 05 00",
        "81 c0 01",
        "81 90 01",
        "",
        "c1",
        "01 01",
        "92 01",
    ] {
        json(bytes).unwrap_err();
    }
}

#[test]
fn a_message_of_one_protocol_is_written_in_the_other() {
    let body = br#"{"type":3,"invocationId":"5","result":[1,{"a":null}]}"#;
    let message = HubMessage::decode(Protocol::Json, body).unwrap();
    let mut out = Vec::new();
    message.encode(Protocol::MessagePack, &mut out).unwrap();
    assert_eq!(out, hex("0c 95 03 80 a1 35 03 92 01 81 a1 61 c0"));
    let message = HubMessage::decode(Protocol::MessagePack, &out[1..]).unwrap();
    let mut json = Vec::new();
    message.encode(Protocol::Json, &mut json).unwrap();
    assert_eq!(json, [body.as_slice(), b"\x1e"].concat());

    let foreign = HubMessage::Completion {
        invocation_id: "5".into(),
        outcome: Outcome::Result(Payload::MessagePack(b"\xc7\x01\x05\x00")),
    };
    let mut out = b"before".to_vec();
    foreign.encode(Protocol::Json, &mut out).unwrap_err();
    assert_eq!(out, b"before");
}

#[test]
fn a_value_that_does_not_decode_leaves_the_message_usable() {
    let body = hex("95 01 80 a1 31 a1 61 91 a3 74 77 6f");
    let HubMessage::Invocation(call) = HubMessage::decode(Protocol::MessagePack, &body).unwrap()
    else {
        panic!("no call")
    };
    let error = call.arguments[0].decode::<i32>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the value does not have the expected type: invalid type: string \"two\", expected i32"
    );
    assert_eq!(call.arguments[0].decode::<String>().unwrap(), "two");
}

#[test]
fn nesting_is_decoded_to_a_depth_and_no_further() {
    for open in ["91", "81 05"] {
        let nested = |levels: usize| format!("{} c0", open.repeat(levels));
        bind::<Value>(&nested(128)).unwrap();
        refuses::<Value>(&nested(129));
        bind::<IgnoredAny>(&nested(10_000)).unwrap();
    }
    refuses::<Box<RawValue>>(&format!("{} c0", "91".repeat(10_000)));
}

#[test]
fn what_is_not_exactly_one_value_does_not_decode() {
    for bytes in [
        "",
        "c1",
        "92 01",
        "01 01",
        "dd ff ff ff ff 01",
        "db ff ff ff ff 61",
    ] {
        refuses::<Value>(bytes);
        refuses::<Vec<u8>>(bytes);
    }
}
