//! Consuming from a queue: what has been taken is acknowledged, many at a time.

use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer};

use crate::error::LinkError;

/// A consumer with a channel of its own. RabbitMQ sends ahead no more than the prefetch, so a
/// reader that waits fills the queue at RabbitMQ and not this node's memory.
pub(crate) struct Intake {
    channel: Channel,
    consumer: Consumer,
    queue: ShortString,
    /// What may be unacknowledged before it is acknowledged although more is there.
    share: u16,
    unacknowledged: u16,
    last: u64,
}

impl Intake {
    pub(crate) async fn open(
        channel: Channel,
        queue: ShortString,
        prefetch: u16,
        arguments: FieldTable,
    ) -> Result<Self, LinkError> {
        channel
            .basic_qos(prefetch, BasicQosOptions::default())
            .await?;
        let (tag, options) = (ShortString::default(), BasicConsumeOptions::default());
        let consumer = channel
            .basic_consume(queue.clone(), tag, options, arguments)
            .await?;
        Ok(Self {
            channel,
            consumer,
            queue,
            share: (prefetch / 4).max(1),
            unacknowledged: 0,
            last: 0,
        })
    }

    /// The next message. Acknowledges what was [done](Self::done) before it waits.
    pub(crate) async fn next(&mut self) -> Result<Delivery, LinkError> {
        if self.unacknowledged >= self.share {
            self.acknowledge().await?;
        }
        if let Some(delivery) = self.ready() {
            return delivery;
        }
        self.acknowledge().await?;
        let next = self.consumer.next().await;
        self.received(next)
    }

    /// The next message, if it is here already.
    pub(crate) fn ready(&mut self) -> Option<Result<Delivery, LinkError>> {
        let next = self.consumer.next().now_or_never()?;
        Some(self.received(next))
    }

    /// A message has been dealt with, and all that came before it.
    pub(crate) fn done(&mut self, tag: u64) {
        self.last = tag;
        self.unacknowledged += 1;
    }

    async fn acknowledge(&mut self) -> Result<(), LinkError> {
        if self.unacknowledged > 0 {
            let all = BasicAckOptions { multiple: true };
            self.channel.basic_ack(self.last, all).await?;
            self.unacknowledged = 0;
        }
        Ok(())
    }

    fn received(&self, next: Option<lapin::Result<Delivery>>) -> Result<Delivery, LinkError> {
        match next {
            Some(delivery) => Ok(delivery?),
            None => Err(LinkError::Cancelled(self.queue.to_string())),
        }
    }
}
