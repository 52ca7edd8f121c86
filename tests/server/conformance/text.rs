//! Text and UTF-8 (Autobahn section 6).

use super::case::{Case, run};
use crate::support::{BINARY, Sent, TEXT, frame, masked};

/// A call of `Echo`, and its completion, around this text.
fn echo(text: &str) -> (Vec<u8>, Vec<Sent>) {
    let call = format!(
        "{{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"{text}\"]}}\u{1e}"
    );
    let completion = format!("{{\"type\":3,\"invocationId\":\"1\",\"result\":\"{text}\"}}");
    (call.into_bytes(), vec![Sent::text(&completion)])
}

#[tokio::test]
async fn text_of_any_script_arrives_however_its_characters_are_cut() {
    let mut cases = Vec::new();
    for text in [
        "Hello-µ@ßöäüàá-UTF-8!!",
        "κόσμε",
        "\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}",
        "\u{d7ff}\u{e000}\u{fffd}\u{fffe}",
        "👩‍🍳🍕",
    ] {
        let (call, answers) = echo(text);
        cases.push(Case::lives(
            format!("{text:?} whole"),
            masked(TEXT, &call),
            answers,
        ));
        let (call, answers) = echo(text);
        let mut bytes = frame(TEXT, b"");
        bytes.extend(call.chunks(1).flat_map(|byte| frame(0, byte)));
        bytes.extend(frame(0x80, b""));
        cases.push(Case::lives(
            format!("{text:?} byte by frame"),
            bytes,
            answers,
        ));
    }
    run(&cases).await;
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_refused() {
    let mut cases = Vec::new();
    for (name, bytes) in [
        ("a lone continuation byte", &b"\x80"[..]),
        ("the byte FE", b"\xfe"),
        ("the byte FF", b"\xff"),
        ("a slash in two bytes", b"\xc0\xaf"),
        ("a slash in three bytes", b"\xe0\x80\xaf"),
        ("a slash in four bytes", b"\xf0\x80\x80\xaf"),
        ("the longest overlong form of two bytes", b"\xc1\xbf"),
        ("the longest overlong form of three bytes", b"\xe0\x9f\xbf"),
        ("half of a surrogate pair", b"\xed\xa0\x80"),
        ("a surrogate pair", b"\xed\xa0\x80\xed\xb0\x80"),
        ("above the last code point", b"\xf4\x90\x80\x80"),
        ("a sequence of five bytes", b"\xf8\x88\x80\x80\x80"),
        ("a sequence of six bytes", b"\xfc\x84\x80\x80\x80\x80"),
        ("a character cut by an end", b"\xce\xba\xe1\xbd"),
        ("a character cut by another one", b"\xe1\xbda"),
    ] {
        cases.push(Case::fails(name, masked(TEXT, bytes), 1007));
        let mut fragments = frame(TEXT, b"a");
        fragments.extend(bytes.chunks(1).flat_map(|byte| frame(0, byte)));
        fragments.extend(frame(0x80, b""));
        cases.push(Case::fails(
            format!("{name}, in fragments"),
            fragments,
            1007,
        ));
    }
    run(&cases).await;
}

#[tokio::test]
async fn text_is_refused_before_its_frame_or_message_has_ended() {
    let unfinished = frame(TEXT, b"\xce\xba\xf4\x90");
    let (cut, _) = unfinished.split_at(unfinished.len());
    let mut announced = vec![0x81, 0x80 | 126, 0xff, 0xff, 0, 0, 0, 0];
    announced.extend(b"good \xf4\x90");
    run(&[
        Case::fails("in a message without an end", cut, 1007),
        Case::fails("in a frame without an end", announced, 1007),
    ])
    .await;
}

#[tokio::test]
async fn a_binary_message_holds_any_bytes() {
    // They are no hub message, which is for the hub to say.
    let mut raw = crate::support::Raw::connect(&crate::support::Server::start().await).await;
    raw.write(&masked(BINARY, b"\xff\x1e")).await;
    raw.part_with(
        "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}",
    )
    .await;
}
