//! What is sent again after a socket was lost, in either direction.

use serde_json::json;

use super::peer::{ASKING, ack, add, come_back, connect, heard, say, sequence, server, sum, tell};
use crate::support::messages::call;
use crate::support::{BINARY, PING, PONG, Raw, Sent, masked};

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_with_the_same_bytes() {
    let server = server().await;
    let mut raw = connect(&server).await;
    for id in 1..=2 {
        raw.text(add(id)).await;
        assert_eq!(raw.receive().await, ack(id));
        assert_eq!(raw.receive().await, sum(id));
    }
    let mut raw = come_back(&server, raw).await;
    assert_eq!(raw.receive().await, sequence(1));
    assert_eq!(raw.receive().await, sum(1));
    assert_eq!(raw.receive().await, sum(2));
    // The client has sent two; the acknowledgement may have been lost, so it comes again.
    tell(&mut raw, 9, 3).await;
    assert_eq!(raw.receive().await, ack(2));

    tell(&mut raw, 8, 1).await;
    raw.text(add(3)).await;
    assert_eq!(raw.receive().await, ack(3));
    assert_eq!(raw.receive().await, sum(3));
    let mut raw = come_back(&server, raw).await;
    assert_eq!(raw.receive().await, sequence(2));
    assert_eq!(raw.receive().await, sum(2));
    assert_eq!(raw.receive().await, sum(3));

    tell(&mut raw, 9, 4).await;
    assert_eq!(raw.receive().await, ack(3));
    tell(&mut raw, 8, 3).await;
    raw.write(&masked(PING, b"acknowledged")).await;
    assert_eq!(
        raw.receive().await,
        Sent::Frame(PONG, b"acknowledged".to_vec())
    );
    let mut raw = come_back(&server, raw).await;
    assert_eq!(raw.receive().await, sequence(4), "all was acknowledged");
    say(&server, "on we go").await;
    assert_eq!(raw.receive().await, heard("on we go"));
}

#[tokio::test]
async fn more_than_was_sent_can_be_acknowledged_and_means_all_of_it() {
    let server = server().await;
    let mut raw = connect(&server).await;
    say(&server, "one").await;
    assert_eq!(raw.receive().await, heard("one"));
    tell(&mut raw, 8, u64::MAX).await;
    raw.text(add(1)).await;
    assert_eq!(raw.receive().await, ack(1));
    assert_eq!(raw.receive().await, sum(1));
    let mut raw = come_back(&server, raw).await;
    assert_eq!(raw.receive().await, sequence(2));
    assert_eq!(raw.receive().await, sum(1));
}

#[tokio::test]
async fn what_the_client_sends_again_is_done_once() {
    let server = server().await;
    let mut raw = connect(&server).await;
    let note = |text: &str| call(None, "Note", json!([text]), &[]) + "\u{1e}";
    raw.text(note("one") + &note("two")).await;
    assert_eq!(raw.receive().await, ack(2));
    let mut raw = come_back(&server, raw).await;
    assert_eq!(raw.receive().await, sequence(1));
    // It never got the acknowledgement, and has called once more meanwhile.
    tell(&mut raw, 9, 1).await;
    raw.text(note("one") + &note("two") + &note("three")).await;
    assert_eq!(raw.receive().await, ack(2));
    assert_eq!(raw.receive().await, ack(3));
    raw.text(add(4)).await;
    assert_eq!(raw.receive().await, ack(4));
    assert_eq!(raw.receive().await, sum(4));
    assert_eq!(server.stage.notes(3).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn a_message_cut_in_the_middle_is_sent_again_whole() {
    let server = server().await;
    let mut raw = connect(&server).await;
    let whole = masked(1, add(1).as_bytes());
    raw.write(&whole[..whole.len() / 2]).await;
    let mut raw = come_back(&server, raw).await;
    assert_eq!(raw.receive().await, sequence(1));
    tell(&mut raw, 9, 1).await;
    raw.write(&whole).await;
    assert_eq!(raw.receive().await, ack(1));
    assert_eq!(raw.receive().await, sum(1));
}

#[tokio::test]
async fn what_is_said_to_a_client_that_is_away_waits_for_it() {
    let server = server().await;
    let mut raw = connect(&server).await;
    say(&server, "here").await;
    assert_eq!(raw.receive().await, heard("here"));
    let (id, token) = (raw.id, raw.token.clone());
    drop(raw);
    for text in ["away", "still away"] {
        say(&server, text).await;
    }
    let mut raw = Raw::attach(&server, id, &token).await.unwrap();
    assert_eq!(raw.receive().await, sequence(1));
    for text in ["here", "away", "still away"] {
        assert_eq!(raw.receive().await, heard(text));
    }
    let connection = server.hub.find(id).expect("the same connection");
    assert!(connection.ending().is_none());
    assert_eq!(server.node.counters().connected.value(), 1);
}

#[tokio::test]
async fn a_socket_may_be_cut_while_it_is_sent_again() {
    let server = server().await;
    let mut raw = connect(&server).await;
    let texts: Vec<String> = (0..8).map(|n| n.to_string().repeat(10_000)).collect();
    for text in &texts {
        say(&server, text).await;
        assert_eq!(raw.receive().await, heard(text));
    }
    for read in 0..texts.len() {
        raw = come_back(&server, raw).await;
        assert_eq!(raw.receive().await, sequence(1));
        for text in &texts[..read] {
            assert_eq!(raw.receive().await, heard(text));
        }
    }
    let mut raw = come_back(&server, raw).await;
    assert_eq!(raw.receive().await, sequence(1));
    for text in &texts {
        assert_eq!(raw.receive().await, heard(text));
    }
    say(&server, "new").await;
    assert_eq!(raw.receive().await, heard("new"));
}

#[tokio::test]
async fn a_newer_socket_takes_over_from_one_that_seems_to_live() {
    let server = server().await;
    let mut old = connect(&server).await;
    say(&server, "first").await;
    assert_eq!(old.receive().await, heard("first"));
    let mut new = Raw::attach(&server, old.id, &old.token).await.unwrap();
    assert_eq!(new.receive().await, sequence(1));
    assert_eq!(new.receive().await, heard("first"));
    assert_eq!(old.receive().await, Sent::End);
    say(&server, "second").await;
    assert_eq!(new.receive().await, heard("second"));
}

#[tokio::test]
async fn message_pack_has_the_same_numbers_in_its_own_bytes() {
    const ADD: &[u8] = b"\x0d\x96\x01\x80\xa1\x31\xa3\x41\x64\x64\x92\x02\x03\x90";
    let completion = Sent::Frame(BINARY, b"\x07\x95\x03\x80\xa1\x31\x03\x05".to_vec());
    let server = server().await;
    let mut raw = Raw::negotiate(&server, ASKING).await;
    raw.text("{\"protocol\":\"messagepack\",\"version\":2}\u{1e}")
        .await;
    assert_eq!(raw.receive().await, Sent::Frame(BINARY, b"{}\x1e".to_vec()));
    raw.binary(ADD).await;
    assert_eq!(
        raw.receive().await,
        Sent::Frame(BINARY, b"\x03\x92\x08\x01".to_vec())
    );
    assert_eq!(raw.receive().await, completion);
    let mut raw = come_back(&server, raw).await;
    assert_eq!(
        raw.receive().await,
        Sent::Frame(BINARY, b"\x03\x92\x09\x01".to_vec())
    );
    assert_eq!(raw.receive().await, completion);
}
