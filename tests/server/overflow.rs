//! What a slow reader finally reads, for each policy at a full outbox.

use std::sync::Arc;

use mesahub::hub::{Connection, HubOptions, Overflow, SendOptions};
use serde_json::json;

use crate::support::messages::{call, end, item, result, stream_call, together};
use crate::support::{Client, Plan, Server};

const OUTBOX: usize = 16 * 1024;
const MESSAGE: usize = 1024;

/// More than fit into the outbox and the kernel's buffers together.
const MANY: usize = 1_000;

/// A client that does not read, and one behind it that tells when it has been passed.
struct Stall {
    server: Server,
    slow: Client,
    connection: Arc<Connection>,
    witness: Client,
    sent: usize,
}

impl Stall {
    async fn begin() -> Self {
        let plan = Plan {
            options: HubOptions {
                outbox_limit: OUTBOX,
                ..HubOptions::default()
            },
            send_buffer: Some(8 * 1024),
            ..Plan::default()
        };
        let server = plan.start().await;
        let slow = Client::connect_narrow(&server).await;
        let witness = Client::connect(&server).await;
        let connection = server.hub.find(slow.id).unwrap();
        Self {
            server,
            slow,
            connection,
            witness,
            sent: 0,
        }
    }

    /// Sends the next number; when this returns, the slow client's outbox has decided on it.
    async fn send(&mut self, overflow: Overflow) {
        let text = format!("{:0>width$}", self.sent, width = MESSAGE);
        let all = self.server.hub.clients().all().with(SendOptions {
            overflow,
            ..SendOptions::default()
        });
        all.send("Heard", &[&text]).await.unwrap();
        self.witness.hears(&text).await;
        self.sent += 1;
        assert!(self.connection.queued_bytes() <= OUTBOX);
        assert_eq!(self.connection.ending(), None);
    }

    /// Lets the slow client read to the last number; which ones it got.
    async fn read(&mut self) -> Vec<usize> {
        let mut read = Vec::new();
        while read.last() != Some(&(self.sent - 1)) {
            let message = self.slow.message().await;
            let digits = message.trim_start_matches(|letter: char| letter != '0');
            read.push(digits.trim_end_matches("\"]}").parse().unwrap());
        }
        read
    }

    fn displaced(&self) -> usize {
        usize::try_from(self.server.node.counters().displaced.value()).unwrap()
    }
}

#[tokio::test]
async fn drop_oldest_keeps_the_newest_messages_and_counts_the_others() {
    let mut stall = Stall::begin().await;
    for _ in 0..MANY {
        stall.send(Overflow::DropOldest).await;
    }
    let read = stall.read().await;
    assert!(read.is_sorted());
    assert!(stall.displaced() > 0);
    assert_eq!(read.len() + stall.displaced(), MANY);
    let newest = OUTBOX / MESSAGE - 2;
    assert!(read.ends_with(&Vec::from_iter(MANY - newest..MANY)));
}

#[tokio::test]
async fn the_latest_per_key_is_all_that_waits() {
    let mut stall = Stall::begin().await;
    let keys: [Arc<str>; 3] = ["table 1".into(), "table 2".into(), "table 3".into()];
    for number in 0..MANY {
        let key = Arc::clone(&keys[number % keys.len()]);
        stall.send(Overflow::LatestPerKey(key)).await;
    }
    // One a key, and the one that is partly on its way.
    assert!(stall.connection.queued_bytes() < (keys.len() + 2) * MESSAGE);
    let read = stall.read().await;
    assert!(read.is_sorted());
    assert!(stall.displaced() > 0);
    assert_eq!(read.len() + stall.displaced(), MANY);
    assert_eq!(
        read[read.len() - keys.len()..],
        [MANY - 3, MANY - 2, MANY - 1]
    );
}

#[tokio::test]
async fn what_may_be_dropped_gives_way_to_what_may_not() {
    let mut stall = Stall::begin().await;
    while stall.connection.queued_bytes() + 3 * MESSAGE < OUTBOX {
        stall.send(Overflow::Close).await;
    }
    let kept = stall.sent;
    for _ in 0..50 {
        stall.send(Overflow::DropOldest).await;
    }
    let dropped = stall.displaced();
    assert!(dropped > 0);
    let read = stall.read().await;
    assert!(read.is_sorted());
    assert!(read.starts_with(&Vec::from_iter(0..kept)));
    assert_eq!(read.len() + dropped, kept + 50);
}

#[tokio::test]
async fn a_slow_reader_that_catches_up_is_served_as_before() {
    let mut stall = Stall::begin().await;
    for _ in 0..3 {
        let before = stall.sent;
        while stall.connection.queued_bytes() + 2 * MESSAGE < OUTBOX {
            stall.send(Overflow::Close).await;
        }
        assert_eq!(stall.read().await, Vec::from_iter(before..stall.sent));
    }
    assert_eq!(stall.displaced(), 0);
    assert_eq!(stall.server.node.counters().overflowed.value(), 0);
}

#[tokio::test]
async fn answers_to_a_client_that_does_not_read_wait_and_close_nothing() {
    const CALLS: usize = 400;
    let mut stall = Stall::begin().await;
    let id = |number: usize| number.to_string();
    let calls: Vec<_> = (0..CALLS)
        .map(|number| call(Some(&id(number)), "Large", json!([2 * OUTBOX]), &[]))
        .collect();
    // Each answer alone is larger than the outbox, and all are more than the kernel holds.
    for calls in calls.chunks(10) {
        stall.slow.send(&together(calls)).await;
    }
    for _ in 0..100 {
        stall.witness.call("Add", json!([1, 2])).await;
    }
    assert_eq!(stall.connection.ending(), None);
    assert!(stall.connection.queued_bytes() < 3 * OUTBOX);
    let answer = json!("x".repeat(2 * OUTBOX));
    for number in 0..CALLS {
        let expected = result(&id(number), answer.clone());
        assert_eq!(stall.slow.message().await, expected);
    }
}

#[tokio::test]
async fn items_larger_than_the_outbox_wait_for_room_and_close_nothing() {
    const ITEMS: usize = 40;
    let mut stall = Stall::begin().await;
    let streams = ["1", "2"];
    let calls = streams.map(|id| stream_call(id, "Flood", json!([ITEMS, 2 * OUTBOX]), &[]));
    stall.slow.send(&together(&calls)).await;
    for _ in 0..100 {
        stall.witness.call("Add", json!([1, 2])).await;
    }
    assert_eq!(stall.connection.ending(), None);
    assert!(stall.connection.queued_bytes() < 3 * OUTBOX);
    let text = json!("x".repeat(2 * OUTBOX));
    let (items, ends) = (streams.map(|id| item(id, text.clone())), streams.map(end));
    let mut left = [ITEMS; 2];
    while left != [0; 2] {
        let message = stall.slow.message().await;
        match items.iter().position(|item| *item == message) {
            Some(stream) => left[stream] -= 1,
            None => assert!(ends.contains(&message), "{message:.60}"),
        }
    }
}
