//! What goes out together, and what is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mesahub_broker::BrokerError;
use tokio::sync::oneshot;

use crate::wire::{self, Message, PING};

/// Publications and requests that go out together, in order. What ends them is a PING, so that its
/// PONG says that the server has taken what is not replied to.
pub(crate) struct Flight {
    inbox: Arc<str>,
    words: Vec<u8>,
    /// The number of the first request's reply.
    first: u64,
    /// The subject of each request.
    requests: Vec<Box<str>>,
}

/// A flight on its way to the task.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) words: Vec<u8>,
    pub(crate) first: u64,
    pub(crate) requests: Vec<Box<str>>,
    pub(crate) answer: oneshot::Sender<Result<Landing, BrokerError>>,
}

/// What was answered.
#[derive(Debug, Default)]
pub(crate) struct Landing {
    /// For each request, in order.
    pub(crate) replies: Vec<Reply>,
    /// The subjects at which we may not publish, and what was said about it.
    pub(crate) denied: Vec<(Box<str>, BrokerError)>,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Message(Message),
    /// Nobody listens there.
    Nobody,
    /// We may not ask there.
    Denied(BrokerError),
}

/// Requests that one flight has room for: their numbers lie between those of two flights.
const MOST_REQUESTS: u64 = 1 << 20;

impl Flight {
    pub(crate) fn new(inbox: Arc<str>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            inbox,
            words: Vec::new(),
            first: NEXT.fetch_add(MOST_REQUESTS, Ordering::Relaxed),
            requests: Vec::new(),
        }
    }

    /// A message that nobody replies to.
    pub(crate) fn publish(&mut self, subject: &str, payload: &[u8]) {
        wire::publish(&mut self.words, subject, None, "", payload);
    }

    /// A message that is replied to.
    pub(crate) fn request(&mut self, subject: &str, payload: &[u8]) {
        self.request_with(subject, "", payload);
    }

    /// The same with headers.
    pub(crate) fn request_with(&mut self, subject: &str, headers: &str, payload: &[u8]) {
        let reply = format!("{}.{}", self.inbox, self.first + self.requests.len() as u64);
        wire::publish(&mut self.words, subject, Some(&reply), headers, payload);
        self.requests.push(subject.into());
    }

    /// Asks whether anybody listens somewhere: the server itself says so where nobody does, and
    /// does so before its PONG.
    pub(crate) fn probe(&mut self, subject: &str) {
        let reply = format!("{}.{}", self.inbox, self.first);
        wire::publish(&mut self.words, subject, Some(&reply), "", &[]);
    }

    pub(crate) fn depart(mut self) -> (Departure, oneshot::Receiver<Result<Landing, BrokerError>>) {
        self.words.extend_from_slice(PING);
        let (answer, landing) = oneshot::channel();
        let departure = Departure {
            words: self.words,
            first: self.first,
            requests: self.requests,
            answer,
        };
        (departure, landing)
    }
}

impl Departure {
    /// Tells its sender that nothing of it was sent.
    pub(crate) fn never_left(self, error: BrokerError) {
        let _ = self.answer.send(Err(error));
    }
}

impl Reply {
    /// The message, or why there is none.
    pub(crate) fn message(self) -> Result<Message, BrokerError> {
        match self {
            Self::Message(message) => Ok(message),
            Self::Denied(error) => Err(error),
            Self::Nobody => Err(BrokerError::unavailable("nobody answers requests on NATS")),
        }
    }
}

impl Landing {
    /// What was said about publishing at a subject, if it was denied.
    pub(crate) fn denial(&self, subject: &str) -> Option<BrokerError> {
        let denied = self.denied.iter().find(|(denied, _)| **denied == *subject);
        denied.map(|(_, error)| error.clone())
    }
}
