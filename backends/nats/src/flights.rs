//! The flights that have not been answered whole.

use std::collections::{BTreeMap, VecDeque};

use mesahub_broker::BrokerError;
use tokio::sync::oneshot;

use crate::flight::{Departure, Landing, Reply};
use crate::wire::Message;

/// All of one connection.
#[derive(Default)]
pub(crate) struct Flights {
    /// By the number of the first reply.
    by_first: BTreeMap<u64, Awaited>,
    /// What each PONG to come is for, in order.
    pongs: VecDeque<Asked>,
    /// What was refused since the last PONG.
    denied: Vec<(Box<str>, BrokerError)>,
}

#[derive(Clone, Copy)]
enum Asked {
    Flight(u64),
    /// A sign of life.
    Look,
}

struct Awaited {
    requests: Vec<Box<str>>,
    replies: Vec<Option<Reply>>,
    /// Answers that have not come, the PONG among them.
    left: usize,
    denied: Vec<(Box<str>, BrokerError)>,
    answer: oneshot::Sender<Result<Landing, BrokerError>>,
}

impl Flights {
    /// Waits for the answers to a flight, whose words it gives.
    pub(crate) fn depart(&mut self, departure: Departure) -> Vec<u8> {
        let count = departure.requests.len();
        self.pongs.push_back(Asked::Flight(departure.first));
        let awaited = Awaited {
            requests: departure.requests,
            replies: std::iter::repeat_with(|| None).take(count).collect(),
            left: count + 1,
            denied: Vec::new(),
            answer: departure.answer,
        };
        self.by_first.insert(departure.first, awaited);
        departure.words
    }

    /// Waits for a sign of life.
    pub(crate) fn look(&mut self) {
        self.pongs.push_back(Asked::Look);
    }

    /// Whether a PONG has to come.
    pub(crate) fn awaits_pong(&self) -> bool {
        !self.pongs.is_empty()
    }

    /// A reply has come. The reply to a probe has no place among the replies, and is one of its
    /// own: there is room for it where there is no request.
    pub(crate) fn reply(&mut self, message: Message) {
        let Some(number) = number(&message) else {
            return;
        };
        let Some((&first, awaited)) = self.by_first.range_mut(..=number).next_back() else {
            return;
        };
        let reply = match message.status() {
            Some(503) => Reply::Nobody,
            _ => Reply::Message(message),
        };
        if awaited.requests.is_empty() {
            if number == first {
                awaited.replies.push(Some(reply));
            }
            return;
        }
        let place = usize::try_from(number - first).ok();
        if let Some(empty @ None) = place.and_then(|place| awaited.replies.get_mut(place)) {
            *empty = Some(reply);
            self.answered(first);
        }
    }

    /// Publishing somewhere was refused; the flight is the one whose PONG comes next.
    pub(crate) fn denied(&mut self, subject: &str, error: BrokerError) {
        self.denied.push((subject.into(), error));
    }

    /// The server has taken what stood in front of the oldest PING.
    pub(crate) fn pong(&mut self) {
        let denied = std::mem::take(&mut self.denied);
        let Some(Asked::Flight(first)) = self.pongs.pop_front() else {
            return;
        };
        let Some(awaited) = self.by_first.get_mut(&first) else {
            return;
        };
        // Nobody replies to a request that was refused.
        for (subject, reply) in awaited.requests.iter().zip(&mut awaited.replies) {
            let error = denied.iter().find(|(denied, _)| denied == subject);
            if let (None, Some((_, error))) = (&reply, error) {
                *reply = Some(Reply::Denied(error.clone()));
                awaited.left -= 1;
            }
        }
        awaited.denied = denied;
        self.answered(first);
    }

    /// Drops what nobody waits for any more.
    pub(crate) fn forget_abandoned(&mut self) {
        self.by_first
            .retain(|_, awaited| !awaited.answer.is_closed());
    }

    /// The connection is lost: whether any of it was taken is not known.
    pub(crate) fn lost(&mut self) {
        // Dropping says so.
        self.by_first.clear();
    }

    /// One answer of a flight has come; with the last one it has landed.
    fn answered(&mut self, first: u64) {
        let Some(awaited) = self.by_first.get_mut(&first) else {
            return;
        };
        awaited.left -= 1;
        if awaited.left > 0 {
            return;
        }
        if let Some(awaited) = self.by_first.remove(&first) {
            let landing = Landing {
                replies: awaited.replies.into_iter().flatten().collect(),
                denied: awaited.denied,
            };
            let _ = awaited.answer.send(Ok(landing));
        }
    }
}

/// The number at the end of the subject of a reply.
fn number(message: &Message) -> Option<u64> {
    let subject = std::str::from_utf8(&message.subject).ok()?;
    subject.rsplit_once('.')?.1.parse().ok()
}
