//! What the inbox owes to backends and to the hub.

#![allow(clippy::unwrap_used)]

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use mesahub_broker::{Delivery, Gap, GapScope, Inbound, Inbox, InboxClosed, Position, Topic};

fn topic(name: &str) -> Topic {
    Topic::new(name).unwrap()
}

fn delivery(name: &str, payload: &'static str) -> Delivery {
    Delivery {
        topic: topic(name),
        payload: Bytes::from_static(payload.as_bytes()),
        position: None,
    }
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn one_topic_keeps_to_one_shard_and_its_order() {
    let (inbox, mut shards) = Inbox::new(4, 100);
    let sent: Vec<_> = ["1", "2", "3", "4", "5"].map(|p| delivery("a", p)).into();
    inbox.deliver_all(sent.clone()).await.unwrap();
    drop(inbox);
    let mut filled = Vec::new();
    for shard in &mut shards {
        let mut got = Vec::new();
        while shard.recv_many(&mut got, 2).await > 0 {}
        if !got.is_empty() {
            filled.push(got);
        }
    }
    let sent: Vec<_> = sent.into_iter().map(Inbound::Delivery).collect();
    assert_eq!(filled, [sent]);
}

#[tokio::test]
async fn a_shard_knows_which_topics_it_carries() {
    let (inbox, mut shards) = Inbox::new(4, 100);
    for n in 0..50 {
        inbox.deliver(delivery(&n.to_string(), "")).await.unwrap();
    }
    drop(inbox);
    let mut carried = 0;
    for shard in &mut shards {
        while let Some(inbound) = shard.recv().await {
            let Inbound::Delivery(delivery) = inbound else {
                panic!("nothing else was sent");
            };
            assert!(shard.carries(&delivery.topic));
            carried += 1;
        }
    }
    assert_eq!(carried, 50);
    for n in 0..50 {
        let topic = topic(&n.to_string());
        assert_eq!(shards.iter().filter(|s| s.carries(&topic)).count(), 1);
    }
}

#[tokio::test]
async fn many_topics_use_every_shard() {
    let (inbox, mut shards) = Inbox::new(4, 1000);
    for n in 0..1000 {
        inbox.deliver(delivery(&n.to_string(), "")).await.unwrap();
    }
    for shard in &mut shards {
        assert!(shard.recv_many(&mut Vec::new(), 1000).await > 100);
    }
}

#[tokio::test]
async fn a_full_shard_makes_the_reader_wait_and_loses_nothing() {
    let (inbox, mut shards) = Inbox::new(1, 1);
    inbox.deliver(delivery("a", "1")).await.unwrap();
    assert!(inbox.try_reserve(&topic("a")).unwrap().is_none());
    let mut waiting = pin!(inbox.deliver(delivery("a", "2")));
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(
        shards[0].recv().await,
        Some(Inbound::Delivery(delivery("a", "1")))
    );
    assert_eq!(poll_once(waiting), Poll::Ready(Ok(())));
    assert_eq!(
        shards[0].recv().await,
        Some(Inbound::Delivery(delivery("a", "2")))
    );
}

#[tokio::test]
async fn a_gap_reaches_the_shards_of_its_topics_between_the_deliveries() {
    let (inbox, mut shards) = Inbox::new(3, 100);
    let names: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    let topics: Vec<Topic> = names.iter().map(|name| topic(name)).collect();
    for name in &names {
        inbox.deliver(delivery(name, "before")).await.unwrap();
    }
    let gap = Gap {
        topics: GapScope::Topics(topics.clone()),
    };
    inbox.gap(gap).await.unwrap();
    for name in &names {
        inbox.deliver(delivery(name, "after")).await.unwrap();
    }
    drop(inbox);

    let mut told = Vec::new();
    for shard in &mut shards {
        let mut payload = "before";
        while let Some(inbound) = shard.recv().await {
            match inbound {
                Inbound::Delivery(delivery) => assert_eq!(delivery.payload, payload),
                Inbound::Gap(gap) => {
                    payload = "after";
                    let GapScope::Topics(topics) = gap.topics else {
                        panic!("the scope grew");
                    };
                    told.extend(topics);
                }
            }
        }
        assert_eq!(payload, "after");
    }
    told.sort();
    let mut expected = topics;
    expected.sort();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_gap_of_everything_reaches_every_shard() {
    let (inbox, mut shards) = Inbox::new(3, 1);
    let gap = Gap {
        topics: GapScope::All,
    };
    inbox.gap(gap.clone()).await.unwrap();
    for shard in &mut shards {
        assert_eq!(shard.recv().await, Some(Inbound::Gap(gap.clone())));
    }
}

#[tokio::test]
async fn delivering_to_no_reader_returns_at_once() {
    let (inbox, shards) = Inbox::new(2, 1);
    inbox.deliver(delivery("a", "1")).await.unwrap();
    assert!(!inbox.is_closed());
    drop(shards);
    assert!(inbox.is_closed());
    assert_eq!(inbox.deliver(delivery("a", "2")).await, Err(InboxClosed));
    let endless = std::iter::repeat_with(|| delivery("a", "3"));
    assert_eq!(inbox.deliver_all(endless).await, Err(InboxClosed));
    let gap = Gap {
        topics: GapScope::All,
    };
    assert_eq!(inbox.gap(gap).await, Err(InboxClosed));
    assert_eq!(inbox.reserve(&topic("a")).await.err(), Some(InboxClosed));
    assert_eq!(inbox.try_reserve(&topic("a")).err(), Some(InboxClosed));
}

#[tokio::test]
async fn one_dropped_shard_does_not_cost_the_others_their_deliveries() {
    let (inbox, mut shards) = Inbox::new(2, 100);
    drop(shards.pop());
    let sent = (0..100).map(|n| delivery(&n.to_string(), ""));
    assert_eq!(inbox.deliver_all(sent).await, Err(InboxClosed));
    assert!(shards[0].recv_many(&mut Vec::new(), 100).await > 10);
}

#[tokio::test]
async fn a_slot_dropped_unused_gives_its_room_back() {
    let (inbox, mut shards) = Inbox::new(1, 1);
    drop(inbox.reserve(&topic("a")).await.unwrap());
    let slot = inbox.try_reserve(&topic("a")).unwrap().unwrap();
    let position = Some(Position::new(7));
    slot.deliver(Bytes::from_static(b"x"), position);
    let expected = Delivery {
        position,
        ..delivery("a", "x")
    };
    assert_eq!(shards[0].recv().await, Some(Inbound::Delivery(expected)));
}
