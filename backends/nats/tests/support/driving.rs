//! Short ways to drive a broker and to wait for what it does.

use std::time::Duration;

use mesahub_broker::{
    Broker, BrokerError, Delivery, Inbound, Inbox, InboxShard, Publication, Topic,
};
use mesahub_nats::{NatsBroker, NatsConfig};
use mesahub_test_servers::{NatsOptions, NatsServer};
use tokio::time::timeout;

use super::config;

const PATIENCE: Duration = Duration::from_secs(60);

pub async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it comes in time")
}

pub fn topic(name: &str) -> Topic {
    Topic::new(name).unwrap()
}

pub fn item(name: &str, text: &'static str) -> Publication {
    Publication::new(topic(name), text.as_bytes())
}

pub async fn start(options: NatsOptions) -> NatsServer {
    NatsServer::start(options).await.unwrap()
}

pub fn with(configuration: &str) -> NatsOptions {
    NatsOptions {
        configuration: configuration.to_owned(),
        ..NatsOptions::default()
    }
}

/// Patient with a busy machine, and quick to notice.
pub fn quick(server: &NatsServer) -> NatsConfig {
    NatsConfig {
        response_timeout: Duration::from_secs(2),
        ..config(server)
    }
}

pub async fn one_shard(config: NatsConfig) -> (NatsBroker, InboxShard) {
    let (inbox, mut shards) = Inbox::new(1, 64);
    let broker = NatsBroker::open(config, inbox).await.unwrap();
    (broker, shards.pop().unwrap())
}

/// Publishes until it is taken.
pub async fn publish_when_back(broker: &NatsBroker, one: Publication) {
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

pub async fn refusal(config: NatsConfig) -> BrokerError {
    let (inbox, _shards) = Inbox::new(1, 1);
    NatsBroker::open(config, inbox).await.unwrap_err()
}
