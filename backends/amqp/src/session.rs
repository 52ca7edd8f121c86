//! One connection on which messages come, while it lasts.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use lapin::options::QueueBindOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer};
use mesahub_broker::{Inbox, Topic};
use tokio::time::{Instant, interval_at, timeout};

use crate::config::AmqpConfig;
use crate::dial::{Dialled, dial};
use crate::error::LinkError;
use crate::incoming::Incoming;
use crate::intake::Intake;
use crate::member::Member;
use crate::names::key;
use crate::{control, declare, epoch, queue, stream as log_stream};

/// Bindings that are on their way at once.
const BINDINGS: usize = 256;

/// How often is looked whether the connection still stands, beside its events.
const LOOK: Duration = Duration::from_secs(1);

/// The connection, with everything declared and bound.
pub(crate) struct Session {
    dialled: Dialled,
    prepared: Prepared,
    has_served: AtomicBool,
}

/// What is there before anything is read.
struct Prepared {
    incoming: Incoming,
    /// By which this node is counted.
    _counted: Consumer,
    /// Where the stream is read on, if it was read before.
    resumed: Option<u64>,
}

impl Session {
    /// Connects, declares everything, and binds what the table holds.
    pub(crate) async fn open(member: &Member, number: u64) -> Result<Self, LinkError> {
        let dialled = dial(&member.config, "consumer").await?;
        match prepare(member, &dialled, number).await {
            Ok(prepared) => Ok(Self {
                dialled,
                prepared,
                has_served: AtomicBool::new(false),
            }),
            Err(error) => {
                dialled.abort();
                Err(error)
            }
        }
    }

    pub(crate) fn incoming(&self) -> Incoming {
        self.prepared.incoming.clone()
    }

    /// Whether it has lasted for a while.
    pub(crate) fn has_served(&self) -> bool {
        self.has_served.load(Ordering::Relaxed)
    }

    /// Serves until the connection is lost.
    pub(crate) async fn serve(&self, member: &Member, inbox: &Inbox) -> LinkError {
        let served = async {
            let control = self
                .intake(self.prepared.incoming.control.clone(), 100)
                .await?;
            let stream =
                log_stream::intake(member, &self.dialled.connection, self.prepared.resumed).await?;
            tokio::try_join!(
                queue::read(member, inbox, self.queue(member), self.is_restored()),
                log_stream::read(
                    member,
                    inbox,
                    &self.prepared.incoming,
                    stream,
                    self.prepared.resumed
                ),
                control::read(member, control),
                self.watch_over(),
            )
        };
        match served.await {
            Err(error) => error,
            Ok((never, ..)) => match never {},
        }
    }

    async fn queue(&self, member: &Member) -> Result<Intake, LinkError> {
        self.intake(self.prepared.incoming.queue.clone(), member.config.prefetch)
            .await
    }

    async fn intake(&self, queue: ShortString, prefetch: u16) -> Result<Intake, LinkError> {
        let channel = self.dialled.connection.create_channel().await?;
        Intake::open(channel, queue, prefetch, FieldTable::default()).await
    }

    /// Whether there was another one before.
    fn is_restored(&self) -> bool {
        self.prepared.incoming.session > 0
    }

    /// Waits until the connection or the channel for calls is of no use any more.
    async fn watch_over(&self) -> Result<Infallible, LinkError> {
        let connection = &self.dialled.connection;
        let mut events = pin!(connection.events_listener());
        let mut looks = interval_at(Instant::now() + LOOK, LOOK);
        loop {
            tokio::select! {
                event = events.next() => if let Some(lapin::Event::Error(error)) = event {
                    return Err(error.into());
                },
                _ = looks.tick() => self.has_served.store(true, Ordering::Relaxed),
            }
            let stands = connection.status().connected() && stands(&self.prepared.incoming.channel);
            if !stands {
                return Err(LinkError::Closed(self.dialled.at.clone()));
            }
        }
    }

    pub(crate) fn abort(&self) {
        self.dialled.abort();
    }

    pub(crate) async fn close(self) {
        self.dialled.close(Duration::from_secs(1)).await;
    }
}

async fn prepare(member: &Member, dialled: &Dialled, session: u64) -> Result<Prepared, LinkError> {
    let patience = member.config.response_timeout;
    let declaring = async {
        let channel = dialled.connection.create_channel().await?;
        let queues = declare::all(&channel, member, session).await?;
        let epoch = epoch::read(&dialled.connection, &member.names, patience).await?;
        Ok::<_, LinkError>((channel, queues, epoch))
    };
    // One answer after the other, each of which may take its time.
    let Ok(declared) = timeout(patience * 2, declaring).await else {
        return Err(LinkError::Silent(dialled.at.clone(), patience * 2));
    };
    let (channel, (queue, control), epoch) = declared?;
    let incoming = Incoming {
        channel,
        queue,
        control,
        session,
    };
    let topics = member.table.begin(session);
    bind(member, &incoming, &topics).await?;
    let counted = declare::be_counted(&incoming.channel, &member.names).await?;
    Ok(Prepared {
        incoming,
        _counted: counted,
        resumed: member.logs.lock().resume(epoch),
    })
}

/// Binds topics to this node's queue, many at a time. Returns when RabbitMQ has done it.
pub(crate) async fn bind(
    member: &Member,
    incoming: &Incoming,
    topics: &[Topic],
) -> Result<(), LinkError> {
    let exchange = &member.names.exchange;
    let keys: Vec<_> = topics.iter().map(key).collect();
    let binding = stream::iter(keys).map(|key| {
        let (queue, exchange) = (incoming.queue.clone(), exchange.clone());
        let options = QueueBindOptions::default();
        let bind =
            incoming
                .channel
                .queue_bind(queue, exchange, key, options, FieldTable::default());
        answered(&member.config, bind)
    });
    binding
        .buffered(BINDINGS)
        .try_for_each(|()| async { Ok(()) })
        .await
}

/// Takes bindings back, many at a time.
pub(crate) async fn unbind(
    member: &Member,
    incoming: &Incoming,
    topics: &[Topic],
) -> Result<(), LinkError> {
    let exchange = &member.names.exchange;
    let keys: Vec<_> = topics.iter().map(key).collect();
    let unbinding = stream::iter(keys).map(|key| {
        let (queue, exchange) = (incoming.queue.clone(), exchange.clone());
        let unbind = incoming
            .channel
            .queue_unbind(queue, exchange, key, FieldTable::default());
        answered(&member.config, unbind)
    });
    unbinding
        .buffered(BINDINGS)
        .try_for_each(|()| async { Ok(()) })
        .await
}

async fn answered<F>(config: &AmqpConfig, asking: F) -> Result<(), LinkError>
where
    F: Future<Output = lapin::Result<()>>,
{
    let patience = config.response_timeout;
    match timeout(patience, asking).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(LinkError::Silent("RabbitMQ".to_owned(), patience)),
    }
}

fn stands(channel: &Channel) -> bool {
    channel.status().connected()
}
