//! The connection on which everything goes out and answers come back, kept by a task.
//!
//! ```text
//!   broker ── flight: publications, requests, PING ──► task ──► NATS
//!      ▲                                                │
//!      └──── answered: PONG, refusals, replies ◄────────┘
//! ```
//!
//! Flights of many callers go out in one write and overlap. While the connection is lost, they fail
//! at once with what stood in the way last; nothing waits for it to come back, and nothing that was
//! on its way is repeated.

use std::sync::Arc;
use std::time::Duration;

use mesahub_broker::BrokerError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::error::{LinkError, denied, refused};
use crate::flight::{Departure, Flight, Landing};
use crate::flights::Flights;
use crate::servers::Servers;
use crate::socket::Socket;
use crate::wire::{self, PING, PONG, Word};

/// Flights that may wait for the task; whoever sends then waits for room.
const WAITING: usize = 64;

/// Bytes of waiting flights that are joined into one write.
const JOINED: usize = 256 * 1024;

/// What flights are sent with.
#[derive(Clone, Debug)]
pub(crate) struct Commands {
    departures: mpsc::Sender<Departure>,
    inbox: Arc<str>,
    patience: Duration,
    /// Whether the server is one of a cluster.
    pub(crate) is_clustered: bool,
    /// The most bytes that a message may have with its headers.
    pub(crate) max_payload: usize,
}

/// The state of the connection.
pub(crate) type State = Result<Commands, BrokerError>;

/// The task's end of a connection.
pub(crate) struct Session {
    socket: Socket,
    departures: mpsc::Receiver<Departure>,
    flights: Flights,
    patience: Duration,
}

impl Commands {
    /// An empty flight.
    pub(crate) fn flight(&self) -> Flight {
        Flight::new(Arc::clone(&self.inbox))
    }

    /// Sends a flight and waits for all that is answered, for as long as an answer may take.
    pub(crate) async fn send(&self, flight: Flight) -> Result<Landing, BrokerError> {
        let since = Instant::now();
        let (departure, landing) = flight.depart();
        let sending = async {
            if self.departures.send(departure).await.is_err() {
                return Err(BrokerError::unavailable("the connection to NATS was lost"));
            }
            let lost = || BrokerError::Timeout {
                after: since.elapsed(),
            };
            landing.await.unwrap_or_else(|_| Err(lost()))
        };
        let late = || BrokerError::Timeout {
            after: self.patience,
        };
        let sent = tokio::time::timeout(self.patience, sending).await;
        sent.unwrap_or_else(|_| Err(late()))
    }
}

/// Connects.
pub(crate) async fn open(servers: &Servers) -> Result<(Commands, Session), LinkError> {
    let mut socket = servers.open().await?;
    let inbox = inbox();
    let mut out = Vec::new();
    wire::subscribe(&mut out, &format!("{inbox}.*"), 1);
    socket.write(&out).await?;
    let (sender, departures) = mpsc::channel(WAITING);
    let patience = servers.config.response_timeout;
    let commands = Commands {
        departures: sender,
        inbox: inbox.into(),
        patience,
        is_clustered: socket.is_clustered(),
        max_payload: socket.max_payload(),
    };
    let session = Session {
        socket,
        departures,
        flights: Flights::default(),
        patience,
    };
    Ok((commands, session))
}

/// Keeps the state true until told to stop, with this connection first.
pub(crate) async fn keep(
    servers: Arc<Servers>,
    first: Session,
    state: watch::Sender<State>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(&servers.config);
    let keeping = async {
        let mut connected = Some(first);
        loop {
            if let Some(session) = connected.take() {
                backoff.reset();
                let lost = session.serve().await;
                tracing::warn!(
                    error = &lost as &dyn std::error::Error,
                    "lost NATS for publishing"
                );
                let _ = state.send_replace(Err(lost.into_broker()));
            }
            sleep(backoff.next()).await;
            match open(&servers).await {
                Ok((commands, session)) => {
                    let _ = state.send_replace(Ok(commands));
                    connected = Some(session);
                }
                Err(error) => drop(state.send_replace(Err(error.into_broker()))),
            }
        }
    };
    stop.run_until_cancelled(keeping).await;
    let _ = state.send_replace(Err(BrokerError::Closed));
}

impl Session {
    /// Serves until the connection is lost; whoever waits then is told.
    async fn serve(mut self) -> LinkError {
        let lost = match self.try_serve().await {
            Err(lost) => lost,
            Ok(never) => match never {},
        };
        self.departures.close();
        while let Ok(waiting) = self.departures.try_recv() {
            waiting.never_left(BrokerError::unavailable(lost.to_string()));
        }
        self.flights.lost();
        lost
    }

    async fn try_serve(&mut self) -> Result<std::convert::Infallible, LinkError> {
        let patience = self.patience;
        let mut looks = interval_at(Instant::now() + patience, patience);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = true;
        loop {
            tokio::select! {
                word = self.socket.next() => {
                    heard = true;
                    self.take(word?).await?;
                }
                Some(departure) = self.departures.recv() => self.depart(departure).await?,
                _ = looks.tick() => {
                    // Nothing is asked twice: who was asked and has said nothing is gone.
                    if !heard && self.flights.awaits_pong() {
                        let at = self.socket.at().to_owned();
                        return Err(LinkError::Silent(at, patience));
                    }
                    heard = false;
                    self.flights.forget_abandoned();
                    if !self.flights.awaits_pong() {
                        self.flights.look();
                        self.socket.write(PING).await?;
                    }
                }
            }
        }
    }

    /// Sends a flight, and those that wait behind it, in one write.
    async fn depart(&mut self, first: Departure) -> Result<(), LinkError> {
        let mut out = self.flights.depart(first);
        while out.len() < JOINED {
            let Ok(next) = self.departures.try_recv() else {
                break;
            };
            let mut next = self.flights.depart(next);
            out.append(&mut next);
        }
        self.socket.write(&out).await
    }

    async fn take(&mut self, word: Word) -> Result<(), LinkError> {
        match word {
            Word::Message(message) => self.flights.reply(message),
            Word::Pong => self.flights.pong(),
            Word::Ping => self.socket.write(PONG).await?,
            Word::Error(text) => match denied(&text) {
                Some((false, subject)) => self.flights.denied(subject, refused(&text)),
                _ => return Err(LinkError::Refused(text)),
            },
            Word::Info(_) | Word::Ok => {}
        }
        Ok(())
    }
}

/// A subject for replies that nobody else has.
pub(crate) fn inbox() -> String {
    let mut bytes = [0; 16];
    // Only a machine without any randomness has none, and it could not have made a TLS key either.
    getrandom::fill(&mut bytes).expect("the machine gives random bytes");
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("_INBOX.{digits}")
}
