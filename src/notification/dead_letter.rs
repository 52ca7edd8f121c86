//! Notifications that could not be published.

use std::collections::VecDeque;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;

use crate::journal::Letter;
use crate::notification::{
    id::NotificationId, kind::NotificationKind, message::Notification, outgoing::Outgoing, record,
    retry::GivenUp,
};

/// The most dead letters that are kept.
const MOST: usize = 1_000;

/// The most bytes of dead letters that are kept: 16 MiB.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A notification that was accepted and given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The notification.
    pub id: NotificationId,
    /// What it is about; `None` where that cannot be read.
    #[serde(rename = "type")]
    pub kind: Option<NotificationKind>,
    /// The topics on the backplane that it did not reach.
    pub topics: Vec<String>,
    /// What the backplane said last.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up, in UTC, to the millisecond.
    pub given_up_at: Timestamp,
}

impl DeadLetter {
    pub(crate) fn of(given_up: &GivenUp) -> Self {
        Self {
            id: given_up.rest.id,
            kind: Some(given_up.rest.kind),
            topics: topics(&given_up.rest),
            reason: given_up.reason.clone(),
            attempts: given_up.attempts,
            given_up_at: Notification::moment(),
        }
    }

    /// Says in the log that a notification was given up.
    pub(crate) fn announce(&self) {
        let kind = self.kind.map(tracing::field::display);
        tracing::error!(
            id = %self.id, kind, topics = ?self.topics, attempts = self.attempts,
            reason = %self.reason, "a notification was given up"
        );
    }
}

impl From<Letter> for DeadLetter {
    fn from(letter: Letter) -> Self {
        let id = NotificationId::from_bytes(letter.id.into_bytes());
        let outgoing = record::read(id, letter.body).ok();
        Self {
            id,
            kind: outgoing.as_ref().map(|outgoing| outgoing.kind),
            topics: outgoing.as_ref().map(topics).unwrap_or_default(),
            reason: letter.reason,
            attempts: letter.attempts,
            given_up_at: letter.given_up_at,
        }
    }
}

fn topics(outgoing: &Outgoing) -> Vec<String> {
    let publications = outgoing.publications.iter();
    publications.map(|one| one.topic.to_string()).collect()
}

/// The latest notifications that were given up, where no journal keeps them. Full, it forgets the
/// oldest, which has been in the error log since it was given up.
#[derive(Debug, Default)]
pub(crate) struct DeadLetters(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    letters: VecDeque<(DeadLetter, Outgoing)>,
    bytes: usize,
}

impl DeadLetters {
    /// Keeps what was given up.
    pub(crate) fn add(&self, given_up: GivenUp) {
        self.put_back(DeadLetter::of(&given_up), given_up.rest);
    }

    /// Keeps what was taken out.
    pub(crate) fn put_back(&self, letter: DeadLetter, outgoing: Outgoing) {
        let mut kept = self.0.lock();
        kept.bytes += outgoing.bytes();
        kept.letters.push_back((letter, outgoing));
        while kept.letters.len() > MOST || kept.bytes > MOST_BYTES {
            let oldest = kept.letters.pop_front();
            kept.bytes -= oldest.map_or(0, |(_, outgoing)| outgoing.bytes());
        }
    }

    /// Those with ids behind this one, by id.
    pub(crate) fn list(&self, after: Option<NotificationId>, limit: usize) -> Vec<DeadLetter> {
        let kept = self.0.lock();
        let letters = kept.letters.iter().map(|(letter, _)| letter);
        let mut listed: Vec<_> = letters
            .filter(|letter| Some(letter.id) > after)
            .cloned()
            .collect();
        listed.sort_by_key(|letter| letter.id);
        listed.truncate(limit);
        listed
    }

    /// How many are kept.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().letters.len()
    }

    /// Takes one out.
    pub(crate) fn take(&self, id: NotificationId) -> Option<(DeadLetter, Outgoing)> {
        let mut kept = self.0.lock();
        let place = kept
            .letters
            .iter()
            .position(|(letter, _)| letter.id == id)?;
        let (letter, outgoing) = kept.letters.remove(place)?;
        kept.bytes -= outgoing.bytes();
        Some((letter, outgoing))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::{Publication, Topic};

    use super::*;

    fn given_up(bytes: usize) -> GivenUp {
        GivenUp {
            rest: Outgoing {
                id: NotificationId::now(),
                kind: NotificationKind::SystemAlert,
                tenant: None,
                session: None,
                publications: vec![Publication::new(Topic::new("t").unwrap(), vec![0; bytes])],
            },
            reason: "away".to_owned(),
            attempts: 4,
        }
    }

    #[test]
    fn the_oldest_give_way_when_there_are_too_many() {
        let dead = DeadLetters::default();
        let first = given_up(1);
        let id = first.rest.id;
        dead.add(first);
        assert_eq!(dead.list(None, 1)[0].topics, ["t"]);
        for _ in 0..MOST {
            dead.add(given_up(1));
        }
        assert_eq!(dead.list(None, usize::MAX).len(), MOST);
        assert!(dead.take(id).is_none());
    }

    #[test]
    fn the_bytes_that_are_kept_are_bounded() {
        let dead = DeadLetters::default();
        for _ in 0..20 {
            dead.add(given_up(1024 * 1024));
        }
        let kept = dead.list(None, usize::MAX);
        assert_eq!(kept.len(), 16);
        assert!(dead.take(kept[3].id).is_some());
        assert!(dead.take(kept[3].id).is_none());
        assert_eq!(dead.0.lock().bytes, 15 * 1024 * 1024);
    }

    #[test]
    fn pages_follow_each_other_by_id() {
        let dead = DeadLetters::default();
        let mut all: Vec<_> = (0..5).map(|_| given_up(1)).collect();
        let ids: Vec<_> = all.iter().map(|one| one.rest.id).collect();
        all.reverse();
        all.into_iter().for_each(|one| dead.add(one));
        let listed =
            |after, limit| -> Vec<_> { dead.list(after, limit).iter().map(|one| one.id).collect() };
        assert_eq!(listed(None, 2), ids[..2]);
        assert_eq!(listed(Some(ids[1]), 9), ids[2..]);
    }
}
