//! Pings and pongs (Autobahn section 2).

use super::case::{ANSWER, CALL, Case, run};
use crate::support::{CLOSE, PING, PONG, Sent, TEXT, frame, masked};

fn pong(payload: &[u8]) -> Sent {
    Sent::Frame(PONG, payload.to_vec())
}

#[tokio::test]
async fn every_ping_is_answered_with_its_payload_and_in_order() {
    let bytes: Vec<u8> = (0..125).map(|byte| byte ^ 0xf0).collect();
    let many: Vec<u8> = (0..10).flat_map(|number| masked(PING, &[number])).collect();
    run(&[
        Case::lives("an empty ping", masked(PING, b""), vec![pong(b"")]),
        Case::lives(
            "a ping with text",
            masked(PING, b"hello"),
            vec![pong(b"hello")],
        ),
        Case::lives("a ping with any bytes", masked(PING, &[0, 0xff, 0xfe]), {
            vec![pong(&[0, 0xff, 0xfe])]
        }),
        Case::lives("the longest ping", masked(PING, &bytes), vec![pong(&bytes)]),
        Case::lives(
            "ten pings",
            many,
            (0..10).map(|number| pong(&[number])).collect(),
        ),
        Case::lives(
            "a call between two pings",
            [
                masked(PING, b"1"),
                masked(TEXT, CALL.as_bytes()),
                masked(PING, b"2"),
            ]
            .concat(),
            vec![pong(b"1"), Sent::text(ANSWER), pong(b"2")],
        ),
    ])
    .await;
}

#[tokio::test]
async fn pongs_that_nobody_asked_for_are_ignored() {
    run(&[
        Case::lives("an empty pong", masked(PONG, b""), Vec::new()),
        Case::lives("the longest pong", masked(PONG, &[b'p'; 125]), Vec::new()),
        Case::lives(
            "a pong before a ping",
            [masked(PONG, b"unasked"), masked(PING, b"asked")].concat(),
            vec![pong(b"asked")],
        ),
    ])
    .await;
}

#[tokio::test]
async fn control_frames_are_short_and_whole() {
    let long = [b'x'; 126];
    let mut cases = Vec::new();
    for (name, opcode) in [("Close frame", CLOSE), ("ping", PING), ("pong", PONG)] {
        cases.push(Case::fails(
            format!("a long {name}"),
            masked(opcode, &long),
            1002,
        ));
        cases.push(Case::fails(
            format!("a {name} in fragments"),
            [frame(opcode, b"x"), frame(0x80, b"y")].concat(),
            1002,
        ));
    }
    run(&cases).await;
}
