//! Backplane payloads, byte for byte as ASP.NET Core writes them.

use std::borrow::Cow;

use bytes::Bytes;
use mesahub_protocol::{
    Ack, BackplaneCompletion, Envelope, Extension, GroupAction, GroupCommand, Overflow, PackError,
    Protocol, Reply,
};

const NOTE: &[u8] = b"{\"type\":1,\"target\":\"note\",\"arguments\":[\"hi\"]}\x1e";
const NOTE_MESSAGEPACK: &str = "0e 96 01 80 c0 a4 6e6f7465 91 a2 6869 90";
const MESSAGES: &str = "82 a4 6a736f6e
    c4 2e 7b2274797065223a312c22746172676574223a226e6f7465222c22617267756d656e7473223a5b226869225d7d1e
    ab 6d6573736167657061636b c4 0f 0e 96 01 80 c0 a4 6e6f7465 91 a2 6869 90";

fn hex(text: &str) -> Bytes {
    crate::hex::hex(text).into()
}

fn note() -> Envelope {
    Envelope {
        messages: vec![
            (Cow::Borrowed("json"), Bytes::from_static(NOTE)),
            (Cow::Borrowed("messagepack"), hex(NOTE_MESSAGEPACK)),
        ],
        ..Envelope::default()
    }
}

fn reply() -> Reply {
    Reply {
        invocation_id: "abc".to_owned(),
        return_channel: "H:r".to_owned(),
    }
}

fn check(envelope: &Envelope, bytes: &str) {
    assert_eq!(Bytes::from(envelope.encode()), hex(bytes));
    assert_eq!(Envelope::decode(&hex(bytes)).as_ref(), Ok(envelope));
}

#[test]
fn a_broadcast_has_the_official_bytes() {
    check(&note(), &format!("92 90 {MESSAGES}"));
}

#[test]
fn exclusions_have_the_official_bytes() {
    let envelope = Envelope {
        excluded: vec!["conA".into(), "conB".into()],
        ..note()
    };
    check(
        &envelope,
        &format!("92 92 a4 63 6f 6e 41 a4 63 6f 6e 42 {MESSAGES}"),
    );
}

#[test]
fn a_call_with_a_result_has_the_official_bytes() {
    let envelope = Envelope {
        reply: Some(reply()),
        ..note()
    };
    check(&envelope, &format!("94 90 {MESSAGES} a3 616263 a3 483a72"));
}

#[test]
fn an_extension_is_the_fifth_element_behind_two_empty_strings() {
    let extension = Extension {
        logged: true,
        ..Extension::default()
    };
    let envelope = Envelope {
        extension: extension.clone(),
        ..note()
    };
    check(&envelope, &format!("95 90 {MESSAGES} a0 a0 81 02 c3"));
    let envelope = Envelope {
        reply: Some(reply()),
        extension,
        ..note()
    };
    check(
        &envelope,
        &format!("95 90 {MESSAGES} a3 616263 a3 483a72 81 02 c3"),
    );
}

#[test]
fn every_field_of_the_extension_has_its_key() {
    let extension = Extension {
        message_id: Some([7; 16]),
        trace_parent: Some("00".to_owned()),
        logged: true,
        dedupe: true,
        overflow: Overflow::LatestPerKey("k".to_owned()),
        signature: Some(Bytes::from_static(b"\x01\x02")),
        dismissal: Some("x".to_owned()),
        receipt: true,
    };
    let id = "07".repeat(16);
    let envelope = Envelope {
        extension,
        ..Envelope::default()
    };
    let map =
        format!("88 00 c4 10 {id} 01 a2 3030 02 c3 03 c3 04 a1 6b 05 c4 02 01 02 06 a1 78 07 c3");
    check(&envelope, &format!("95 90 80 a0 a0 {map}"));
    let extension = Extension {
        overflow: Overflow::DropOldest,
        ..Extension::default()
    };
    check(
        &Envelope {
            extension,
            ..Envelope::default()
        },
        "95 90 80 a0 a0 81 04 01",
    );
}

#[test]
fn what_a_later_version_adds_is_skipped() {
    let extension = Extension {
        logged: true,
        ..Extension::default()
    };
    let expected = Envelope {
        extension,
        ..Envelope::default()
    };
    let payload = hex("96 90 80 c0 c0 84 09 92 01 81 02 03 a1 78 c0 cd 1000 05 02 c3 c0");
    assert_eq!(Envelope::decode(&payload), Ok(expected));
    let overflow = hex("95 90 80 a0 a0 81 04 63");
    assert_eq!(Envelope::decode(&overflow), Ok(Envelope::default()));
}

#[test]
fn a_third_or_foreign_fifth_element_is_ignored() {
    assert_eq!(
        Envelope::decode(&hex("93 90 80 a1 78")),
        Ok(Envelope::default())
    );
    assert_eq!(
        Envelope::decode(&hex("95 90 80 a0 a0 a1 78")),
        Ok(Envelope::default())
    );
}

#[test]
fn long_forms_of_lengths_are_accepted() {
    let payload = hex("dd 00000002 dc 0001 d9 01 41 df 00000001 da 0004 6a736f6e c6 00000001 7d");
    let envelope = Envelope {
        excluded: vec!["A".to_owned()],
        messages: vec![(Cow::Borrowed("json"), Bytes::from_static(b"}"))],
        ..Envelope::default()
    };
    assert_eq!(Envelope::decode(&payload), Ok(envelope));
}

#[test]
fn messages_are_slices_of_the_payload() {
    let payload = Bytes::from(note().encode());
    let envelope = Envelope::decode(&payload).unwrap();
    let message = envelope.message(Protocol::Json).unwrap();
    assert_eq!(message, NOTE);
    assert!(payload.as_ptr_range().contains(&message.as_ptr()));
}

