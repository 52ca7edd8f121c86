//! Faults made for real: the server killed, frozen, cutting connections, full, guarded.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use mesahub_broker::{
    Broker, BrokerError, Delivery, Inbound, Inbox, InboxShard, OnceKey, Publication, Topic,
};
use mesahub_redis::{Address, Deployment, Framing, Login, RedisBroker, RedisConfig, Tls};
use mesahub_test_servers::{Authority, RedisOptions, RedisServer};
use support::{Redis, config, open};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it comes in time")
}

fn topic(name: &str) -> Topic {
    Topic::new(name).unwrap()
}

fn item(name: &str, text: &'static str) -> Publication {
    Publication::new(topic(name), text.as_bytes())
}

async fn start(options: RedisOptions) -> RedisServer {
    RedisServer::start(options).await.unwrap()
}

fn with(arguments: &[&str]) -> RedisOptions {
    RedisOptions {
        arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
        ..RedisOptions::default()
    }
}

/// Patient with a busy machine, and quick to notice.
fn quick(server: &RedisServer) -> RedisConfig {
    RedisConfig {
        response_timeout: Duration::from_secs(1),
        ..config(server)
    }
}

async fn one_shard(config: RedisConfig) -> (RedisBroker, InboxShard) {
    let (inbox, mut shards) = Inbox::new(1, 64);
    let broker = RedisBroker::open(config, inbox).await.unwrap();
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

/// Waits for a gap, passing over deliveries.
async fn gap(shard: &mut InboxShard) {
    within(async { while !matches!(shard.recv().await, Some(Inbound::Gap(_))) {} }).await;
}

async fn delivery(shard: &mut InboxShard) -> Delivery {
    match within(shard.recv()).await {
        Some(Inbound::Delivery(delivery)) => delivery,
        other => panic!("expected a delivery, not {other:?}"),
    }
}

/// An error with its causes.
fn told(error: &BrokerError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

async fn refusal(config: RedisConfig) -> BrokerError {
    let (inbox, _shards) = Inbox::new(1, 1);
    RedisBroker::open(config, inbox).await.unwrap_err()
}

#[tokio::test]
async fn a_frozen_server_is_noticed_and_healed_behind_a_gap() {
    let server = start(RedisOptions::default()).await;
    let (broker, mut shard) = one_shard(quick(&server)).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    server.freeze().await.unwrap();
    let answer = within(broker.publish(vec![item("a", "frozen")])).await;
    assert!(answer[0].as_ref().unwrap_err().is_retryable());
    let health = within(broker.health()).await;
    assert!(health.unwrap_err().is_retryable());
    server.thaw().await.unwrap();
    // What was on its way when it froze may have been carried out.
    publish_when_back(&broker, item("a", "thawed")).await;
    gap(&mut shard).await;
    publish_when_back(&broker, item("a", "after")).await;
    while delivery(&mut shard).await.payload != "after" {}
}

#[tokio::test]
async fn what_is_unsubscribed_at_a_frozen_server_does_not_come_back() {
    let server = start(RedisOptions::default()).await;
    let (broker, mut shard) = one_shard(quick(&server)).await;
    broker.subscribe(&[topic("a"), topic("b")]).await.unwrap();
    server.freeze().await.unwrap();
    within(broker.unsubscribe(&[topic("b")])).await.unwrap();
    server.thaw().await.unwrap();
    gap(&mut shard).await;
    publish_when_back(&broker, item("c", "thawed")).await;
    let count = async |name| within(broker.subscriber_count(&topic(name))).await.unwrap();
    assert_eq!((count("a").await, count("b").await), (1, 0));
    broker.close().await;
}

#[tokio::test]
async fn connections_that_the_server_cuts_are_made_again() {
    let server = start(RedisOptions::default()).await;
    let (broker, mut shard) = one_shard(quick(&server)).await;
    broker.subscribe(&[topic("a"), topic("b")]).await.unwrap();
    let killed = server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    assert_eq!(killed.unwrap(), "1");
    gap(&mut shard).await;
    let killed = server.command(&["CLIENT", "KILL", "TYPE", "normal"]).await;
    killed.unwrap();
    publish_when_back(&broker, item("b", "after")).await;
    assert_eq!(delivery(&mut shard).await.payload, "after");
}

#[tokio::test]
async fn a_reader_that_redis_cuts_off_for_being_slow_is_told_of_a_gap() {
    let limit = ["--client-output-buffer-limit", "pubsub 256kb 256kb 1"];
    let server = start(with(&limit)).await;
    let (inbox, mut shards) = Inbox::new(1, 1);
    let broker = RedisBroker::open(quick(&server), inbox).await.unwrap();
    let mut shard = shards.pop().unwrap();
    broker.subscribe(&[topic("a")]).await.unwrap();
    // Nobody reads: the socket fills, then Redis's buffer, then Redis cuts it off.
    let large = Publication::new(topic("a"), vec![b'.'; 1024 * 1024]);
    within(async {
        loop {
            for answer in broker.publish(vec![large.clone()]).await {
                answer.unwrap();
            }
            let clients = server.command(&["CLIENT", "LIST", "TYPE", "pubsub"]).await;
            if clients.unwrap().is_empty() {
                return;
            }
        }
    })
    .await;
    gap(&mut shard).await;
    publish_when_back(&broker, item("a", "after")).await;
    while delivery(&mut shard).await.payload != "after" {}
}

#[tokio::test]
async fn a_full_server_says_so_and_takes_more_when_there_is_room() {
    let server = start(with(&["--maxmemory", "3mb"])).await;
    let (broker, _shards) = open(config(&server)).await;
    let fill = || Publication::new(topic("a"), vec![b'.'; 60_000]).logged();
    let full = within(async {
        for number in 0.. {
            let one = Publication {
                topic: topic(&format!("filler {number}")),
                ..fill()
            };
            if let Err(error) = broker.publish(vec![one]).await.pop().unwrap() {
                return error;
            }
        }
        unreachable!()
    })
    .await;
    assert!(full.is_retryable(), "{full:?}");
    assert!(told(&full).contains("OOM"), "{}", told(&full));
    // What did not fit must not be taken for a duplicate when it comes again.
    let keyed = || item("a", "keyed").logged().once(OnceKey::new([1; 16]));
    let none = server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    none.unwrap();
    let refused = broker.publish(vec![keyed()]).await.pop().unwrap();
    assert!(told(&refused.unwrap_err()).contains("OOM"));
    let more = server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    more.unwrap();
    publish_when_back(&broker, fill()).await;
    let taken = broker.publish(vec![keyed(), keyed()]).await;
    let duplicates = taken.into_iter().map(|one| one.unwrap().duplicate);
    assert_eq!(duplicates.collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn a_position_from_before_a_restart_or_a_flush_is_unknown() {
    let redis = Redis::start(Framing::Positioned).await;
    let (broker, _shards) = open(redis.config()).await;
    let logged = || item("a", "x").logged();
    let published = broker.publish(vec![logged(), logged()]).await;
    let first = published[0].as_ref().unwrap().position;
    assert_eq!(
        broker
            .read_log(&topic("a"), first, 9)
            .await
            .unwrap()
            .entries
            .len(),
        1
    );
    let empty = broker.read_log(&topic("b"), None, 0).await.unwrap().newest;
    let unknown = async |position| {
        let read = within(async {
            loop {
                match broker.read_log(&topic("a"), position, 9).await {
                    Err(error) if error.is_retryable() => tokio::task::yield_now().await,
                    read => return read,
                }
            }
        });
        let read = read.await;
        assert!(
            matches!(read, Err(BrokerError::UnknownPosition { .. })),
            "{read:?}"
        );
    };
    redis.server.command(&["FLUSHALL"]).await.unwrap();
    unknown(first).await;
    unknown(Some(empty)).await;
    let again = broker.publish(vec![logged()]).await;
    let again = again[0].as_ref().unwrap().position;
    unknown(first).await;
    redis.server.restart().await.unwrap();
    unknown(again).await;
}

#[tokio::test]
async fn a_wrong_password_is_named_and_not_shown() {
    let server = start(with(&["--requirepass", "right"])).await;
    for (password, advice) in [
        (None, "wants a password"),
        (Some("hunter2"), "does not accept the user or the password"),
    ] {
        let error = refusal(RedisConfig {
            login: Login {
                user: None,
                password: password.map(str::to_owned),
            },
            ..config(&server)
        })
        .await;
        assert!(!error.is_retryable());
        let text = format!("{} {error:?}", told(&error));
        assert!(text.contains(advice), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let login = Login {
        user: None,
        password: Some("right".to_owned()),
    };
    let shown = format!("{login:?}");
    assert!(!shown.contains("right"), "{shown}");
    let (broker, _shards) = open(RedisConfig {
        login,
        ..config(&server)
    })
    .await;
    broker.health().await.unwrap();
}

#[tokio::test]
async fn a_user_without_a_right_is_told_which_one_is_missing() {
    let server = start(RedisOptions::default()).await;
    let rights = [
        "ACL",
        "SETUSER",
        "anna",
        "on",
        ">pass",
        "~*",
        "&allowed:*",
        "+@all",
        "-publish",
    ];
    server.command(&rights).await.unwrap();
    let (broker, _shards) = open(RedisConfig {
        login: Login {
            user: Some("anna".to_owned()),
            password: Some("pass".to_owned()),
        },
        ..config(&server)
    })
    .await;
    let error = broker.publish(vec![item("allowed:a", "x")]).await.pop();
    let error = error.unwrap().unwrap_err();
    assert!(!error.is_retryable());
    assert!(told(&error).contains("publish"), "{}", told(&error));
    let error = broker.subscribe(&[topic("other")]).await.unwrap_err();
    assert!(told(&error).contains("lacks a right"), "{}", told(&error));
    broker.subscribe(&[topic("allowed:a")]).await.unwrap();
    assert_eq!(
        broker.subscriber_count(&topic("allowed:a")).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn what_a_missing_right_stops_half_way_gives_its_key_back() {
    let server = start(RedisOptions::default()).await;
    let rights = |right| {
        [
            "ACL", "SETUSER", "anna", "on", ">pass", "~*", "&*", "+@all", right,
        ]
    };
    server.command(&rights("-publish")).await.unwrap();
    let login = Login {
        user: Some("anna".to_owned()),
        password: Some("pass".to_owned()),
    };
    let config = RedisConfig {
        login,
        ..config(&server)
    };
    let (broker, mut shard) = one_shard(config).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    let keyed = || item("a", "keyed").logged().once(OnceKey::new([1; 16]));
    let error = broker.publish(vec![keyed()]).await.pop().unwrap();
    let error = error.unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
    assert!(
        told(&error).contains("can't run this command"),
        "{}",
        told(&error)
    );
    server.command(&rights("+publish")).await.unwrap();
    let taken = broker.publish(vec![keyed(), keyed()]).await;
    let duplicates = taken.into_iter().map(|one| one.unwrap().duplicate);
    assert_eq!(duplicates.collect::<Vec<_>>(), [false, true]);
    publish_when_back(&broker, item("a", "behind")).await;
    assert_eq!(delivery(&mut shard).await.payload, "keyed");
    assert_eq!(delivery(&mut shard).await.payload, "behind");
}

#[tokio::test]
async fn tls_is_spoken_with_a_known_authority_and_refused_with_an_unknown_one() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let server = start(RedisOptions {
        certificate: Some(authority.issue(folder.path()).unwrap()),
        ..RedisOptions::default()
    })
    .await;
    let tls = |authority: &Authority| {
        let authorities = Some(authority.pem().to_owned());
        RedisConfig {
            tls: Some(Tls { authorities }),
            deployment: Deployment::Single(Address::new("localhost", server.port())),
            ..config(&server)
        }
    };
    let (broker, mut shard) = one_shard(tls(&authority)).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    publish_when_back(&broker, item("a", "secret")).await;
    assert_eq!(delivery(&mut shard).await.payload, "secret");

    let error = refusal(tls(&Authority::new().unwrap())).await;
    assert!(!error.is_retryable(), "{error:?}");
    let text = told(&error).to_lowercase();
    assert!(text.contains("certificate"), "{text}");
    let plain = refusal(RedisConfig {
        tls: None,
        connect_timeout: Duration::from_secs(2),
        ..tls(&authority)
    });
    assert!(plain.await.is_retryable());
}

#[tokio::test]
async fn no_server_at_all_is_told_with_its_address() {
    let server = start(RedisOptions::default()).await;
    let config = config(&server);
    let port = server.port().to_string();
    drop(server);
    let error = refusal(config).await;
    assert!(error.is_retryable());
    assert!(told(&error).contains(&port), "{}", told(&error));
}

#[tokio::test]
async fn a_sentinel_that_promotes_a_replica_is_followed() {
    let primary = start(RedisOptions::default()).await;
    let port = primary.port().to_string();
    let replica = start(with(&["--replicaof", "127.0.0.1", &port])).await;
    let watch = format!(
        "sentinel monitor kitchen 127.0.0.1 {port} 1\n\
         sentinel down-after-milliseconds kitchen 500\n\
         sentinel failover-timeout kitchen 3000\n"
    );
    let sentinel = start(RedisOptions {
        arguments: Vec::new(),
        certificate: None,
        sentinel: Some(watch),
    })
    .await;
    within(async {
        loop {
            let replicas = sentinel.command(&["SENTINEL", "REPLICAS", "kitchen"]).await;
            let linked = replicas.unwrap().contains("master-link-status\nok");
            if linked {
                return;
            }
        }
    })
    .await;
    let nobody = Address::new("127.0.0.1", 1);
    let (broker, mut shard) = one_shard(RedisConfig {
        deployment: Deployment::Sentinel {
            addresses: vec![nobody, Address::new("127.0.0.1", sentinel.port())],
            service: "kitchen".to_owned(),
        },
        ..quick(&primary)
    })
    .await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    primary.stop().await.unwrap();
    gap(&mut shard).await;
    publish_when_back(&broker, item("a", "after")).await;
    assert_eq!(delivery(&mut shard).await.payload, "after");
    let role = replica.command(&["ROLE"]).await.unwrap();
    assert!(role.starts_with("master"), "{role}");
}

#[tokio::test]
async fn ten_thousand_subscriptions_come_back_behind_one_gap() {
    const COUNT: usize = 10_000;
    let server = start(RedisOptions::default()).await;
    let (broker, mut shard) = one_shard(quick(&server)).await;
    let topics: Vec<_> = (0..COUNT)
        .map(|n| topic(&format!("tenant:mesa-{n}:admins")))
        .collect();
    broker.subscribe(&topics).await.unwrap();
    let killed = server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    assert_eq!(killed.unwrap(), "1");
    gap(&mut shard).await;
    let channels = server.command(&["PUBSUB", "CHANNELS"]).await.unwrap();
    assert_eq!(channels.lines().count(), COUNT);
}
