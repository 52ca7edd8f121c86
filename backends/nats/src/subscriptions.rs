//! What this node is subscribed to.

use std::collections::HashMap;

use mesahub_broker::{Position, Topic};

use crate::names;
use crate::wire::Message;

/// The subscriptions of a node, each under a number that is never given twice: what comes late under
/// one that has ended is nobody's.
#[derive(Default)]
pub(crate) struct Subscriptions {
    by_topic: HashMap<Topic, u64>,
    by_number: HashMap<u64, Subscription>,
    last: u64,
}

/// One topic.
pub(crate) struct Subscription {
    pub(crate) topic: Topic,
    /// The newest entry of its log that was delivered since the connection was made.
    newest: Option<Position>,
}

/// How a message fits behind those before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is not in a log.
    None,
    /// It follows.
    Next(Position),
    /// It follows, and something between was not delivered.
    BehindGap(Position),
    /// It was delivered before.
    Again,
}

impl Subscriptions {
    /// The number for a topic, if it is a new one.
    pub(crate) fn begin(&mut self, topic: &Topic) -> Option<u64> {
        if self.by_topic.contains_key(topic) {
            return None;
        }
        self.last += 1;
        self.by_topic.insert(topic.clone(), self.last);
        let subscription = Subscription {
            topic: topic.clone(),
            newest: None,
        };
        self.by_number.insert(self.last, subscription);
        Some(self.last)
    }

    /// The number that a topic had, if it had one.
    pub(crate) fn end(&mut self, topic: &Topic) -> Option<u64> {
        let number = self.by_topic.remove(topic)?;
        self.by_number.remove(&number);
        Some(number)
    }

    /// Ends the one with this number, if there is one.
    pub(crate) fn end_numbered(&mut self, number: u64) {
        if let Some(ended) = self.by_number.remove(&number) {
            self.by_topic.remove(&ended.topic);
        }
    }

    pub(crate) fn of(&mut self, number: u64) -> Option<&mut Subscription> {
        self.by_number.get_mut(&number)
    }

    /// All topics with their numbers.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Topic, u64)> {
        self.by_topic.iter().map(|(topic, number)| (topic, *number))
    }

    /// Forgets what was delivered: there is a new connection, and a gap will be told of.
    pub(crate) fn begin_again(&mut self) {
        for subscription in self.by_number.values_mut() {
            subscription.newest = None;
        }
    }
}

impl Subscription {
    /// Puts a message behind those before it. A message out of the log carries its number and that
    /// of the entry before it on its topic.
    pub(crate) fn place(&mut self, message: &Message) -> Place {
        let number = |name| message.header(name)?.parse().ok();
        let epoch = message.header("Nats-Stream").and_then(names::epoch);
        let (Some(epoch), Some(number), before) = (
            epoch,
            number("Nats-Sequence"),
            number("Nats-Last-Sequence").unwrap_or(0),
        ) else {
            return Place::None;
        };
        let position = Position::from_parts(epoch, number);
        let newest = self.newest.filter(|newest| newest.parts().0 == epoch);
        if newest.is_some_and(|newest| newest >= position) {
            return Place::Again;
        }
        self.newest = Some(position);
        match newest {
            Some(newest) if newest < Position::from_parts(epoch, before) => {
                Place::BehindGap(position)
            }
            _ => Place::Next(position),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use mesahub_broker::{Position, Topic};

    use super::{Place, Subscriptions};
    use crate::wire::Message;

    fn message(number: u64, before: u64) -> Message {
        let headers = format!(
            "NATS/1.0\r\nNats-Stream: p-log-7\r\nNats-Sequence: {number}\r\n\
             Nats-Last-Sequence: {before}\r\n\r\n"
        );
        Message {
            headers: Bytes::from(headers),
            ..Message::default()
        }
    }

    #[test]
    fn what_is_missing_or_comes_twice_is_seen() {
        let topic = Topic::new("a").unwrap();
        let mut all = Subscriptions::default();
        let number = all.begin(&topic).unwrap();
        let one = all.of(number).unwrap();
        let at = |number| Position::from_parts(7, number);
        assert_eq!(one.place(&Message::default()), Place::None);
        assert_eq!(one.place(&message(5, 3)), Place::Next(at(5)));
        assert_eq!(one.place(&message(5, 3)), Place::Again);
        assert_eq!(one.place(&message(9, 5)), Place::Next(at(9)));
        // The entry before is no longer kept.
        assert_eq!(one.place(&message(12, 0)), Place::Next(at(12)));
        assert_eq!(one.place(&message(20, 15)), Place::BehindGap(at(20)));
        all.begin_again();
        let one = all.of(number).unwrap();
        assert_eq!(one.place(&message(30, 25)), Place::Next(at(30)));
    }

    #[test]
    fn a_number_is_never_given_twice() {
        let topic = Topic::new("a").unwrap();
        let mut all = Subscriptions::default();
        let first = all.begin(&topic).unwrap();
        assert_eq!(all.begin(&topic), None);
        assert_eq!(all.end(&topic), Some(first));
        assert_eq!(all.end(&topic), None);
        let second = all.begin(&topic).unwrap();
        assert!(second > first);
        assert!(all.of(first).is_none());
        all.end_numbered(second);
        assert_eq!(all.all().count(), 0);
    }
}
