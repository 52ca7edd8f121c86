//! What stands in the head of a frame: reserved bits, opcodes, masks and lengths (Autobahn
//! sections 3 and 4).

use super::case::{ANSWER, CALL, Case, run};
use crate::support::{PING, PONG, Sent, TEXT, frame, masked};

#[tokio::test]
async fn reserved_bits_are_refused_on_every_frame() {
    let mut cases = Vec::new();
    for bits in 1..8_u8 {
        for opcode in [TEXT, 2, 8, PING, PONG] {
            let first = 0x80 | bits << 4 | opcode;
            let name = format!("the bits {bits:03b} on opcode {opcode}");
            cases.push(Case::fails(name, frame(first, b""), 1002));
        }
    }
    cases.push(
        Case::fails(
            "a reserved bit behind a good message",
            [masked(TEXT, CALL.as_bytes()), frame(0xc1, b"x")].concat(),
            1002,
        )
        .after(vec![Sent::text(ANSWER)]),
    );
    run(&cases).await;
}

#[tokio::test]
async fn reserved_opcodes_are_refused() {
    let mut cases = Vec::new();
    for opcode in (3..8).chain(11..16) {
        let name = format!("opcode {opcode}");
        cases.push(Case::fails(name, frame(0x80 | opcode, b""), 1002));
        let name = format!("opcode {opcode} with a payload");
        cases.push(Case::fails(name, frame(0x80 | opcode, b"x"), 1002));
    }
    run(&cases).await;
}

#[tokio::test]
async fn a_client_has_to_mask_what_it_sends() {
    run(&[
        Case::fails("text", [0x81, 1, b'x'], 1002),
        Case::fails("empty text", [0x81, 0], 1002),
        Case::fails("a ping", [0x89, 0], 1002),
        Case::fails("a Close frame", [0x88, 2, 0x03, 0xe8], 1002),
        Case::fails("a long frame", [0x82, 126, 1, 0], 1002),
    ])
    .await;
}

#[tokio::test]
async fn lengths_are_written_in_the_shortest_form() {
    let length = CALL.len() as u64;
    let call = CALL.as_bytes();
    run(&[
        Case::fails(
            "a short length in 16 bits",
            announced(126, length, call),
            1002,
        ),
        Case::fails(
            "a short length in 64 bits",
            announced(127, length, call),
            1002,
        ),
        Case::fails("125 in 16 bits", announced(126, 125, &[]), 1002),
        Case::fails("65,535 in 64 bits", announced(127, 65_535, &[]), 1002),
        Case::fails("2^63", announced(127, 1 << 63, &[]), 1002),
        Case::fails("2^64 - 1", announced(127, u64::MAX, &[]), 1002),
    ])
    .await;
}

/// A text frame whose length is written in this form; the mask is zeros.
fn announced(form: u8, length: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x81, 0x80 | form];
    match form {
        126 => bytes.extend(u16::try_from(length).unwrap().to_be_bytes()),
        _ => bytes.extend(length.to_be_bytes()),
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}
