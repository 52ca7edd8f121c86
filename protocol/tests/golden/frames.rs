//! Where messages end in a stream of MessagePack, and what happens around the handshake.

use mesahub_protocol::{FrameReader, Protocol, ProtocolError};

use crate::hex::hex;

const PACK: Protocol = Protocol::MessagePack;

fn reader(limit: usize) -> FrameReader {
    FrameReader::after_handshake(PACK, Some(limit))
}

#[test]
fn messages_behind_the_handshake_in_one_chunk_are_read_in_the_new_framing() {
    let mut reader = FrameReader::new(Some(32_768));
    let chunk = [b"{}\x1e".as_slice(), &hex("02 91 06 03 92 07 c0 02 91")].concat();
    let mut frames = reader.feed(&chunk);
    assert_eq!(frames.next().unwrap().unwrap(), b"{}");
    frames.switch(PACK);
    assert_eq!(frames.next().unwrap().unwrap(), hex("91 06"));
    assert_eq!(frames.next().unwrap().unwrap(), hex("92 07 c0"));
    assert!(frames.next().is_none());
    assert!(reader.is_mid_message());
    assert_eq!(reader.feed(b"\x06").next().unwrap().unwrap(), hex("91 06"));
    assert!(!reader.is_mid_message());
}

#[test]
fn switching_to_json_changes_nothing() {
    let mut reader = FrameReader::new(None);
    let mut frames = reader.feed(b"{}\x1e{\"type\":6}\x1e");
    assert_eq!(frames.next().unwrap().unwrap(), b"{}");
    frames.switch(Protocol::Json);
    assert_eq!(frames.next().unwrap().unwrap(), b"{\"type\":6}");
}

#[test]
fn switching_too_late_ends_in_an_error_and_not_in_a_panic() {
    let mut reader = FrameReader::new(None);
    let mut frames = reader.feed(b"\x02\x91\x06\x02\x91\x06");
    assert!(frames.next().is_none());
    frames.switch(PACK);
    let mut frames = reader.feed(b"\x02\x91\x06");
    let body = frames.next().unwrap().unwrap();
    mesahub_protocol::HubMessage::decode(PACK, body).unwrap_err();
}

#[test]
fn a_whole_message_is_handed_out_where_it_lies() {
    let chunk = hex("02 91 06 02 91 06");
    let mut reader = reader(100);
    let mut frames = reader.feed(&chunk);
    assert_eq!(
        frames.next().unwrap().unwrap().as_ptr(),
        chunk[1..].as_ptr()
    );
    assert_eq!(
        frames.next().unwrap().unwrap().as_ptr(),
        chunk[4..].as_ptr()
    );
}

#[test]
fn the_limit_counts_the_message_with_its_prefix() {
    assert_eq!(
        reader(3).feed(&hex("02 91 06")).next().unwrap().unwrap(),
        hex("91 06")
    );
    let mut reader = reader(2);
    let error = reader.feed(&hex("02 91 06")).next().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "The maximum message size of 2B was exceeded. \
         The message size can be configured in AddHubOptions."
    );
    assert!(reader.feed(b"\x00").next().unwrap().is_err());
}

#[test]
fn a_message_is_refused_as_soon_as_its_length_is_known() {
    let mut reader = reader(32_768);
    assert!(reader.feed(&hex("fe ff")).next().is_none());
    let error = reader.feed(&hex("01")).next().unwrap().unwrap_err();
    assert!(matches!(error, ProtocolError::TooLarge { limit: 32_768 }));
    assert!(!reader.is_mid_message());
}

#[test]
fn a_prefix_above_two_gibibytes_is_fatal_for_good() {
    let mut reader = FrameReader::after_handshake(PACK, None);
    let mut frames = reader.feed(b"\x80\x80\x80\x80\x08\x91\x06");
    assert!(matches!(
        frames.next().unwrap().unwrap_err(),
        ProtocolError::LengthPrefix
    ));
    assert!(frames.next().is_none());
    assert!(matches!(
        reader.feed(b"\x02\x91\x06").next().unwrap().unwrap_err(),
        ProtocolError::LengthPrefix
    ));
}

#[test]
fn an_announced_length_of_two_gibibytes_only_waits() {
    let mut reader = FrameReader::after_handshake(PACK, None);
    assert!(reader.feed(b"\xff\xff\xff\xff\x07\x91").next().is_none());
    assert!(reader.is_mid_message());
}

#[test]
fn an_empty_message_is_a_frame_of_nothing() {
    assert_eq!(reader(1).feed(b"\x00").next().unwrap().unwrap(), b"");
}
