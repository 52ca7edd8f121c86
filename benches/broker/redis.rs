//! Redis, against the crate `redis` with a connection for commands and one for messages.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use mesahub_broker::{Broker, Topic};
use mesahub_redis::{Address, Deployment, RedisBroker, RedisConfig};
use mesahub_test_servers::{RedisOptions, RedisServer};
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{Client as RedisClient, Pipeline, Value};
use tokio::sync::Mutex;

use crate::client::{Client, Ours};
use crate::stage::{Stage, bounds};

/// A private Redis.
pub(crate) struct Redis(RedisServer);

struct Bare {
    commands: MultiplexedConnection,
    subscriptions: Mutex<PubSubSink>,
    messages: Mutex<PubSubStream>,
}

#[async_trait]
impl Stage for Redis {
    const NAME: &'static str = "redis";
    const FLOOR: &'static str = "the crate redis";

    async fn start() -> Self {
        let server = RedisServer::start(RedisOptions::default()).await;
        Self(server.expect("a Redis of its own"))
    }

    async fn ours(&self) -> Box<dyn Client> {
        let address = Address::new("127.0.0.1", self.0.port());
        let config = RedisConfig {
            log: bounds(),
            ..RedisConfig::new(Deployment::Single(address))
        };
        Ours::open(async |inbox| {
            let broker = RedisBroker::open(config, inbox).await;
            Arc::new(broker.expect("it is running")) as Arc<dyn Broker>
        })
        .await
    }

    async fn bare(&self) -> Box<dyn Client> {
        let client = RedisClient::open(format!("redis://127.0.0.1:{}", self.0.port()));
        let client = client.expect("the address is good");
        let messages = client.get_async_pubsub().await.expect("it is running");
        let (subscriptions, messages) = messages.split();
        let commands = client.get_multiplexed_async_connection().await;
        Box::new(Bare {
            commands: commands.expect("it is running"),
            subscriptions: Mutex::new(subscriptions),
            messages: Mutex::new(messages),
        })
    }
}

impl Bare {
    async fn run(&self, pipeline: &Pipeline) {
        let mut connection = self.commands.clone();
        let answers: Vec<Value> = pipeline
            .query_async(&mut connection)
            .await
            .expect("it is connected");
        drop(answers);
    }
}

#[async_trait]
impl Client for Bare {
    async fn publish(&self, topic: &Topic, payload: &Bytes, count: usize) {
        let mut pipeline = Pipeline::with_capacity(count);
        for _ in 0..count {
            pipeline
                .cmd("PUBLISH")
                .arg(topic.as_str())
                .arg(&payload[..]);
        }
        self.run(&pipeline).await;
    }

    async fn subscribe(&self, topics: &[Topic]) {
        let names: Vec<&str> = topics.iter().map(Topic::as_str).collect();
        let subscribed = self.subscriptions.lock().await.subscribe(&names).await;
        subscribed.expect("it is connected");
    }

    async fn unsubscribe(&self, topics: &[Topic]) {
        let names: Vec<&str> = topics.iter().map(Topic::as_str).collect();
        let unsubscribed = self.subscriptions.lock().await.unsubscribe(&names).await;
        unsubscribed.expect("it is connected");
    }

    async fn receive(&self, count: usize) {
        let mut messages = self.messages.lock().await;
        for _ in 0..count {
            messages.next().await.expect("it is connected");
        }
    }

    /// A stream cut to its length, and the same message published.
    async fn append(&self, topic: &Topic, payload: &Bytes, count: usize) {
        let mut pipeline = Pipeline::with_capacity(2 * count);
        for _ in 0..count {
            pipeline
                .cmd("XADD")
                .arg(format!("log:{topic}"))
                .arg("MAXLEN")
                .arg(bounds().max_count)
                .arg("*")
                .arg("m")
                .arg(&payload[..]);
            pipeline
                .cmd("PUBLISH")
                .arg(topic.as_str())
                .arg(&payload[..]);
        }
        self.run(&pipeline).await;
    }

    async fn read(&self, topic: &Topic, count: usize) -> usize {
        let mut command = redis::cmd("XRANGE");
        command.arg(format!("log:{topic}")).arg("-").arg("+");
        let mut connection = self.commands.clone();
        let entries: Vec<(String, Vec<(String, Vec<u8>)>)> = command
            .arg("COUNT")
            .arg(count)
            .query_async(&mut connection)
            .await
            .expect("it is connected");
        entries.len()
    }
}
