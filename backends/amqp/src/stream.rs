//! Reads the stream: the logs of all topics, and what goes with them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use lapin::Connection;
use lapin::message::Delivery;
use lapin::types::AMQPValue;
use mesahub_broker::{Inbox, OnceKey, Published, Topic};
use parking_lot::MutexGuard;
use tokio::time::sleep;

use crate::declare::table;
use crate::error::LinkError;
use crate::framing::{self, Frame, ONCE, decode};
use crate::incoming::Incoming;
use crate::intake::Intake;
use crate::logs::{Logs, now};
use crate::member::Member;

/// Messages that RabbitMQ sends ahead. Streams come in chunks, and history is read once.
const PREFETCH: u16 = 2_000;

/// How much further back is read, for clocks that differ and chunks that begin earlier.
const MARGIN: Duration = Duration::from_secs(60);

/// How long after a failed drain it is tried again.
const RETRY: Duration = Duration::from_millis(100);

const OFFSET: &str = "x-stream-offset";

/// Consumes from where reading has ended, or else from twice as long ago as logs reach back: whether
/// the oldest that they hold came again, what is an age older still tells.
pub(crate) async fn intake(
    member: &Member,
    connection: &Connection,
    resumed: Option<u64>,
) -> Result<Intake, LinkError> {
    let from = match resumed {
        Some(offset) => AMQPValue::LongLongInt(i64::try_from(offset + 1).unwrap_or(i64::MAX)),
        None => {
            let age = member.config.log.max_age;
            let back = age.saturating_mul(2).saturating_add(MARGIN);
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

impl<'a> Reader<'a> {
    async fn take(&mut self, delivery: Delivery) -> Result<(), LinkError> {
        let Some(offset) = offset(&delivery) else {
            return Err(self.unreadable());
        };
        let once = once(&delivery);
        let body = Bytes::from(delivery.data);
        let member = self.member;
        match decode(&body) {
            Some(Frame::Mark { node, number }) => {
                let position = Some(self.advance(offset).position(offset));
                let duplicate = false;
                let place = Published {
                    position,
                    duplicate,
                };
                self.echo(node, number, place);
            }
            Some(Frame::Item {
                origin,
                topic,
                payload,
            }) => {
                if origin.switched && offset >= self.drained {
                    self.drain(offset).await?;
                }
                let held = member.table.hold(topic).await;
                // Only now does it count as read, with nothing to wait for until it is kept: where
                // the connection is lost before, it is read again.
                let mut position = None;
                if origin.kept {
                    let topic = match &held {
                        Some(held) => Ok(held.topic.clone()),
                        None => Topic::new(topic),
                    };
                    let mut logs = self.advance(offset);
                    let topic = topic.map_err(|_| self.unreadable())?;
                    let place = logs.take(&topic, payload.clone(), origin.at, once);
                    drop(logs);
                    self.echo(origin.node, origin.number, place);
                    if place.duplicate {
                        return Ok(());
                    }
                    position = place.position;
                } else {
                    drop(self.advance(offset));
                }
                if let Some(held) = held {
                    member.deliver(self.inbox, held, payload, position).await;
                }
            }
            _ => {
                drop(self.advance(offset));
                tracing::warn!("dropped what another software has published");
            }
        }
        Ok(())
    }

    /// The message at this offset counts as read.
    fn advance(&mut self, offset: u64) -> MutexGuard<'a, Logs> {
        let resumed = self.resumed.take();
        let mut logs = self.member.logs.lock();
        logs.advance(offset, resumed);
        logs
    }

    fn echo(&self, node: u64, number: u64, place: Published) {
        if node == self.member.id {
            self.member.echoes.resolve(number, place);
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

/// The key that a publication came with.
fn once(delivery: &Delivery) -> Option<OnceKey> {
    let headers = delivery.properties.headers().as_ref()?;
    match headers.inner().get(ONCE)? {
        AMQPValue::LongString(text) => framing::once(text.as_bytes()),
        _ => None,
    }
}

fn offset(delivery: &Delivery) -> Option<u64> {
    let headers = delivery.properties.headers().as_ref()?;
    match headers.inner().get(OFFSET)? {
        AMQPValue::LongLongInt(offset) => u64::try_from(*offset).ok(),
        _ => None,
    }
}
