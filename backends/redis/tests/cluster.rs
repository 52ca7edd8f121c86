//! Faults of a Redis Cluster made for real: slots moved, primaries killed and frozen.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use mesahub_broker::{
    Broker, BrokerError, Inbound, Inbox, InboxShard, LogBounds, OnceKey, Publication, Topic,
};
use mesahub_redis::{Deployment, Framing, RedisBroker, RedisConfig};
use mesahub_test_servers::{RedisOptions, RedisServer};
use support::{Cluster, config};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it comes in time")
}

fn topic(name: &str) -> Topic {
    Topic::new(name).unwrap()
}

fn item(name: &str, text: impl Into<String>) -> Publication {
    Publication::new(topic(name), text.into())
}

async fn cluster(replicas: usize) -> Cluster {
    Cluster::start(Framing::Positioned, replicas).await
}

async fn joined(cluster: &Cluster) -> (RedisBroker, InboxShard) {
    let (inbox, mut shards) = Inbox::new(1, 64);
    let broker = RedisBroker::open(cluster.config(), inbox).await.unwrap();
    (broker, shards.pop().unwrap())
}

/// Publishes until it is taken.
async fn publish_when_back(broker: &RedisBroker, one: Publication) {
    within(async {
        loop {
            match broker.publish(vec![one.clone()]).await.pop().unwrap() {
                Ok(_) => return,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Waits for a gap in one topic, which must spare the other.
async fn gap_in(shard: &mut InboxShard, concerned: &str, spared: &str) {
    within(async {
        loop {
            if let Some(Inbound::Gap(gap)) = shard.recv().await {
                assert!(!gap.covers(&topic(spared)), "{gap:?}");
                if gap.covers(&topic(concerned)) {
                    return;
                }
            }
        }
    })
    .await;
}

/// Waits for a payload on a topic, passing over other deliveries.
async fn hear(shard: &mut InboxShard, name: &str, text: &str) {
    within(async {
        loop {
            match shard.recv().await {
                Some(Inbound::Delivery(it)) if it.topic == topic(name) && it.payload == text => {
                    return;
                }
                Some(_) => {}
                None => panic!("the inbox has ended"),
            }
        }
    })
    .await;
}

/// The node on which a topic is subscribed, and its slot.
async fn home<'c>(cluster: &'c Cluster, name: &str) -> (&'c RedisServer, u16) {
    for node in cluster.servers.nodes() {
        let channels = node.command(&["PUBSUB", "SHARDCHANNELS"]).await.unwrap();
        let ours = |channel: &&str| channel.ends_with(&format!("}}:{name}"));
        if let Some(channel) = channels.lines().find(ours) {
            let slot = node.command(&["CLUSTER", "KEYSLOT", channel]).await;
            return (node, slot.unwrap().parse().unwrap());
        }
    }
    panic!("{name} is subscribed nowhere");
}

/// Two topics on different nodes, both subscribed.
async fn two_apart(cluster: &Cluster, broker: &RedisBroker) -> (String, String) {
    let names: Vec<_> = (0..20).map(|number| format!("topic {number}")).collect();
    let topics: Vec<_> = names.iter().map(|name| topic(name)).collect();
    broker.subscribe(&topics).await.unwrap();
    let first = home(cluster, &names[0]).await.0.port();
    for name in &names[1..] {
        if home(cluster, name).await.0.port() != first {
            return (names[0].clone(), name.clone());
        }
    }
    panic!("twenty topics on one of three nodes");
}

#[tokio::test]
async fn a_slot_that_moves_while_publishing_is_followed_behind_a_gap_of_its_topics() {
    let cluster = cluster(0).await;
    let (broker, mut shard) = joined(&cluster).await;
    let (moving, staying) = two_apart(&cluster, &broker).await;
    for round in 0..3 {
        let (from, slot) = home(&cluster, &moving).await;
        let nodes = cluster.servers.nodes().iter();
        let to = nodes
            .filter(|node| node.port() != from.port())
            .nth(round % 2);
        let to = to.unwrap();
        let publishing = async {
            loop {
                for name in [&moving, &staying] {
                    let one = item(name, "meanwhile").logged();
                    if let Err(error) = broker.publish(vec![one]).await.pop().unwrap() {
                        assert!(error.is_retryable(), "{error:?}");
                        assert_eq!(name, &moving);
                    }
                }
            }
        };
        tokio::select! {
            moved = async {
                cluster.servers.move_slot(slot, to).await.unwrap();
                gap_in(&mut shard, &moving, &staying).await;
            } => moved,
            () = publishing => unreachable!(),
        }
        let text = format!("after {round}");
        publish_when_back(&broker, item(&moving, &*text)).await;
        hear(&mut shard, &moving, &text).await;
        assert_eq!(home(&cluster, &moving).await.0.port(), to.port());
        assert_eq!(broker.subscriber_count(&topic(&moving)).await.unwrap(), 1);
        let log = broker.read_log(&topic(&moving), None, 1).await.unwrap();
        assert!(log.more, "the log has moved with its slot");
    }
    broker.unsubscribe(&[topic(&moving)]).await.unwrap();
    assert_eq!(broker.subscriber_count(&topic(&moving)).await.unwrap(), 0);
}

#[tokio::test]
async fn keys_move_with_the_slot_of_their_log() {
    let cluster = cluster(0).await;
    let config = RedisConfig {
        log: LogBounds::default(),
        ..cluster.config()
    };
    let (inbox, _shards) = Inbox::new(1, 64);
    let broker = RedisBroker::open(config, inbox).await.unwrap();
    let (moving, _) = two_apart(&cluster, &broker).await;
    let keyed = || item(&moving, "keyed").logged().once(OnceKey::new([1; 16]));
    let first = broker.publish(vec![keyed()]).await.pop().unwrap().unwrap();
    assert!(!first.duplicate);
    let (from, slot) = home(&cluster, &moving).await;
    let mut nodes = cluster.servers.nodes().iter();
    let to = nodes.find(|node| node.port() != from.port()).unwrap();
    cluster.servers.move_slot(slot, to).await.unwrap();
    publish_when_back(&broker, item(&moving, "there")).await;
    let again = broker.publish(vec![keyed()]).await.pop().unwrap().unwrap();
    assert!(again.duplicate);
}

#[tokio::test]
async fn a_replica_that_takes_over_is_followed_behind_a_gap_of_its_topics() {
    let cluster = cluster(1).await;
    let (broker, mut shard) = joined(&cluster).await;
    let (failing, staying) = two_apart(&cluster, &broker).await;
    let before = broker
        .publish(vec![item(&failing, "before").logged()])
        .await;
    let before = before[0].as_ref().unwrap().position;
    hear(&mut shard, &failing, "before").await;
    let (primary, slot) = home(&cluster, &failing).await;
    primary.stop().await.unwrap();
    gap_in(&mut shard, &failing, &staying).await;
    publish_when_back(&broker, item(&failing, "after")).await;
    hear(&mut shard, &failing, "after").await;
    let now = cluster.servers.owner(slot).await;
    assert_ne!(primary.port(), now.map_or(0, RedisServer::port));
    // The replica may not have had it.
    let read = broker.read_log(&topic(&failing), before, 9).await;
    assert!(
        matches!(read, Err(BrokerError::UnknownPosition { .. })),
        "{read:?}"
    );
    publish_when_back(&broker, item(&staying, "still here")).await;
    hear(&mut shard, &staying, "still here").await;
}

#[tokio::test]
async fn a_primary_that_hands_over_to_its_replica_is_followed_though_nobody_died() {
    let cluster = cluster(1).await;
    let (broker, mut shard) = joined(&cluster).await;
    let (moving, staying) = two_apart(&cluster, &broker).await;
    let (primary, _) = home(&cluster, &moving).await;
    let id = primary.command(&["CLUSTER", "MYID"]).await.unwrap();
    let replicas = primary.command(&["CLUSTER", "REPLICAS", &id]).await;
    let replicas = replicas.unwrap();
    let mut nodes = cluster.servers.nodes().iter();
    let replica = nodes.find(|node| replicas.contains(&format!(":{}@", node.port())));
    let replica = replica.expect("every primary has one");
    replica.command(&["CLUSTER", "FAILOVER"]).await.unwrap();
    gap_in(&mut shard, &moving, &staying).await;
    publish_when_back(&broker, item(&moving, "after")).await;
    hear(&mut shard, &moving, "after").await;
    assert_eq!(home(&cluster, &moving).await.0.port(), replica.port());
}

#[tokio::test]
async fn a_frozen_primary_costs_nothing_but_its_own_topics() {
    let cluster = cluster(0).await;
    let (broker, mut shard) = joined(&cluster).await;
    let (frozen, free) = two_apart(&cluster, &broker).await;
    let (primary, _) = home(&cluster, &frozen).await;
    primary.freeze().await.unwrap();
    let both = vec![item(&frozen, "lost"), item(&free, "fine")];
    let answers = within(broker.publish(both)).await;
    assert!(answers[0].as_ref().unwrap_err().is_retryable());
    assert!(answers[1].is_ok(), "{answers:?}");
    hear(&mut shard, &free, "fine").await;
    assert!(within(broker.health()).await.unwrap_err().is_retryable());
    primary.thaw().await.unwrap();
    gap_in(&mut shard, &frozen, &free).await;
    publish_when_back(&broker, item(&frozen, "back")).await;
    hear(&mut shard, &frozen, "back").await;
}

#[tokio::test]
async fn what_was_not_configured_as_it_is_says_so() {
    let cluster = cluster(0).await;
    let single = RedisServer::start(RedisOptions::default()).await.unwrap();
    let refusal = async |config: RedisConfig| {
        let (inbox, _shards) = Inbox::new(1, 1);
        let error = RedisBroker::open(config, inbox).await.unwrap_err();
        assert!(!error.is_retryable(), "{error:?}");
        std::error::Error::source(&error).unwrap().to_string()
    };
    let clustered = cluster.config();
    let Deployment::Cluster { addresses } = &clustered.deployment else {
        unreachable!()
    };
    let one_node = Deployment::Single(addresses[0].clone());
    let as_single = refusal(RedisConfig {
        deployment: one_node,
        ..clustered.clone()
    });
    assert!(as_single.await.contains("is a node of a cluster"));
    let Deployment::Single(address) = config(&single).deployment else {
        unreachable!()
    };
    let as_cluster = refusal(RedisConfig {
        deployment: Deployment::Cluster {
            addresses: vec![address],
        },
        ..clustered.clone()
    });
    assert!(as_cluster.await.contains("is no node of a cluster"));
    let braces = refusal(RedisConfig {
        prefix: "{mesa}".to_owned(),
        ..clustered
    });
    assert!(braces.await.contains("must not hold { or }"));
}

#[tokio::test]
async fn a_node_that_is_away_at_the_start_is_joined_when_it_comes() {
    let cluster = cluster(0).await;
    let away = &cluster.servers.nodes()[0];
    away.stop().await.unwrap();
    let (broker, mut shard) = joined(&cluster).await;
    away.restart().await.unwrap();
    let topics: Vec<_> = (0..20).map(|n| format!("topic {n}")).collect();
    within(async {
        let all: Vec<_> = topics.iter().map(|name| topic(name)).collect();
        while let Err(error) = broker.subscribe(&all).await {
            assert!(error.is_retryable(), "{error:?}");
        }
    })
    .await;
    for name in &topics {
        publish_when_back(&broker, item(name, "hello")).await;
        hear(&mut shard, name, "hello").await;
    }
}
