//! Faults made for real: the server frozen, cutting connections, full, emptied.

#![allow(clippy::unwrap_used)]

mod support;

use mesahub_amqp::{Address, AmqpBroker, AmqpConfig};
use mesahub_broker::{Broker, BrokerError, Inbound, Inbox, LogBounds, Publication};
use support::{
    delivery, gap, item, one_shard, publish_when_back, quick, server, told, topic, within,
};

#[tokio::test]
async fn a_frozen_server_is_noticed_and_healed_behind_a_gap() {
    let server = server().await;
    let (broker, mut shard) = one_shard(quick(&server, "frozen")).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    server.freeze().await.unwrap();
    // A process stops a moment after its signal, and may answer until then.
    let refused = within(async {
        loop {
            let answer = broker.publish(vec![item("a", "frozen")]).await.pop();
            if let Err(error) = answer.unwrap() {
                return error;
            }
        }
    })
    .await;
    let health = within(broker.health()).await;
    // Long enough for the heartbeat to be missed.
    let noticed = within(async {
        loop {
            match broker.subscribe(&[topic("b")]).await {
                Err(BrokerError::Timeout { .. }) => {}
                Err(error) => return error,
                Ok(()) => panic!("a frozen server has bound a topic"),
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.thaw().await.unwrap();
    assert!(refused.is_retryable(), "{refused:?}");
    assert!(health.unwrap_err().is_retryable());
    assert!(noticed.is_retryable(), "{noticed:?}");
    gap(&mut shard).await;
    // What was on its way when it froze may have been carried out.
    publish_when_back(&broker, item("a", "after")).await;
    while delivery(&mut shard).await.payload != "after" {}
}

#[tokio::test]
async fn connections_that_the_server_closes_are_made_again() {
    let server = server().await;
    let (broker, mut shard) = one_shard(quick(&server, "closed")).await;
    broker.subscribe(&[topic("a"), topic("b")]).await.unwrap();
    let closed = server.control(&["close_all_connections", "upgrade"]).await;
    closed.unwrap();
    gap(&mut shard).await;
    for name in ["a", "b"] {
        publish_when_back(&broker, item(name, name)).await;
        assert_eq!(delivery(&mut shard).await.payload, name);
    }
    assert_eq!(broker.subscriber_count(&topic("a")).await.unwrap(), 1);
}

#[tokio::test]
async fn while_rabbitmq_is_short_of_memory_publishing_fails_fast() {
    let server = server().await;
    let (broker, mut shard) = one_shard(quick(&server, "memory")).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    let watermark = "set_vm_memory_high_watermark";
    let set = server.control(&[watermark, "absolute", "1"]).await;
    set.unwrap();
    // RabbitMQ says so to whoever publishes next.
    let full = within(async {
        loop {
            let answer = broker.publish(vec![item("a", "full")]).await.pop().unwrap();
            match answer {
                Err(error @ BrokerError::Unavailable { .. }) => return error,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
                Ok(_) => {}
            }
        }
    })
    .await;
    let health = broker.health().await;
    let set = server.control(&[watermark, "0.4"]).await;
    set.unwrap();
    assert!(told(&full).contains("memory"), "{}", told(&full));
    assert!(health.unwrap_err().is_retryable());
    publish_when_back(&broker, item("a", "after")).await;
    while delivery(&mut shard).await.payload != "after" {}
}

#[tokio::test]
async fn a_node_that_does_not_keep_up_is_told_of_a_gap() {
    let server = server().await;
    let (inbox, mut shards) = Inbox::new(1, 1);
    let slow = AmqpConfig {
        queue_bytes: 100_000,
        prefetch: 2,
        ..quick(&server, "slow")
    };
    let broker = AmqpBroker::open(slow.clone(), inbox).await.unwrap();
    let mut shard = shards.pop().unwrap();
    broker.subscribe(&[topic("a")]).await.unwrap();
    let (publisher, mut quick) = one_shard(slow).await;
    publisher.subscribe(&[topic("a")]).await.unwrap();
    // Nobody reads: the prefetch fills, then the queue, then RabbitMQ drops the oldest.
    let large = Publication::new(topic("a"), vec![b'.'; 30_000]);
    for _ in 0..20 {
        publish_when_back(&publisher, large.clone()).await;
        delivery(&mut quick).await;
    }
    gap(&mut shard).await;
    publish_when_back(&publisher, item("a", "after")).await;
    while delivery(&mut shard).await.payload != "after" {}
    assert_eq!(
        delivery(&mut quick).await.payload,
        "after",
        "it is not slow"
    );
}

#[tokio::test]
async fn positions_from_before_rabbitmq_lost_its_disk_are_unknown() {
    let server = server().await;
    let old = AmqpConfig {
        log: LogBounds::default(),
        ..quick(&server, "emptied")
    };
    let (broker, mut shard) = one_shard(old).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    let logged = || vec![item("a", "x").logged()];
    let published = broker.publish(logged()).await.pop().unwrap();
    let before = published.unwrap().position;
    for words in ["stop_app", "reset", "start_app"] {
        server.control(&[words]).await.unwrap();
    }
    gap(&mut shard).await;
    for _ in 0..9 {
        publish_when_back(&broker, item("a", "x").logged()).await;
    }
    let read = broker.read_log(&topic("a"), before, 9).await;
    assert!(
        matches!(read, Err(BrokerError::UnknownPosition { .. })),
        "{read:?}"
    );
    let all = broker.read_log(&topic("a"), None, 99).await.unwrap();
    assert!(all.entries.len() >= 9);
    assert!(all.entries[0].position > before.unwrap());
}

#[tokio::test]
async fn what_was_logged_before_a_node_came_is_there_for_it() {
    let server = server().await;
    let patient = AmqpConfig {
        log: LogBounds::default(),
        ..quick(&server, "history")
    };
    let (first, _shard) = one_shard(patient.clone()).await;
    let batch = (0..300).map(|n| item("a", &n.to_string()).logged());
    let published = first.publish(batch.collect()).await;
    let middle = published[149].as_ref().unwrap().position;
    first.close().await;
    let (second, _shard) = one_shard(patient).await;
    let page = second.read_log(&topic("a"), middle, 1_000).await.unwrap();
    assert_eq!(page.entries.len(), 150);
    assert_eq!(page.entries[0].payload, "150");
}

#[tokio::test]
async fn a_topic_keeps_its_order_when_it_begins_to_be_logged() {
    let server = server().await;
    let (publisher, _shard) = one_shard(quick(&server, "switch")).await;
    let (listener, mut shard) = one_shard(quick(&server, "switch")).await;
    for round in 0..20 {
        let name = format!("topic {round}");
        listener.subscribe(&[topic(&name)]).await.unwrap();
        let live = (0..20).map(|n| item(&name, &n.to_string()));
        let publishing = async {
            for answer in publisher.publish(live.collect()).await {
                answer.unwrap();
            }
            for (n, is_logged) in [(20, true), (21, false), (22, true)] {
                let one = item(&name, &n.to_string());
                let one = if is_logged { one.logged() } else { one };
                publisher.publish(vec![one]).await.pop().unwrap().unwrap();
            }
        };
        let reading = async {
            for n in 0..23 {
                assert_eq!(delivery(&mut shard).await.payload, n.to_string());
            }
        };
        tokio::join!(publishing, reading);
    }
}

#[tokio::test]
async fn closing_leaves_only_what_all_nodes_share() {
    let server = server().await;
    let (broker, _shard) = one_shard(quick(&server, "left")).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    let queues = async || {
        let listed = server.control(&["list_queues", "name", "--silent"]).await;
        let listed = listed.unwrap();
        let ours = listed.lines().filter(|name| name.starts_with("left."));
        ours.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(queues().await.len(), 5);
    broker.close().await;
    let mut left = queues().await;
    left.sort();
    assert_eq!(left, ["left.log", "left.log-epoch", "left.nodes"]);
}

#[tokio::test]
async fn any_server_of_a_cluster_will_do() {
    let server = server().await;
    let nobody = Address::new("127.0.0.1", 1);
    let addresses = [
        nobody.clone(),
        Address::new("127.0.0.1", server.port()),
        nobody,
    ];
    let (broker, mut shard) = one_shard(AmqpConfig {
        addresses: addresses.into(),
        ..quick(&server, "several")
    })
    .await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    publish_when_back(&broker, item("a", "x")).await;
    assert_eq!(delivery(&mut shard).await.payload, "x");
}

#[tokio::test]
async fn a_node_that_is_dropped_without_closing_is_no_longer_counted() {
    let server = server().await;
    let (stays, _shard) = one_shard(quick(&server, "dropped")).await;
    let (goes, mut shard) = one_shard(quick(&server, "dropped")).await;
    goes.subscribe(&[topic("a")]).await.unwrap();
    assert_eq!(stays.subscriber_count(&topic("a")).await.unwrap(), 1);
    drop(goes);
    let ended = within(async {
        loop {
            match shard.recv().await {
                None => return true,
                Some(Inbound::Gap(_)) => return false,
                Some(Inbound::Delivery(_)) => {}
            }
        }
    });
    assert!(ended.await, "its inbox ends");
    within(async {
        while stays.subscriber_count(&topic("a")).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
