//! Reads the stream: the logs of all topics, and what goes with them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use lapin::Connection;
use lapin::message::Delivery;
use lapin::types::AMQPValue;
use mesahub_broker::{Inbox, Position, Topic};
use tokio::time::sleep;

use crate::declare::table;
use crate::error::LinkError;
use crate::framing::{Frame, decode};
use crate::incoming::Incoming;
use crate::intake::Intake;
use crate::logs::now;
use crate::member::Member;

/// Messages that RabbitMQ sends ahead. Streams come in chunks, and history is read once.
const PREFETCH: u16 = 2_000;

/// How much further back than the age of logs is read, for clocks that differ and chunks that
/// begin earlier.
const MARGIN: Duration = Duration::from_secs(60);

/// How long after a failed drain it is tried again.
const RETRY: Duration = Duration::from_millis(100);

const OFFSET: &str = "x-stream-offset";

/// Consumes from where reading has ended, or else from as long ago as logs reach back.
pub(crate) async fn intake(
    member: &Member,
    connection: &Connection,
    resumed: Option<u64>,
) -> Result<Intake, LinkError> {
    let from = match resumed {
        Some(offset) => AMQPValue::LongLongInt(i64::try_from(offset + 1).unwrap_or(i64::MAX)),
        None => {
            let back = member.config.log.max_age.saturating_add(MARGIN);
            AMQPValue::Timestamp((now() / 1_000).saturating_sub(back.as_secs()))
        }
    };
    let channel = connection.create_channel().await?;
    let name = member.names.log.clone();
    Intake::open(channel, name, PREFETCH, table([(OFFSET, from)])).await
}

/// Reads until the connection is lost.
pub(crate) async fn read(
    member: &Member,
    inbox: &Inbox,
    incoming: &Incoming,
    intake: Intake,
    resumed: Option<u64>,
) -> Result<Infallible, LinkError> {
    let mut reader = Reader {
        member,
        inbox,
        incoming,
        intake,
        ahead: VecDeque::new(),
        drained: 0,
        resumed,
    };
    loop {
        let delivery = match reader.ahead.pop_front() {
            Some(delivery) => delivery,
            None => reader.intake.next().await?,
        };
        member.moved();
        let tag = delivery.delivery_tag;
        reader.take(delivery).await?;
        reader.intake.done(tag);
    }
}

struct Reader<'a> {
    member: &'a Member,
    inbox: &'a Inbox,
    incoming: &'a Incoming,
    intake: Intake,
    /// What has come while a drain was waited for.
    ahead: VecDeque<Delivery>,
    /// Up to this place in the stream, all that went before by the exchange has been read.
    drained: u64,
    /// Where reading goes on, until it has.
    resumed: Option<u64>,
}

impl Reader<'_> {
    async fn take(&mut self, delivery: Delivery) -> Result<(), LinkError> {
        let Some(offset) = offset(&delivery) else {
            return Err(self.unreadable());
        };
        let body = Bytes::from(delivery.data);
        let resumed = self.resumed.take();
        let member = self.member;
        let position = {
            let mut logs = member.logs.lock();
            logs.advance(offset, resumed);
            logs.position(offset)
        };
        match decode(&body) {
            Some(Frame::Mark { node, number }) => self.echo(node, number, position),
            Some(Frame::Item {
                origin,
                topic,
                payload,
            }) => {
                if origin.switched && offset >= self.drained {
                    self.drain(offset).await?;
                }
                let held = member.table.hold(topic).await;
                if origin.kept {
                    let topic = match &held {
                        Some(held) => held.topic.clone(),
                        None => Topic::new(topic).map_err(|_| self.unreadable())?,
                    };
                    member.logs.lock().keep(&topic, payload.clone(), origin.at);
                    self.echo(origin.node, origin.number, position);
                }
                if let Some(held) = held {
                    let position = origin.kept.then_some(position);
                    member.deliver(self.inbox, held, payload, position).await;
                }
            }
            _ => tracing::warn!("dropped what another software has published"),
        }
        Ok(())
    }

    fn echo(&self, node: u64, number: u64, position: Position) {
        if node == self.member.id {
            self.member.echoes.resolve(number, position);
        }
    }

    /// Lets this node's queue catch up with what has come by the stream so far.
    async fn drain(&mut self, offset: u64) -> Result<(), LinkError> {
        self.drained = offset + 1;
        while let Some(delivery) = self.intake.ready() {
            let delivery = delivery?;
            self.drained = self::offset(&delivery).map_or(self.drained, |offset| offset + 1);
            self.ahead.push_back(delivery);
        }
        while let Err(error) = self.member.drain(&self.incoming.queue).await {
            tracing::debug!(%error, "the queue could not be drained yet");
            sleep(RETRY).await;
        }
        Ok(())
    }

    fn unreadable(&self) -> LinkError {
        LinkError::Unreadable(self.member.names.log.to_string())
    }
}

fn offset(delivery: &Delivery) -> Option<u64> {
    let headers = delivery.properties.headers().as_ref()?;
    match headers.inner().get(OFFSET)? {
        AMQPValue::LongLongInt(offset) => u64::try_from(*offset).ok(),
        _ => None,
    }
}
