//! Notifications that could not be published.

use std::collections::VecDeque;

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::notification::{id::NotificationId, kind::NotificationKind, outgoing::Outgoing};

/// The most dead letters that are kept.
const MOST: usize = 1_000;

/// The most bytes of dead letters that are kept: 16 MiB.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A notification that was accepted and given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The notification.
    pub id: NotificationId,
    /// What it is about.
    pub kind: NotificationKind,
    /// The topics on the backplane that it did not reach.
    pub topics: Vec<String>,
    /// What the backplane said last.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up, in UTC.
    pub given_up_at: Timestamp,
}

/// The latest notifications that were given up. Full, it forgets the oldest, which has been in
/// the error log since it was given up.
#[derive(Debug, Default)]
pub(crate) struct DeadLetters(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    letters: VecDeque<(DeadLetter, Outgoing)>,
    bytes: usize,
}

impl DeadLetters {
    /// Keeps what was given up, and says so in the log.
    pub(crate) fn add(&self, outgoing: Outgoing, reason: String, attempts: u32) {
        let letter = DeadLetter {
            id: outgoing.id,
            kind: outgoing.kind,
            topics: outgoing
                .publications
                .iter()
                .map(|p| p.topic.to_string())
                .collect(),
            reason,
            attempts,
            given_up_at: Timestamp::now(),
        };
        tracing::error!(
            id = %letter.id, kind = %letter.kind, topics = ?letter.topics, attempts,
            reason = %letter.reason, "a notification was given up"
        );
        let mut kept = self.0.lock();
        kept.bytes += outgoing.bytes();
        kept.letters.push_back((letter, outgoing));
        while kept.letters.len() > MOST || kept.bytes > MOST_BYTES {
            let oldest = kept.letters.pop_front();
            kept.bytes -= oldest.map_or(0, |(_, outgoing)| outgoing.bytes());
        }
    }

    /// All of them, oldest first.
    pub(crate) fn list(&self) -> Vec<DeadLetter> {
        self.0
            .lock()
            .letters
            .iter()
            .map(|(letter, _)| letter.clone())
            .collect()
    }

    /// Takes one out.
    pub(crate) fn take(&self, id: NotificationId) -> Option<Outgoing> {
        let mut kept = self.0.lock();
        let place = kept
            .letters
            .iter()
            .position(|(letter, _)| letter.id == id)?;
        let (_, outgoing) = kept.letters.remove(place)?;
        kept.bytes -= outgoing.bytes();
        Some(outgoing)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::{Publication, Topic};

    use super::*;

    fn outgoing(bytes: usize) -> Outgoing {
        Outgoing {
            id: NotificationId::now(),
            kind: NotificationKind::SystemAlert,
            publications: vec![Publication::new(Topic::new("t").unwrap(), vec![0; bytes])],
        }
    }

    #[test]
    fn the_oldest_give_way_when_there_are_too_many() {
        let dead = DeadLetters::default();
        let first = outgoing(1);
        dead.add(first.clone(), "away".to_owned(), 4);
        assert_eq!(dead.list()[0].topics, ["t"]);
        for _ in 0..MOST {
            dead.add(outgoing(1), "away".to_owned(), 4);
        }
        assert_eq!(dead.list().len(), MOST);
        assert!(dead.take(first.id).is_none());
    }

    #[test]
    fn the_bytes_that_are_kept_are_bounded() {
        let dead = DeadLetters::default();
        for _ in 0..20 {
            dead.add(outgoing(1024 * 1024), "away".to_owned(), 4);
        }
        let kept = dead.list();
        assert_eq!(kept.len(), 16);
        assert!(dead.take(kept[3].id).is_some());
        assert!(dead.take(kept[3].id).is_none());
        assert_eq!(dead.0.lock().bytes, 15 * 1024 * 1024);
    }
}
