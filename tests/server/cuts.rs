//! The socket cut in every phase of a connection: whatever was under way ends, and nothing stays.

use mesahub::hub::Ending;
use serde_json::json;

use crate::support::messages::{call, item, stream_call};
use crate::support::{PING, Raw, Request, Sent, Server, TEXT, becomes, frame, masked};

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

/// How the socket goes.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The client's side is closed, without a Close frame.
    Closed,
    /// It is torn.
    Reset,
}

const CUTS: [Cut; 2] = [Cut::Closed, Cut::Reset];

fn cut(raw: Raw, how: Cut) {
    match how {
        Cut::Closed => drop(raw),
        Cut::Reset => raw.reset(),
    }
}

/// How many tasks the node has without connections, once those that only start it have ended.
async fn quiet(server: &Server) -> usize {
    Request::negotiate("").send(server).await;
    server.node.tasks().len()
}

/// No connection, no task and no token is left.
async fn nothing_is_left(server: &Server, tasks: usize, token: &str, what: &str) {
    server.counts(0).await;
    becomes(what, || server.node.tasks().len() == tasks).await;
    let id = mesahub::hub::ConnectionId::random();
    let again = Raw::attach(server, id, token).await;
    assert_eq!(again.err(), Some(404), "{what}");
}

#[tokio::test]
async fn a_socket_may_be_cut_before_and_inside_the_handshake() {
    let server = Server::start().await;
    let tasks = quiet(&server).await;
    let hello = masked(TEXT, HANDSHAKE.as_bytes());
    for length in [0, 1, 2, 5, 6, 20, hello.len() - 1] {
        for how in CUTS {
            let mut raw = Raw::open(&server).await;
            raw.write(&hello[..length]).await;
            let token = raw.token.clone();
            cut(raw, how);
            let what = format!("{how:?} after {length} bytes of the handshake");
            nothing_is_left(&server, tasks, &token, &what).await;
        }
    }
    let counters = server.node.counters();
    assert_eq!(counters.connected.value(), 0, "none was ever a connection");
}

#[tokio::test]
async fn a_socket_may_be_cut_before_the_answer_of_the_handshake_is_read() {
    let server = Server::start().await;
    let tasks = quiet(&server).await;
    for how in CUTS {
        for _ in 0..20 {
            let mut raw = Raw::open(&server).await;
            raw.text(HANDSHAKE).await;
            let token = raw.token.clone();
            cut(raw, how);
            nothing_is_left(&server, tasks, &token, &format!("{how:?}")).await;
        }
    }
    let counters = server.node.counters();
    let (begun, ended) = (counters.connected.value(), counters.disconnected.value());
    assert_eq!(begun, ended, "whoever has come has gone");
}

#[tokio::test]
async fn a_socket_may_be_cut_anywhere_in_what_the_client_sends() {
    let server = Server::start().await;
    let tasks = quiet(&server).await;
    let long = masked(
        TEXT,
        call(None, "Note", json!(["x".repeat(400)]), &[]).as_bytes(),
    );
    let ping = masked(PING, b"still here");
    for (what, bytes) in [
        ("between two frames", &[][..]),
        ("behind the first byte of a frame", &long[..1]),
        ("inside a length", &long[..3]),
        ("inside a mask", &long[..6]),
        ("before a payload", &long[..8]),
        ("inside a payload", &long[..200]),
        ("before the last byte of a payload", &long[..long.len() - 1]),
        ("inside a ping", &ping[..8]),
        (
            "inside a message of fragments",
            &frame(TEXT, b"{\"type\":1,"),
        ),
        (
            "between the fragments of an empty message",
            &frame(TEXT, b""),
        ),
    ] {
        for how in CUTS {
            let mut raw = Raw::connect(&server).await;
            raw.write(bytes).await;
            let (id, token) = (raw.id, raw.token.clone());
            cut(raw, how);
            let what = format!("{how:?} {what}");
            let ending = server.stage.ending_of(id).await;
            assert!(
                matches!(ending, Ending::TransportLost(_)),
                "{what}: {ending}"
            );
            nothing_is_left(&server, tasks, &token, &what).await;
        }
    }
}

#[tokio::test]
async fn a_socket_may_be_cut_inside_a_stream_and_inside_an_upload() {
    for how in CUTS {
        let server = Server::start().await;
        let tasks = quiet(&server).await;
        server.stage.gate.add_permits(3);
        let mut raw = Raw::connect(&server).await;
        raw.text(stream_call("1", "Gated", json!(["stream"]), &[]) + "\u{1e}")
            .await;
        let first = item("1", json!("stream 0"));
        assert_eq!(raw.receive().await, Sent::text(&first));
        let token = raw.token.clone();
        cut(raw, how);
        let gone = server.stage.notes(1).await;
        assert!(gone[0].starts_with("stream is "), "{gone:?}");
        nothing_is_left(&server, tasks, &token, "the stream").await;

        let mut raw = Raw::connect(&server).await;
        raw.text(call(Some("1"), "Collect", json!([]), &["u"]) + "\u{1e}")
            .await;
        raw.text(item("u", json!(7)) + "\u{1e}").await;
        server.stage.started(2).await;
        server.stage.gate.add_permits(1);
        let token = raw.token.clone();
        assert_eq!(server.stage.notes(2).await[1], "7");
        cut(raw, how);
        let notes = server.stage.notes(4).await;
        assert_eq!(
            notes[2..],
            ["The underlying connection was closed.", "the end"]
        );
        nothing_is_left(&server, tasks, &token, "the upload").await;
    }
}
