//! Ways to drive a broker and to watch what it delivers.

use std::time::Duration;

use mesahub_amqp::{AmqpBroker, AmqpConfig};
use mesahub_broker::{
    Broker, BrokerError, Delivery, Inbound, Inbox, InboxShard, Publication, Topic,
};
use mesahub_test_servers::RabbitServer;
use tokio::time::timeout;

use super::config;

const PATIENCE: Duration = Duration::from_secs(60);

pub async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it comes in time")
}

pub fn topic(name: &str) -> Topic {
    Topic::new(name.to_owned()).unwrap()
}

pub fn item(name: &str, text: &str) -> Publication {
    Publication::new(topic(name), text.to_owned())
}

/// Quick to notice, on a backplane of its own.
pub fn quick(server: &RabbitServer, prefix: &str) -> AmqpConfig {
    AmqpConfig {
        prefix: prefix.to_owned(),
        heartbeat: 1,
        response_timeout: Duration::from_secs(3),
        ..config(server)
    }
}

pub async fn one_shard(config: AmqpConfig) -> (AmqpBroker, InboxShard) {
    let (inbox, mut shards) = Inbox::new(1, 64);
    let broker = AmqpBroker::open(config, inbox).await.unwrap();
    (broker, shards.pop().unwrap())
}

/// Publishes until it is taken.
pub async fn publish_when_back(broker: &AmqpBroker, one: Publication) {
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
pub async fn gap(shard: &mut InboxShard) {
    within(async { while !matches!(shard.recv().await, Some(Inbound::Gap(_))) {} }).await;
}

pub async fn delivery(shard: &mut InboxShard) -> Delivery {
    match within(shard.recv()).await {
        Some(Inbound::Delivery(delivery)) => delivery,
        other => panic!("expected a delivery, not {other:?}"),
    }
}

/// An error with its causes.
pub fn told(error: &BrokerError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

pub async fn refusal(config: AmqpConfig) -> BrokerError {
    let (inbox, _shards) = Inbox::new(1, 1);
    within(AmqpBroker::open(config, inbox)).await.unwrap_err()
}
