//! A server with a journal, killed at random moments while somebody publishes: what it has answered
//! for arrives, in order.

use mesahub::app::options;
use mesahub::broker::open;
use mesahub::channel::RecentOrders;
use mesahub::config::{Sources, load};
use mesahub::hub::{HubOptions, Node};
use mesahub::notification::notification_hub;
use mesahub_test_servers::RedisServer;
use tokio::task::JoinSet;

use crate::node::{Ear, order};
use crate::process::{KEY, Mesahub};

/// How often the server is killed.
const KILLS: u32 = 200;

/// A server with a journal on a Redis.
pub(crate) async fn journalled(redis: &RedisServer) -> Mesahub {
    let backplane = format!("127.0.0.1:{}", redis.port());
    Mesahub::start(&[
        ("RealTimeConfiguration:Provider", "Redis"),
        ("RealTimeConfiguration:ConnectionString", &backplane),
        (
            "RealTimeConfiguration:Notifications:Journal:Enabled",
            "true",
        ),
    ])
    .await
}

/// Publishes an order, which must be accepted, under a key of its own.
async fn must_accept(mesahub: &Mesahub, number: u32) {
    let text = number.to_string();
    let answer = mesahub.publish(&order(&text), Some(&text)).await.unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
}

/// Somebody on another node of the same Redis, who stays.
pub(crate) async fn listener(redis: &RedisServer) -> Ear {
    let (inbox, shards) = Node::inbox();
    let settings = [
        ("RealTimeConfiguration:Provider", "Redis".to_owned()),
        (
            "RealTimeConfiguration:ConnectionString",
            format!("127.0.0.1:{}", redis.port()),
        ),
        ("Mesahub:Authentication:SigningKey", KEY.to_owned()),
    ];
    let sources = Sources {
        overrides: settings.map(|(key, value)| (key.to_owned(), value)).into(),
        ..Sources::default()
    };
    let settings = load(&sources).unwrap().settings;
    let backplane = settings.backplane().unwrap();
    let broker = open(&backplane, options::log(&settings), inbox)
        .await
        .unwrap();
    let node = Node::start(broker, shards);
    let orders = std::sync::Arc::new(RecentOrders::default());
    Ear::of(notification_hub(&node, orders, HubOptions::default()).unwrap()).await
}

/// A small generator, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_has_answered_for_arrives_in_order_and_each_once() {
    let redis = RedisServer::start(Default::default()).await.unwrap();
    let mut ear = listener(&redis).await;
    let mut mesahub = journalled(&redis).await;
    let seed: u64 = std::env::var("MESAHUB_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed);
    eprintln!("seed {seed}");
    let mut dice = Dice(seed.max(1));
    let (mut number, mut open) = (0_u32, None);
    for _ in 0..KILLS {
        let until = number + u32::try_from(dice.below(25)).unwrap();
        while number < until {
            let asked = open.unwrap_or(number);
            // Whoever got no answer asks again, under the same key.
            must_accept(&mesahub, asked).await;
            (number, open) = (asked + 1, None);
        }
        // One more, which is under way when the server is killed.
        let mut under_way = JoinSet::new();
        let (asker, text) = (mesahub.asker(), number.to_string());
        under_way.spawn(async move { asker.publish(&order(&text), Some(&text)).await });
        for _ in 0..dice.below(400) {
            tokio::task::yield_now().await;
        }
        mesahub.kill_and_restart().await;
        let answered = under_way.join_next().await.unwrap().unwrap();
        match answered {
            Ok(answer) if answer.status == 202 => number += 1,
            _ => open = Some(number),
        }
    }
    if let Some(asked) = open {
        must_accept(&mesahub, asked).await;
        number = asked + 1;
    }
    let mut heard: Vec<u32> = Vec::new();
    while heard.last() != Some(&(number - 1)) {
        heard.push(ear.next().await.parse().unwrap());
    }
    eprintln!("{number} orders accepted, {KILLS} kills");
    let wrong = heard
        .iter()
        .zip(0..)
        .find(|(heard, expected)| *heard != expected);
    assert_eq!(
        wrong, None,
        "an order and what should have come in its place"
    );
    assert_eq!(heard.len(), usize::try_from(number).unwrap());
}