#[test]
fn unknown_protocol_names_are_kept() {
    let payload = hex("92 90 81 aa 626c617a6f727061636b c4 01 01");
    let envelope = Envelope::decode(&payload).unwrap();
    assert_eq!(envelope.messages[0].0, "blazorpack");
    assert_eq!(envelope.message(Protocol::Json), None);
}

#[test]
fn malformed_envelopes_are_refused() {
    let short = PackError::TooShort {
        what: "the envelope",
        needed: 2,
        found: 1,
    };
    assert_eq!(Envelope::decode(&hex("91 90")), Err(short));
    let payloads = [
        "",
        "c0",
        "92 c0 80",
        "92 90 90",
        "92 90",
        "92 90 81 a1 78 a1 78",
        "92 91 a1 ff 80",
        "94 90 80 01 a0",
        "95 90 80 a0 a0",
        "95 90 80 a0 a0 81 00 c4 01 00",
        "92 dd ffffffff a0",
        "92 90 df ffffffff",
        "92 90 81 a0 c6 7fffffff 00",
    ];
    for payload in payloads {
        assert!(Envelope::decode(&hex(payload)).is_err(), "{payload}");
    }
}

#[test]
fn a_group_command_has_the_official_bytes() {
    let command = GroupCommand {
        id: 7,
        server_name: "web1_0f".to_owned(),
        action: GroupAction::Add,
        group: "room".to_owned(),
        connection_id: "cA".to_owned(),
    };
    let bytes = hex("95 07 a7 77 65 62 31 5f 30 66 01 a4 72 6f 6f 6d a2 63 41");
    assert_eq!(Bytes::from(command.encode()), bytes);
    assert_eq!(GroupCommand::decode(&bytes).as_ref(), Ok(&command));
    let unknown = hex("95 07 a0 03 a0 a0");
    let error = GroupCommand::decode(&unknown).unwrap_err();
    assert_eq!(error.to_string(), "the group action must be 1 or 2");
}

#[test]
fn acks_have_the_official_bytes() {
    let vectors = [
        (7, "91 07"),
        (180, "91 cc b4"),
        (384, "91 cd 01 80"),
        (70_000, "91 ce 00 01 11 70"),
    ];
    for (id, bytes) in vectors {
        assert_eq!(Bytes::from(Ack { id }.encode()), hex(bytes));
        assert_eq!(Ack::decode(&hex(bytes)), Ok(Ack { id }));
    }
}

#[test]
fn completions_have_the_official_bytes() {
    let json = "92 a4 6a736f6e c4 2b
        7b2274797065223a332c22696e766f636174696f6e4964223a22616263222c22726573756c74223a377d1e";
    let messagepack = "92 ab 6d6573736167657061636b c4 0a 09 95 03 80 a3 616263 03 07";
    for bytes in [json, messagepack] {
        let completion = BackplaneCompletion::decode(&hex(bytes)).unwrap();
        assert_eq!(Bytes::from(completion.encode()), hex(bytes));
    }
    let completion = BackplaneCompletion::decode(&hex(json)).unwrap();
    assert_eq!(completion.protocol, "json");
    assert_eq!(
        completion.completion,
        "{\"type\":3,\"invocationId\":\"abc\",\"result\":7}\x1e"
    );
}

#[test]
fn a_removal_is_action_2() {
    let command = GroupCommand {
        id: 8,
        server_name: "web1_0f".to_owned(),
        action: GroupAction::Remove,
        group: "room".to_owned(),
        connection_id: "cA".to_owned(),
    };
    let bytes = hex("95 08 a7 77 65 62 31 5f 30 66 02 a4 72 6f 6f 6d a2 63 41");
    assert_eq!(Bytes::from(command.encode()), bytes);
    assert_eq!(GroupCommand::decode(&bytes), Ok(command));
}

#[test]
fn every_array_may_be_longer_and_none_shorter() {
    let ack = Ack { id: 7 };
    assert_eq!(Ack::decode(&hex("93 07 c0 81 a1 78 91 01")), Ok(ack));
    assert!(Ack::decode(&hex("90")).is_err());
    let command = "07 a1 73 01 a1 67 a1 63";
    let expected = GroupCommand::decode(&hex(&format!("95 {command}"))).unwrap();
    let longer = hex(&format!("97 {command} a1 78 c0"));
    assert_eq!(GroupCommand::decode(&longer), Ok(expected));
    assert!(GroupCommand::decode(&hex("94 07 a1 73 01 a1 67")).is_err());
    let completion = "a4 6a736f6e c4 01 7d";
    let expected = BackplaneCompletion::decode(&hex(&format!("92 {completion}"))).unwrap();
    let longer = hex(&format!("94 {completion} c4 01 00 05"));
    assert_eq!(BackplaneCompletion::decode(&longer).unwrap(), expected);
    assert!(BackplaneCompletion::decode(&hex("91 a4 6a736f6e")).is_err());
}

#[test]
fn acks_and_commands_are_read_in_any_valid_form() {
    for form in [
        "91 cc 07",
        "91 cd 0007",
        "91 ce 00000007",
        "91 d2 00000007",
        "dc 0001 07",
    ] {
        assert_eq!(Ack::decode(&hex(form)), Ok(Ack { id: 7 }), "{form}");
    }
    let short = GroupCommand::decode(&hex("95 07 a1 73 01 a1 67 a1 63"));
    let long = hex("dd 00000005 d3 0000000000000007 da 0001 73 cc 01 d9 01 67 db 00000001 63");
    assert_eq!(GroupCommand::decode(&long), short);
}
