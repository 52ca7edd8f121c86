//! Faults made for real: the server killed, frozen, cutting connections, full.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use mesahub_broker::{Broker, BrokerError, Gap, GapScope, Inbound, Inbox, OnceKey, Publication};
use mesahub_nats::{LogConfig, NatsBroker, NatsConfig};
use mesahub_test_servers::NatsOptions;
use support::{
    Nats, config, delivery, gap, item, one_shard, open, publish_when_back, quick, refusal, start,
    told, topic, with, within,
};

#[tokio::test]
async fn a_frozen_server_is_noticed_and_healed_behind_a_gap() {
    let server = start(NatsOptions::default()).await;
    let (broker, mut shard) = one_shard(quick(&server)).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    server.freeze().await.unwrap();
    for one in [item("a", "frozen"), item("a", "frozen").logged()] {
        let answer = within(broker.publish(vec![one])).await;
        assert!(answer[0].as_ref().unwrap_err().is_retryable());
    }
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
async fn a_user_whom_the_server_cuts_off_is_refused_and_comes_back_when_let_in() {
    let server = start(with("authorization { token: \"old\" }")).await;
    let (broker, mut shard) = one_shard(NatsConfig {
        login: mesahub_nats::Login::Token("old".to_owned()),
        ..quick(&server)
    })
    .await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    server.reconfigure("\"old\"", "\"new\"").await.unwrap();
    let refused = within(async {
        loop {
            match broker.health().await {
                Err(error) if !error.is_retryable() => return error,
                _ => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    assert!(
        told(&refused).contains("does not accept the login"),
        "{}",
        told(&refused)
    );
    server.reconfigure("\"new\"", "\"old\"").await.unwrap();
    gap(&mut shard).await;
    // The connection for publishing is another, and tells that it was refused until it tries again.
    within(async {
        while broker.health().await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    publish_when_back(&broker, item("a", "after")).await;
    assert_eq!(delivery(&mut shard).await.payload, "after");
}

#[tokio::test]
async fn a_reader_that_nats_cuts_off_for_being_slow_is_told_of_a_gap() {
    let server = start(with("max_pending: 2097152\nwrite_deadline: \"1s\"")).await;
    let (inbox, mut shards) = Inbox::new(1, 1);
    let broker = NatsBroker::open(quick(&server), inbox).await.unwrap();
    let mut shard = shards.pop().unwrap();
    broker.subscribe(&[topic("a")]).await.unwrap();
    // Nobody reads: the socket fills, then what NATS keeps for it, then NATS cuts it off. Then the
    // server does not know the subscription any more.
    let large = Publication::new(topic("a"), vec![b'.'; 1024 * 1024]);
    within(async {
        while broker.subscriber_count(&topic("a")).await.unwrap() > 0 {
            for answer in broker.publish(vec![large.clone()]).await {
                answer.unwrap();
            }
        }
    })
    .await;
    gap(&mut shard).await;
    publish_when_back(&broker, item("a", "after")).await;
    while delivery(&mut shard).await.payload != "after" {}
}

#[tokio::test]
async fn a_full_stream_drops_what_is_oldest_and_says_that_it_is_unknown() {
    let server = start(NatsOptions::default()).await;
    let mut config = config(&server);
    config.log = Some(LogConfig {
        storage: 1024 * 1024,
        ..LogConfig::default()
    });
    let (broker, _shards) = open(config).await;
    let kept = broker.publish(vec![item("a", "first").logged()]).await;
    let first = kept[0].as_ref().unwrap().position;
    for number in 0..40 {
        let filler = Publication::new(topic(&format!("filler {number}")), vec![b'.'; 60_000]);
        let answers = broker.publish(vec![filler.logged()]).await;
        assert!(answers[0].is_ok(), "{answers:?}");
    }
    let read = broker.read_log(&topic("a"), first, 9).await;
    assert!(
        matches!(read, Err(BrokerError::UnknownPosition { .. })),
        "{read:?}"
    );
    let newest = broker.read_log(&topic("a"), None, 9).await.unwrap();
    assert!(newest.entries.is_empty());
}

#[tokio::test]
async fn a_server_without_room_for_the_logs_says_so_at_the_start() {
    let server = start(NatsOptions {
        without_jet_stream: true,
        ..with("jetstream { max_file_store: 1048576, store_dir: \"store\" }")
    })
    .await;
    let error = refusal(config(&server)).await;
    assert!(error.is_retryable(), "{error:?}");
    assert!(
        told(&error).contains("insufficient storage"),
        "{}",
        told(&error)
    );
}

#[tokio::test]
async fn a_server_without_jetstream_says_what_to_do() {
    let server = start(NatsOptions {
        without_jet_stream: true,
        ..NatsOptions::default()
    })
    .await;
    let error = refusal(config(&server)).await;
    assert!(
        told(&error).contains("start nats-server with -js"),
        "{}",
        told(&error)
    );
}

#[tokio::test]
async fn a_server_that_takes_only_small_payloads_is_refused_with_the_key_to_change() {
    let server = start(with("max_payload: 65536")).await;
    let error = refusal(config(&server)).await;
    assert!(!error.is_retryable());
    let text = told(&error);
    assert!(
        text.contains("65536") && text.contains("max_payload"),
        "{text}"
    );
}

#[tokio::test]
async fn a_stream_that_was_removed_is_made_again_and_old_positions_are_unknown() {
    let nats = Nats::start(true).await;
    let (broker, mut shard) = one_shard(nats.config()).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    let kept = broker.publish(vec![item("a", "one").logged()]).await;
    let first = kept[0].as_ref().unwrap().position;
    assert_eq!(delivery(&mut shard).await.position, first);

    let url = format!("nats://127.0.0.1:{}", nats.server.port());
    let official = async_nats::connect(url).await.unwrap();
    let context = async_nats::jetstream::new(official);
    let name = format!("mesahub-log-{}", first.unwrap().parts().0);
    context.delete_stream(name).await.unwrap();

    publish_when_back(&broker, item("a", "two").logged()).await;
    let two = delivery(&mut shard).await;
    assert_eq!(two.payload, "two");
    assert!(two.position > first);
    let read = broker.read_log(&topic("a"), first, 9).await;
    assert!(
        matches!(read, Err(BrokerError::UnknownPosition { .. })),
        "{read:?}"
    );
    let read = broker.read_log(&topic("a"), None, 9).await.unwrap();
    assert_eq!(read.entries.len(), 1);
    assert_eq!(Some(read.newest), two.position);
}

#[tokio::test]
async fn a_repetition_that_is_lost_is_told_as_a_gap_of_its_topic() {
    let nats = Nats::start(true).await;
    let (broker, mut shard) = one_shard(nats.config()).await;
    broker.subscribe(&[topic("a"), topic("b")]).await.unwrap();
    broker.publish(vec![item("a", "one").logged()]).await;
    assert_eq!(delivery(&mut shard).await.payload, "one");
    // What is repeated elsewhere does not come here.
    let url = format!("nats://127.0.0.1:{}", nats.server.port());
    let official = async_nats::connect(url).await.unwrap();
    let headers = |number: u64, before: u64| {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Stream", "mesahub-log-1");
        headers.insert("Nats-Sequence", number.to_string().as_str());
        headers.insert("Nats-Last-Sequence", before.to_string().as_str());
        headers
    };
    for (number, before) in [(5, 0), (9, 7)] {
        official
            .publish_with_headers("mesahub.topic.b", headers(number, before), "x".into())
            .await
            .unwrap();
    }
    official.flush().await.unwrap();
    assert_eq!(delivery(&mut shard).await.topic, topic("b"));
    let topics = GapScope::Topics(vec![topic("b")]);
    assert_eq!(
        within(shard.recv()).await,
        Some(Inbound::Gap(Gap { topics }))
    );
    assert_eq!(delivery(&mut shard).await.topic, topic("b"));
}

#[tokio::test]
async fn the_official_client_and_ours_understand_each_other() {
    use futures_util::StreamExt;

    let nats = Nats::start(true).await;
    let (broker, mut shard) = one_shard(nats.config()).await;
    broker.subscribe(&[topic("é.b")]).await.unwrap();
    let url = format!("nats://127.0.0.1:{}", nats.server.port());
    let official = async_nats::connect(url).await.unwrap();
    let mut heard = official.subscribe("mesahub.topic.*").await.unwrap();
    official.flush().await.unwrap();
    let subject = "mesahub.topic.=C3=A9=2Eb";
    official.publish(subject, "theirs".into()).await.unwrap();
    assert_eq!(delivery(&mut shard).await.payload, "theirs");
    broker.publish(vec![item("é.b", "ours").logged()]).await;
    for expected in ["theirs", "ours"] {
        let message = within(heard.next()).await.unwrap();
        assert_eq!(message.subject.as_str(), subject);
        assert_eq!(message.payload, expected);
    }
}

#[tokio::test]
async fn the_largest_payload_is_kept_and_read_back() {
    let nats = Nats::start(true).await;
    let mut config = nats.config();
    config.log = Some(LogConfig::default());
    let (broker, mut shard) = one_shard(config).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    let payload: Vec<u8> = (0..mesahub_broker::MAX_PAYLOAD)
        .map(|n| (n ^ (n >> 8)) as u8)
        .collect();
    let one = Publication::new(topic("a"), payload.clone()).logged();
    let answer = broker.publish(vec![one]).await;
    let position = answer[0].as_ref().unwrap().position;
    let delivered = delivery(&mut shard).await;
    assert!(delivered.payload == payload && delivered.position == position);
    let read = broker.read_log(&topic("a"), None, 1).await.unwrap();
    assert!(read.entries[0].payload == payload);
}

#[tokio::test]
async fn the_largest_payload_is_never_refused_for_its_key() {
    let largest = || {
        let payload = vec![b'.'; mesahub_broker::MAX_PAYLOAD];
        let one = Publication::new(topic("a"), payload).logged();
        one.once(OnceKey::new([1; 16]))
    };
    for (max_payload, is_known) in [("1MB", false), ("1028KB", true)] {
        let server = start(with(&format!("max_payload: {max_payload}"))).await;
        let (broker, mut shard) = one_shard(config(&server)).await;
        broker.subscribe(&[topic("a")]).await.unwrap();
        for (round, expected) in [false, is_known].into_iter().enumerate() {
            let answers = broker.publish(vec![largest()]).await;
            let answer = answers[0].as_ref().unwrap();
            assert_eq!(answer.duplicate, expected, "{max_payload}, round {round}");
        }
        publish_when_back(&broker, item("a", "behind")).await;
        let copies = if is_known { 1 } else { 2 };
        for _ in 0..copies {
            let delivered = delivery(&mut shard).await;
            assert_eq!(delivered.payload.len(), mesahub_broker::MAX_PAYLOAD);
        }
        assert_eq!(delivery(&mut shard).await.payload, "behind");
    }
}

#[tokio::test]
async fn a_stream_that_is_there_knows_keys_for_as_long_as_is_configured() {
    let server = start(NatsOptions::default()).await;
    let url = format!("nats://127.0.0.1:{}", server.port());
    let official = async_nats::connect(url).await.unwrap();
    let context = async_nats::jetstream::new(official);
    for seconds in [600, 30] {
        let mut config = config(&server);
        let mut log = LogConfig::default();
        log.bounds.max_age = Duration::from_secs(seconds);
        config.log = Some(log);
        let (broker, _shards) = open(config).await;
        let kept = broker.publish(vec![item("a", "kept").logged()]).await;
        let epoch = kept[0].as_ref().unwrap().position.unwrap().parts().0;
        let stream = context.get_stream(format!("mesahub-log-{epoch}")).await;
        let stream = stream.unwrap().cached_info().config.clone();
        assert_eq!(stream.duplicate_window, Duration::from_secs(seconds));
        assert_eq!(stream.max_age, stream.duplicate_window);
    }
}

#[tokio::test]
async fn no_server_at_all_is_told_with_its_address() {
    let server = start(NatsOptions::default()).await;
    let config = NatsConfig {
        connect_timeout: Duration::from_secs(2),
        ..config(&server)
    };
    let port = server.port().to_string();
    drop(server);
    let error = refusal(config).await;
    assert!(error.is_retryable());
    assert!(told(&error).contains(&port), "{}", told(&error));
}
