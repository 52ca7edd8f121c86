//! Close frames (Autobahn section 7).

use super::case::{ANSWER, CALL, Case, run};
use crate::support::{CLOSE, PING, Sent, TEXT, masked};

fn close(status: u16, reason: &[u8]) -> Vec<u8> {
    masked(CLOSE, &[&status.to_be_bytes(), reason].concat())
}

#[tokio::test]
async fn a_close_frame_is_answered_with_its_own_status() {
    let mut cases = vec![
        Case::parts("without a status", masked(CLOSE, b""), 1000),
        Case::parts(
            "with a reason",
            close(1000, "auf Wiederhören".as_bytes()),
            1000,
        ),
        Case::parts("with the longest reason", close(1000, &[b'*'; 123]), 1000),
    ];
    for status in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ] {
        cases.push(Case::parts(
            format!("status {status}"),
            close(status, b""),
            status,
        ));
    }
    run(&cases).await;
}

#[tokio::test]
async fn a_status_that_may_not_be_sent_is_refused() {
    let mut cases = Vec::new();
    for status in [
        0, 999, 1004, 1005, 1006, 1012, 1013, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        cases.push(Case::fails(
            format!("status {status}"),
            close(status, b""),
            1002,
        ));
        cases.push(Case::fails(
            format!("status {status} and a reason"),
            close(status, b"x"),
            1002,
        ));
    }
    run(&cases).await;
}

#[tokio::test]
async fn a_close_frame_with_a_broken_body_is_refused() {
    run(&[
        Case::fails("half a status", masked(CLOSE, &[0x03]), 1002),
        Case::fails("a reason that is too long", close(1000, &[b'*'; 124]), 1002),
        Case::fails(
            "a reason that is not UTF-8",
            close(1000, b"\xce\xba\xff"),
            1007,
        ),
        Case::fails(
            "a reason cut inside a character",
            close(1000, b"\xce"),
            1007,
        ),
    ])
    .await;
}

#[tokio::test]
async fn nothing_behind_a_close_frame_counts() {
    run(&[
        Case::parts(
            "a call behind it",
            [close(1000, b""), masked(TEXT, CALL.as_bytes())].concat(),
            1000,
        ),
        Case::parts(
            "a ping behind it",
            [close(1001, b""), masked(PING, b"p")].concat(),
            1001,
        ),
        Case::parts(
            "another behind it",
            [close(3000, b""), close(4000, b"")].concat(),
            3000,
        ),
        Case::parts(
            "nonsense behind it",
            [close(1000, b""), vec![0xff; 20]].concat(),
            1000,
        ),
        Case::parts(
            "a call before it",
            [masked(TEXT, CALL.as_bytes()), close(1000, b"")].concat(),
            1000,
        )
        .after(vec![Sent::text(ANSWER)]),
    ])
    .await;
}
