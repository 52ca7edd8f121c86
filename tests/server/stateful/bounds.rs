//! How much is kept for a client, and for how long.

use std::time::Duration;

use mesahub::hub::{Ending, HubOptions};
use mesahub::transport::TransportOptions;
use tokio::net::TcpSocket;

use super::peer::{
    ASKING, HANDSHAKE, come_back, connect, heard, is_forgotten, plan, say, sequence, server, tell,
};
use crate::support::{PING, PONG, Raw, Request, Sent, becomes, masked};

#[tokio::test]
async fn no_more_than_the_buffer_holds_is_sent_without_an_acknowledgement() {
    const SIZE: usize = 9_900;
    let server = server().await;
    let mut raw = connect(&server).await;
    let texts: Vec<String> = (0..30).map(|n| format!("{n:0>SIZE$}")).collect();
    for text in &texts {
        say(&server, text).await;
    }
    // A frame is a little larger than its text: eleven are the first that reach 100,000 bytes.
    let mut next = 11;
    for text in &texts[..next] {
        assert_eq!(raw.receive().await, heard(text));
    }
    while next < texts.len() {
        // Nothing comes before the answer to this.
        raw.write(&masked(PING, b"more?")).await;
        assert_eq!(raw.receive().await, Sent::Frame(PONG, b"more?".to_vec()));
        tell(&mut raw, 8, next as u64 - 10).await;
        assert_eq!(raw.receive().await, heard(&texts[next]));
        next += 1;
    }
    let mut raw = come_back(&server, raw).await;
    assert_eq!(raw.receive().await, sequence(20));
    for text in &texts[19..] {
        assert_eq!(raw.receive().await, heard(text));
    }
}

#[tokio::test]
async fn a_client_that_is_away_costs_no_more_than_the_two_bounds() {
    let server = plan(HubOptions {
        outbox_limit: 64 * 1024,
        ..HubOptions::default()
    });
    let server = server.start().await;
    let raw = connect(&server).await;
    let id = raw.id;
    let connection = server.hub.find(id).unwrap();
    drop(raw);
    let text = "x".repeat(10_000);
    let mut said = 0;
    while connection.ending().is_none() {
        assert!(connection.queued_bytes() <= 64 * 1024 + text.len() + 64);
        let everyone = server.hub.clients().all();
        everyone.send("Heard", &[&text]).await.unwrap();
        said += 1;
        becomes("the message to be given to it", || {
            connection.ending().is_some() || server.hub.traffic().sent.messages.value() == said
        })
        .await;
    }
    assert!((11..=18).contains(&said), "{said} messages");
    assert_eq!(server.stage.ending_of(id).await, Ending::SlowConsumer);
    server.counts(0).await;
}

#[tokio::test]
async fn a_client_that_does_not_come_back_in_time_is_gone() {
    let mut plan = plan(HubOptions::default());
    plan.transport = plan.transport.map(|options| TransportOptions {
        disconnect_timeout: Duration::from_millis(200),
        ..options
    });
    let server = plan.start().await;
    let raw = connect(&server).await;
    let (id, token) = (raw.id, raw.token.clone());
    raw.reset();
    let lost = Ending::TransportLost("the client did not come back".to_owned());
    assert_eq!(server.stage.ending_of(id).await, lost);
    server.counts(0).await;
    is_forgotten(&server, &token).await;
}

#[tokio::test]
async fn a_socket_that_takes_nothing_is_taken_for_lost() {
    let mut plan = plan(HubOptions::default());
    plan.send_buffer = Some(16 * 1024);
    plan.transport = plan.transport.map(|options| TransportOptions {
        send_timeout: Duration::from_millis(200),
        disconnect_timeout: Duration::from_millis(200),
        ..options
    });
    let server = plan.start().await;
    let negotiated = Request::negotiate(ASKING).send(&server).await.json();
    let token = negotiated["connectionToken"].as_str().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let socket = socket.connect(server.address).await.unwrap();
    let upgrade = Request::upgrade(&format!("?id={token}"));
    let upgraded = upgrade.send_on(socket).await;
    let id = negotiated["connectionId"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut raw = Raw::upgraded(id, upgraded.stream);
    raw.text(HANDSHAKE).await;
    assert_eq!(raw.receive().await, Sent::text("{}"));
    // More than the buffers of both sides hold.
    say(&server, &"x".repeat(400_000)).await;
    let lost = Ending::TransportLost("the client did not come back".to_owned());
    assert_eq!(server.stage.ending_of(id).await, lost);
    server.counts(0).await;
    is_forgotten(&server, token).await;
}
