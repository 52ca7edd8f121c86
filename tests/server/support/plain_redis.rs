//! A plain connection pair to a Redis, as StackExchange.Redis has it: one publishes, one listens,
//! and every name begins with the channel prefix.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};

use super::line::Line;

/// Both connections.
pub(crate) struct PlainRedis {
    prefix: String,
    commands: MultiplexedConnection,
    subscriptions: PubSubSink,
    messages: PubSubStream,
}

impl PlainRedis {
    pub(crate) async fn connect(port: u16, prefix: &str) -> Self {
        let client = redis::Client::open(("127.0.0.1", port)).unwrap();
        let commands = client.get_multiplexed_async_connection().await.unwrap();
        let (subscriptions, messages) = client.get_async_pubsub().await.unwrap().split();
        Self {
            prefix: prefix.to_owned(),
            commands,
            subscriptions,
            messages,
        }
    }

    fn name(&self, channel: &str) -> String {
        format!("{}{channel}", self.prefix)
    }
}

#[async_trait]
impl Line for PlainRedis {
    async fn subscribe(&mut self, channel: &str) {
        let name = self.name(channel);
        self.subscriptions.subscribe(name).await.unwrap();
    }

    async fn publish(&mut self, channel: &str, payload: Bytes) {
        let name = self.name(channel);
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(name).arg(&payload[..]);
        let published: Result<u64, _> = publish.query_async(&mut self.commands).await;
        published.unwrap();
    }

    async fn subscribers(&mut self, channel: &str) -> u64 {
        let mut count = redis::cmd("PUBSUB");
        count.arg("NUMSUB").arg(self.name(channel));
        let (_, count): (String, u64) = count.query_async(&mut self.commands).await.unwrap();
        count
    }

    async fn next(&mut self) -> (String, Bytes) {
        let message = self.messages.next().await.expect("Redis is there");
        let channel = message.get_channel_name();
        let channel = channel.strip_prefix(&self.prefix).expect("the prefix");
        (
            channel.to_owned(),
            message.get_payload_bytes().to_vec().into(),
        )
    }
}
