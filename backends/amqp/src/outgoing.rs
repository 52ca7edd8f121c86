//! The connection on which messages go out, kept by a task.
//!
//! It is apart from the one on which they come: RabbitMQ stops reading from whoever publishes
//! while it is short of memory or disk, and acknowledgements must not wait for that.

use std::sync::Arc;

use futures_util::StreamExt;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, ShortString};
use lapin::{BasicProperties, Channel, PublisherConfirm};
use mesahub_broker::{BrokerError, OnceKey};
use tokio::sync::{Notify, watch};
use tokio::time::{Duration, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::config::AmqpConfig;
use crate::declare::table;
use crate::dial::{Dialled, dial};
use crate::error::{LinkError, of_call};
use crate::framing::{Frame, ONCE};

/// How often is looked whether the connection still stands, beside its events.
const LOOK: Duration = Duration::from_secs(1);

/// What messages are sent with.
#[derive(Clone)]
pub(crate) struct Outgoing {
    /// On which RabbitMQ confirms what it has taken.
    confirming: Channel,
    /// For what answers itself.
    plain: Channel,
    blocked: watch::Receiver<bool>,
    failed: Arc<Notify>,
    patience: Duration,
}

/// The state of the connection.
pub(crate) type State = Result<Outgoing, BrokerError>;

/// The connection below, for the task that keeps it.
pub(crate) struct Kept {
    dialled: Dialled,
    blocked: watch::Sender<bool>,
    outgoing: Outgoing,
}

/// Connects.
pub(crate) async fn open(config: &AmqpConfig) -> Result<Kept, LinkError> {
    let dialled = dial(config, "publisher").await?;
    let opening = async {
        let confirming = dialled.connection.create_channel().await?;
        let select = ConfirmSelectOptions::default();
        confirming.confirm_select(select).await?;
        let plain = dialled.connection.create_channel().await?;
        Ok::<_, lapin::Error>((confirming, plain))
    };
    let patience = config.response_timeout;
    let Ok(opened) = timeout(patience, opening).await else {
        dialled.abort();
        return Err(LinkError::Silent(dialled.at, patience));
    };
    let (confirming, plain) = opened?;
    let (blocked, is_blocked) = watch::channel(false);
    let outgoing = Outgoing {
        confirming,
        plain,
        blocked: is_blocked,
        failed: Arc::new(Notify::new()),
        patience,
    };
    Ok(Kept {
        dialled,
        blocked,
        outgoing,
    })
}

/// Keeps the state true until told to stop, with this connection first.
pub(crate) async fn keep(
    config: Arc<AmqpConfig>,
    state: watch::Sender<State>,
    first: Kept,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(&config);
    let mut connected = Some(first);
    loop {
        let lost = match connected.take() {
            Some(kept) => {
                backoff.reset();
                let _ = state.send_replace(Ok(kept.outgoing.clone()));
                let Some(lost) = stop.run_until_cancelled(kept.watch_over()).await else {
                    let _ = state.send_replace(Err(BrokerError::Closed));
                    kept.dialled.close(Duration::from_secs(1)).await;
                    return;
                };
                kept.dialled.abort();
                lost
            }
            None => match stop.run_until_cancelled(open(&config)).await {
                Some(Ok(kept)) => {
                    connected = Some(kept);
                    continue;
                }
                Some(Err(error)) => error,
                None => break,
            },
        };
        let pause = backoff.next();
        tracing::warn!(
            error = &lost as &dyn std::error::Error,
            ?pause,
            "lost RabbitMQ for publishing"
        );
        let _ = state.send_replace(Err(lost.into_broker()));
        let pausing = tokio::time::sleep(pause);
        if stop.run_until_cancelled(pausing).await.is_none() {
            break;
        }
    }
    let _ = state.send_replace(Err(BrokerError::Closed));
}

impl Kept {
    pub(crate) fn outgoing(&self) -> Outgoing {
        self.outgoing.clone()
    }

    /// Waits until the connection or one of its channels is of no use any more.
    async fn watch_over(&self) -> LinkError {
        let connection = &self.dialled.connection;
        let mut events = Box::pin(connection.events_listener());
        let mut looks = interval(LOOK);
        let channels = [&self.outgoing.confirming, &self.outgoing.plain];
        loop {
            tokio::select! {
                event = events.next() => if let Some(lapin::Event::Error(error)) = event {
                    return error.into();
                },
                () = self.outgoing.failed.notified() => {}
                _ = looks.tick() => {}
            }
            let is_blocked = connection.status().blocked();
            let has_changed = self.blocked.send_if_modified(|blocked| {
                let has_changed = *blocked != is_blocked;
                *blocked = is_blocked;
                has_changed
            });
            if has_changed && is_blocked {
                tracing::warn!("RabbitMQ is short of memory or disk, and takes no messages");
            }
            let stands = connection.status().connected()
                && channels.iter().all(|channel| channel.status().connected());
            if !stands {
                return LinkError::Closed(self.dialled.at.clone());
            }
        }
    }
}

impl Outgoing {
    /// Fails while RabbitMQ reads nothing from us.
    pub(crate) fn ready(&self) -> Result<(), BrokerError> {
        match *self.blocked.borrow() {
            true => Err(BrokerError::unavailable(
                "RabbitMQ is short of memory or disk, and takes no messages",
            )),
            false => Ok(()),
        }
    }

    /// Waits until RabbitMQ says that it reads nothing from us, or until the connection is gone.
    pub(crate) async fn blocked(&self) {
        let mut blocked = self.blocked.clone();
        // An error means that the connection is gone.
        let _ = blocked.wait_for(|blocked| *blocked).await;
    }

    /// Hands a message over to the connection. What becomes of it, the confirmation tells.
    pub(crate) async fn publish(
        &self,
        exchange: &ShortString,
        key: ShortString,
        frame: &Frame<'_>,
    ) -> Result<PublisherConfirm, BrokerError> {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        self.send(&self.confirming, exchange, key, options, properties, frame)
            .await
    }

    /// The same for the stream: where it finds none, the message comes back. With the key of its
    /// publication, if it has one.
    pub(crate) async fn keep(
        &self,
        exchange: &ShortString,
        key: ShortString,
        frame: &Frame<'_>,
        once: Option<OnceKey>,
    ) -> Result<PublisherConfirm, BrokerError> {
        let options = BasicPublishOptions {
            mandatory: true,
            immediate: false,
        };
        let mut properties = BasicProperties::default();
        if let Some(once) = once {
            let text = AMQPValue::LongString(once.to_string().into());
            properties = properties.with_headers(table([(ONCE, text)]));
        }
        self.send(&self.confirming, exchange, key, options, properties, frame)
            .await
    }

    /// Hands over a message that is not confirmed, within the time for answers.
    pub(crate) async fn tell(
        &self,
        exchange: &ShortString,
        key: ShortString,
        frame: &Frame<'_>,
    ) -> Result<(), BrokerError> {
        self.ready()?;
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let sending = self.send(&self.plain, exchange, key, options, properties, frame);
        match timeout(self.patience, sending).await {
            Ok(sent) => sent.map(drop),
            Err(_) => Err(BrokerError::Timeout {
                after: self.patience,
            }),
        }
    }

    async fn send(
        &self,
        channel: &Channel,
        exchange: &ShortString,
        key: ShortString,
        options: BasicPublishOptions,
        properties: BasicProperties,
        frame: &Frame<'_>,
    ) -> Result<PublisherConfirm, BrokerError> {
        let body = frame.encode();
        let sent = channel
            .basic_publish(exchange.clone(), key, options, &body, properties)
            .await;
        sent.map_err(|error| self.failed(error))
    }

    /// Looks at a failed call, which may mean that the connection is of no use any more.
    pub(crate) fn failed(&self, error: lapin::Error) -> BrokerError {
        self.failed.notify_one();
        of_call(error)
    }
}
