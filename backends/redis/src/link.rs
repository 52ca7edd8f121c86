//! A connection on which messages come: one task that owns it and its subscriptions.
//!
//! ```text
//!   broker or router ── subscribe, unsubscribe ──► requests ─┐
//!                                                            ├──► task ──► inbox
//!   Redis ── messages, confirmations ──────────► session ────┘     │
//!     ▲                                                            │ lost: back-off, connect,
//!     └────────────────────────────────────────────────────────────┘ subscribe everything again,
//!                                                                    then a gap
//! ```
//!
//! What Redis confirms is what is subscribed, in the order of the socket: so nothing comes after
//! an unsubscribe has returned, and nothing is lost between a leave and a join that overlap.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use mesahub_broker::{BrokerError, GapScope, Inbox, Topic};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::config::RedisConfig;
use crate::error::LinkError;
use crate::links::Reporter;
use crate::primary::Place;
use crate::session::Session;
use crate::socket::Socket;

/// Requests that may wait for the task.
pub(crate) const WAITING_REQUESTS: usize = 64;

/// What is asked of the task.
pub(crate) struct Request {
    pub(crate) change: Change,
    pub(crate) topics: Vec<Topic>,
    pub(crate) answer: oneshot::Sender<Result<(), BrokerError>>,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Subscribe,
    Unsubscribe,
}

/// The task.
pub(crate) struct Link {
    pub(crate) config: Arc<RedisConfig>,
    pub(crate) place: Place,
    pub(crate) inbox: Inbox,
    pub(crate) requests: mpsc::Receiver<Request>,
    /// Who has to know what a node of a cluster no longer has.
    pub(crate) reporter: Option<Reporter>,
    pub(crate) stop: CancellationToken,
    /// What Redis has confirmed, by the name of the channel.
    pub(crate) subscribed: HashMap<Bytes, Topic>,
    pub(crate) backoff: Backoff,
}

impl Link {
    pub(crate) fn new(
        config: Arc<RedisConfig>,
        place: Place,
        inbox: Inbox,
        requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            backoff: Backoff::new(&config),
            config,
            place,
            inbox,
            requests,
            reporter: None,
            stop,
            subscribed: HashMap::new(),
        }
    }

    /// Serves until told to stop, with this connection first if there is one. Until the first one
    /// is made or refused, whoever asks waits.
    pub(crate) async fn run(mut self, first: Option<Socket>) {
        let stop = self.stop.clone();
        let mut connected = first;
        let mut failure = None;
        loop {
            let lost = match connected.take() {
                Some(socket) => match Session::new(&mut self, socket).run(&stop).await {
                    Ok(()) => return,
                    Err(lost) => lost,
                },
                None => match stop.run_until_cancelled(self.connect(failure)).await {
                    Some(Ok(socket)) => {
                        connected = Some(socket);
                        failure = None;
                        continue;
                    }
                    Some(Err(error)) => error,
                    None => return,
                },
            };
            let pause = self.backoff.next();
            tracing::warn!(
                error = &lost as &dyn std::error::Error,
                ?pause,
                "lost Redis"
            );
            if let Some(reporter) = &self.reporter {
                reporter.doubt();
            }
            let error = lost.into_broker();
            let pausing = timeout(pause, self.decline(error.clone()));
            if stop.run_until_cancelled(pausing).await.is_none() {
                return;
            }
            failure = Some(error);
        }
    }

    async fn connect(&mut self, failure: Option<BrokerError>) -> Result<Socket, LinkError> {
        let (config, place) = (Arc::clone(&self.config), self.place.clone());
        let opening = open(&config, &place);
        match failure {
            None => opening.await,
            Some(error) => tokio::select! {
                opened = opening => opened,
                never = self.decline(error) => match never {},
            },
        }
    }

    /// Answers requests while there is no connection.
    async fn decline(&mut self, error: BrokerError) -> Infallible {
        while let Some(request) = self.requests.recv().await {
            let outcome = match request.change {
                Change::Subscribe => Err(error.clone()),
                // Nothing is subscribed where there is no connection.
                Change::Unsubscribe => {
                    for topic in &request.topics {
                        self.subscribed.remove(&self.config.channel(topic));
                    }
                    Ok(())
                }
            };
            let _ = request.answer.send(outcome);
        }
        pending().await
    }

    /// How far a gap of this connection reaches.
    pub(crate) fn scope(&self) -> GapScope {
        match self.place {
            Place::Primary => GapScope::All,
            Place::Node(_) => GapScope::Topics(self.subscribed.values().cloned().collect()),
        }
    }
}

/// Connects.
pub(crate) async fn open(config: &RedisConfig, place: &Place) -> Result<Socket, LinkError> {
    let at = place.find(config).await?;
    Socket::open(config, &at).await
}
