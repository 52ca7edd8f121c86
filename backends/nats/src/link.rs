//! The connection on which messages come: one task that owns it and every subscription.
//!
//! ```text
//!   broker ── subscribe, unsubscribe ──► requests ─┐
//!                                                  ├──► task ──► inbox
//!   NATS ──── messages, PONG ──────────► socket ───┘     │
//!     ▲                                                  │ lost: back-off, connect, subscribe
//!     └──────────────────────────────────────────────────┘ everything again, then a gap
//! ```

use std::sync::Arc;

use mesahub_broker::{BrokerError, Inbox, Topic};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::servers::Servers;
use crate::session::Session;
use crate::socket::Socket;
use crate::subscriptions::Subscriptions;

/// What the broker asks of the task.
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
    pub(crate) servers: Arc<Servers>,
    pub(crate) inbox: Inbox,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) subscriptions: Subscriptions,
    stop: CancellationToken,
}

impl Link {
    pub(crate) fn new(
        servers: Arc<Servers>,
        inbox: Inbox,
        requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            servers,
            inbox,
            requests,
            subscriptions: Subscriptions::default(),
            stop,
        }
    }

    /// Serves until told to stop, with this connection first.
    pub(crate) async fn run(mut self, first: Socket) {
        let stop = self.stop.clone();
        let mut connected = Some(first);
        let mut backoff = Backoff::new(&self.servers.config);
        loop {
            let lost = match connected.take() {
                Some(socket) => {
                    backoff.reset();
                    match Session::new(&mut self, socket).run(&stop).await {
                        Ok(()) => return,
                        Err(lost) => lost,
                    }
                }
                None => match stop.run_until_cancelled(self.servers.open()).await {
                    Some(Ok(socket)) => {
                        connected = Some(socket);
                        continue;
                    }
                    Some(Err(error)) => error,
                    None => return,
                },
            };
            let pause = backoff.next();
            tracing::warn!(error = &lost as &dyn std::error::Error, ?pause, "lost NATS");
            let declining = timeout(pause, self.decline(lost.into_broker()));
            if stop.run_until_cancelled(declining).await.is_none() {
                return;
            }
        }
    }

    /// Answers requests while there is no connection.
    async fn decline(&mut self, error: BrokerError) {
        while let Some(request) = self.requests.recv().await {
            let outcome = match request.change {
                Change::Subscribe => Err(error.clone()),
                // Nothing is subscribed where there is no connection.
                Change::Unsubscribe => {
                    for topic in &request.topics {
                        self.subscriptions.end(topic);
                    }
                    Ok(())
                }
            };
            let _ = request.answer.send(outcome);
        }
    }
}
