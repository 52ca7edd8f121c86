//! A cluster of servers, of which some are lost.

#![allow(clippy::unwrap_used)]

mod support;

use mesahub_broker::{Broker, Inbox, OnceKey, Position, Publication};
use mesahub_nats::{Address, LogConfig, NatsBroker, NatsConfig};
use mesahub_test_servers::{NatsCluster, NatsOptions, NatsServer};
use support::{delivery, gap, item, one_shard, publish_when_back, quick, topic, within};

fn addresses<'a>(servers: impl IntoIterator<Item = &'a NatsServer>) -> Vec<Address> {
    let servers = servers.into_iter();
    servers
        .map(|server| Address::new(server.host(), server.port()))
        .collect()
}

#[tokio::test]
async fn nodes_at_two_servers_hear_each_other_and_move_when_one_is_lost() {
    let options = NatsOptions {
        without_jet_stream: true,
        ..NatsOptions::default()
    };
    let cluster = NatsCluster::start(2, &options).await.unwrap();
    let [one, two] = &cluster.servers[..] else {
        panic!("a cluster of two has two servers");
    };
    let at = |addresses| NatsConfig {
        addresses,
        log: None,
        ..quick(one)
    };
    let (near, _near_shard) = one_shard(at(addresses([one, two]))).await;
    let (far, mut shard) = one_shard(at(addresses([two, one]))).await;
    far.subscribe(&[topic("a")]).await.unwrap();
    // The subscription travels to the other server by itself.
    within(async { while near.subscriber_count(&topic("a")).await.unwrap() == 0 {} }).await;
    publish_when_back(&near, item("a", "across")).await;
    assert_eq!(delivery(&mut shard).await.payload, "across");

    two.stop().await.unwrap();
    gap(&mut shard).await;
    publish_when_back(&near, item("a", "moved")).await;
    assert_eq!(delivery(&mut shard).await.payload, "moved");
    publish_when_back(&far, item("a", "its own")).await;
    assert_eq!(delivery(&mut shard).await.payload, "its own");
}

#[tokio::test]
async fn what_is_kept_after_subscribe_has_returned_arrives_from_another_server() {
    let cluster = NatsCluster::start(2, &NatsOptions::default())
        .await
        .unwrap();
    let servers = &cluster.servers;
    let at = |addresses| NatsConfig {
        addresses,
        log: Some(LogConfig::default()),
        ..quick(&servers[0])
    };
    let maker = opened_when_there_are_enough(&at(addresses(servers))).await;
    let made = kept_when_back(&maker, "zero").await.parts().0;
    let leader = leader(&servers[0], &format!("mesahub-log-{made}")).await;
    let (leads, follows): (Vec<_>, Vec<_>) =
        servers.iter().partition(|server| server.port() == leader);
    let (near, _near_shard) = one_shard(at(addresses(leads))).await;
    let (far, mut shard) = one_shard(at(addresses(follows))).await;
    for number in 0..200 {
        let name = format!("topic {number}");
        far.subscribe(&[topic(&name)]).await.unwrap();
        let answers = near.publish(vec![item(&name, "kept").logged()]).await;
        assert!(answers[0].is_ok(), "{answers:?}");
        assert_eq!(delivery(&mut shard).await.topic, topic(&name));
    }
}

#[tokio::test]
async fn a_log_with_three_copies_outlives_the_server_that_leads_it() {
    let cluster = NatsCluster::start(3, &NatsOptions::default())
        .await
        .unwrap();
    let config = NatsConfig {
        addresses: addresses(&cluster.servers),
        log: Some(LogConfig {
            replicas: 3,
            ..LogConfig::default()
        }),
        ..quick(&cluster.servers[0])
    };
    let maker = opened_when_there_are_enough(&config).await;
    let name = format!(
        "mesahub-log-{}",
        kept_when_back(&maker, "zero").await.parts().0
    );
    let leader = leader(&cluster.servers[0], &name).await;

    // With its connections at the leader, too.
    let mut ordered: Vec<_> = cluster.servers.iter().collect();
    ordered.sort_by_key(|server| server.port() != leader);
    let (broker, mut shard) = one_shard(NatsConfig {
        addresses: addresses(ordered.iter().copied()),
        ..config
    })
    .await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    let first = kept_when_back(&broker, "one").await;
    let second = kept_when_back(&broker, "two").await;
    assert!(first < second);

    ordered[0].stop().await.unwrap();
    gap(&mut shard).await;
    kept_when_back(&broker, "three").await;
    let log = within(async {
        loop {
            match broker.read_log(&topic("a"), Some(first), 9).await {
                Ok(page) => return page.entries,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    // An attempt that was not answered may have been taken, and was not taken again.
    let texts: Vec<_> = log.iter().map(|entry| entry.payload.clone()).collect();
    assert_eq!(texts, ["two", "three"]);
    let again = broker.publish(vec![keyed("two")]).await;
    let again = again[0].as_ref().unwrap();
    assert!(
        again.duplicate && again.position == Some(second),
        "{again:?}"
    );
}

/// A cluster that has just begun may not know yet that it has three servers.
async fn opened_when_there_are_enough(config: &NatsConfig) -> NatsBroker {
    within(async {
        loop {
            let (inbox, _shards) = Inbox::new(1, 1);
            match NatsBroker::open(config.clone(), inbox).await {
                Ok(broker) => return broker,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    })
    .await
}

/// An item whose key is its text.
fn keyed(text: &'static str) -> Publication {
    let mut key = [0; 16];
    key[..text.len()].copy_from_slice(text.as_bytes());
    item("a", text).logged().once(OnceKey::new(key))
}

async fn kept_when_back(broker: &NatsBroker, text: &'static str) -> Position {
    within(async {
        loop {
            let answers = broker.publish(vec![keyed(text)]).await;
            match &answers[0] {
                Ok(published) => return published.position.unwrap(),
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// The port of the server that leads a stream, which its name tells.
async fn leader(any: &NatsServer, stream: &str) -> u16 {
    let url = format!("nats://127.0.0.1:{}", any.port());
    let official = async_nats::connect(url).await.unwrap();
    let context = async_nats::jetstream::new(official);
    let stream = context.get_stream(stream).await.unwrap();
    let cluster = stream.cached_info().cluster.clone().unwrap();
    let name = cluster.leader.unwrap();
    name.strip_prefix("server-").unwrap().parse().unwrap()
}
