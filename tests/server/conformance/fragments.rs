//! Messages in one frame and in many (Autobahn sections 1 and 5).

use super::case::{CALL, Case, run};
use crate::support::{BINARY, CLOSE, PING, PONG, Sent, TEXT, frame, masked};

/// A continuation that is not the last.
const MORE: u8 = 0x00;

/// A continuation that is the last.
const LAST: u8 = 0x80;

fn fragments(opcode: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let opcode = if index == 0 { opcode } else { 0 };
        let last = if index + 1 == parts.len() { 0x80 } else { 0 };
        bytes.extend(frame(last | opcode, part));
    }
    bytes
}

#[tokio::test]
async fn a_message_arrives_whole_however_it_is_cut() {
    let call = CALL.as_bytes();
    let each: Vec<&[u8]> = call.chunks(1).collect();
    let (begin, end) = call.split_at(20);
    run(&[
        Case::calls("text in one frame", masked(TEXT, call)),
        Case::calls("binary in one frame", masked(BINARY, call)),
        Case::calls("text in two frames", fragments(TEXT, &[begin, end])),
        Case::calls("binary in two frames", fragments(BINARY, &[begin, end])),
        Case::calls("a frame for each byte", fragments(TEXT, &each)),
        Case::calls("an empty first frame", fragments(TEXT, &[b"", call])),
        Case::calls("an empty last frame", fragments(TEXT, &[call, b""])),
        Case::calls(
            "empty frames between",
            fragments(TEXT, &[begin, b"", b"", end]),
        ),
        Case::calls(
            "one hub message in two WebSocket messages, text and binary",
            [masked(TEXT, begin), masked(BINARY, end)].concat(),
        ),
        Case::calls(
            "empty messages before it",
            [masked(TEXT, b""), masked(BINARY, b""), masked(TEXT, call)].concat(),
        ),
        Case::lives(
            "a message of empty frames",
            fragments(TEXT, &[b"", b"", b""]),
            Vec::new(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn control_frames_may_come_between_the_frames_of_a_message() {
    let (begin, end) = CALL.as_bytes().split_at(20);
    let pong = |payload: &[u8]| Sent::Frame(PONG, payload.to_vec());
    let answer = || Sent::text(super::case::ANSWER);
    run(&[
        Case::lives(
            "a ping between",
            [frame(TEXT, begin), masked(PING, b"p"), frame(LAST, end)].concat(),
            vec![pong(b"p"), answer()],
        ),
        Case::lives(
            "pings between all of many",
            [
                frame(TEXT, &begin[..5]),
                masked(PING, b"1"),
                frame(MORE, &begin[5..]),
                masked(PING, b"2"),
                frame(MORE, b""),
                masked(PING, b""),
                frame(LAST, end),
            ]
            .concat(),
            vec![pong(b"1"), pong(b"2"), pong(b""), answer()],
        ),
        Case::calls(
            "an unasked pong between",
            [frame(TEXT, begin), masked(PONG, b"p"), frame(LAST, end)].concat(),
        ),
        Case::parts(
            "a Close frame between",
            [frame(TEXT, b""), masked(CLOSE, &[0x03, 0xe8])].concat(),
            1000,
        ),
        // Good frames, but half a hub message.
        Case::fails(
            "a Close frame inside a hub message",
            [frame(TEXT, begin), masked(CLOSE, &[0x03, 0xe8])].concat(),
            1000,
        ),
    ])
    .await;
}

#[tokio::test]
async fn frames_that_belong_to_no_message_are_refused() {
    let call = CALL.as_bytes();
    run(&[
        Case::fails("a last frame of nothing", frame(LAST, call), 1002),
        Case::fails("a middle frame of nothing", frame(MORE, call), 1002),
        Case::fails("an empty frame of nothing", frame(LAST, b""), 1002),
        Case::fails(
            "a continuation behind a whole message",
            [masked(TEXT, call), frame(LAST, b"x")].concat(),
            1002,
        )
        .after(vec![Sent::text(super::case::ANSWER)]),
        Case::fails(
            "a message inside a message",
            [frame(TEXT, b"{"), masked(TEXT, call)].concat(),
            1002,
        ),
        Case::fails(
            "a binary message inside a text",
            [frame(TEXT, b"{"), frame(BINARY, call)].concat(),
            1002,
        ),
        Case::fails(
            "a message inside a message, behind a ping",
            [frame(TEXT, b"{"), masked(PING, b"p"), masked(TEXT, call)].concat(),
            1002,
        )
        .after(vec![Sent::Frame(PONG, b"p".to_vec())]),
    ])
    .await;
}

#[tokio::test]
async fn the_bound_on_messages_counts_hub_messages_and_not_frames() {
    // Far more than one hub message may have, and each of them is small.
    let ping = "{\"type\":6}\u{1e}".repeat(100_000);
    let many = [ping.as_bytes(), CALL.as_bytes()].concat();
    let (begin, end) = many.split_at(70_000);
    run(&[
        Case::calls("a large message of small ones", masked(TEXT, &many)),
        Case::calls("the same in two frames", fragments(BINARY, &[begin, end])),
    ])
    .await;
}
