//! Frames that RFC 6455 forbids cost their sender its socket, and nobody else anything.

use mesahub::hub::Ending;

use crate::honest::Honest;
use crate::support::{PING, PONG, Raw, Sent, Server, TEXT, frame, masked};

const MARKER: &str =
    "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\",\"arguments\":[40,2]}\u{1e}";
const MARKED: &str = "{\"type\":3,\"invocationId\":\"1\",\"result\":42}";

#[tokio::test]
async fn a_forbidden_frame_ends_only_its_own_socket() {
    let ping = "{\"type\":6}\u{1e}".as_bytes();
    let unmasked = [&[0x81, 11], ping].concat();
    let rows: [(&str, Vec<u8>); 14] = [
        ("no mask", unmasked),
        ("first reserved bit", frame(0xc1, ping)),
        ("second reserved bit", frame(0xa1, ping)),
        ("third reserved bit", frame(0x91, ping)),
        ("reserved data opcode", frame(0x83, ping)),
        ("reserved control opcode", frame(0x8b, ping)),
        ("a ping too long", frame(0x89, &[b'x'; 126])),
        ("a ping in fragments", frame(0x09, b"x")),
        ("a continuation of nothing", frame(0x80, ping)),
        (
            "a message within a message",
            [frame(0x01, b"{\"type\""), masked(TEXT, b":6}\x1e")].concat(),
        ),
        (
            "text that is not UTF-8",
            masked(TEXT, b"{\"a\":\"\xff\"}\x1e"),
        ),
        ("a Close frame of one byte", masked(8, &[0x03])),
        (
            "a Close frame with a forbidden status",
            masked(8, &[0x03, 0xed]),
        ),
        (
            "a Close frame whose reason is not UTF-8",
            masked(8, &[0x03, 0xe8, 0xff]),
        ),
    ];
    let server = Server::start().await;
    let mut honest = Honest::connect(&server).await;
    for (name, bytes) in rows {
        let mut raw = Raw::connect(&server).await;
        raw.write(&bytes).await;
        loop {
            match raw.receive().await {
                Sent::End => break,
                // A status that tells of the mistake is as good as silence.
                Sent::Frame(8, _) => {}
                other => panic!("{name}: {other:?}"),
            }
        }
        let ending = server.stage.ending_of(raw.id).await;
        assert!(
            !matches!(ending, Ending::ClientClosed(_)),
            "{name}: {ending}"
        );
        server.counts(2).await;
        honest.are_untouched(&server, name).await;
    }
}

#[tokio::test]
async fn a_frame_that_announces_too_much_is_refused_before_it_arrives() {
    let server = Server::start().await;
    let mut honest = Honest::connect(&server).await;
    for length in [1_u64 << 20, 1 << 40, u64::MAX >> 1] {
        let mut raw = Raw::connect(&server).await;
        let mut head = vec![0x81, 0xff];
        head.extend(length.to_be_bytes());
        head.extend([0; 4]);
        raw.write(&head).await;
        let last =
            "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}";
        assert_eq!(raw.receive().await, Sent::text(last), "{length}");
        assert_eq!(raw.receive().await, Sent::close());
        let ending = server.stage.ending_of(raw.id).await;
        assert!(matches!(ending, Ending::ProtocolViolation(_)), "{ending}");
        server.counts(2).await;
        honest.are_untouched(&server, "an announcement").await;
    }
}

#[tokio::test]
async fn a_message_far_over_the_limit_is_refused_while_it_arrives() {
    let server = Server::start().await;
    let mut honest = Honest::connect(&server).await;
    for _ in 0..20 {
        let mut raw = Raw::connect(&server).await;
        raw.text("x".repeat(300_000)).await;
        let last =
            "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}";
        assert_eq!(raw.receive().await, Sent::text(last));
        assert_eq!(raw.receive().await, Sent::close());
        server.counts(2).await;
        honest.are_untouched(&server, "too much").await;
    }
}

#[tokio::test]
async fn a_message_in_fragments_is_read_and_pings_between_them_are_answered() {
    let server = Server::start().await;
    let mut raw = Raw::connect(&server).await;
    let (begin, rest) = MARKER.as_bytes().split_at(10);
    let (middle, end) = rest.split_at(10);
    raw.write(&frame(0x01, begin)).await;
    raw.write(&masked(PING, b"between")).await;
    assert_eq!(raw.receive().await, Sent::Frame(PONG, b"between".to_vec()));
    raw.write(&frame(0x00, middle)).await;
    raw.write(&masked(PONG, b"unasked")).await;
    raw.write(&frame(0x80, end)).await;
    assert_eq!(raw.receive().await, Sent::text(MARKED));
}

#[tokio::test]
async fn a_close_frame_is_answered_and_counts_as_a_graceful_end() {
    let server = Server::start().await;
    let mut raw = Raw::connect(&server).await;
    raw.write(&masked(8, &[0x03, 0xe8])).await;
    assert_eq!(raw.receive().await, Sent::close());
    assert_eq!(raw.receive().await, Sent::End);
    let ending = server.stage.ending_of(raw.id).await;
    assert_eq!(ending, Ending::TransportClosed);
    assert!(ending.is_graceful());
    server.counts(0).await;
}

#[tokio::test]
async fn a_socket_that_vanishes_is_a_lost_transport() {
    let server = Server::start().await;
    let raw = Raw::connect(&server).await;
    let id = raw.id;
    drop(raw);
    let ending = server.stage.ending_of(id).await;
    assert!(matches!(ending, Ending::TransportLost(_)), "{ending}");
    assert!(!ending.is_graceful());
    server.counts(0).await;
}
