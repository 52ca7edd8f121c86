//! The names of the exchange, of the queues and of routing keys.

use aws_lc_rs::digest::{SHA256, digest};
use lapin::types::ShortString;
use mesahub_broker::{BrokerError, Topic};

/// The longest prefix, which leaves room for what follows it.
const MAX_PREFIX: usize = 100;

/// The longest routing key of AMQP.
const MAX_KEY: usize = 255;

/// The key to which every node binds, for questions to all. No key of a topic begins like it.
pub(crate) const EVERYONE: &str = "*";

/// Names that all nodes of one backplane share.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    prefix: String,
    /// The exchange of what is in no log.
    pub(crate) exchange: ShortString,
    /// The stream of what is in a log.
    pub(crate) log: ShortString,
    /// The stream that tells which life of the log this is.
    pub(crate) epoch: ShortString,
    /// The queue that all nodes consume from and nobody sends to: its consumers are counted.
    pub(crate) nodes: ShortString,
}

impl Names {
    pub(crate) fn new(prefix: &str) -> Result<Self, BrokerError> {
        if prefix.is_empty() || prefix.len() > MAX_PREFIX {
            let size = prefix.len();
            return Err(BrokerError::rejected(format!(
                "the prefix of the names at RabbitMQ has {size} bytes; expected 1 to {MAX_PREFIX}"
            )));
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            exchange: prefix.into(),
            log: format!("{prefix}.log").into(),
            epoch: format!("{prefix}.log-epoch").into(),
            nodes: format!("{prefix}.nodes").into(),
        })
    }

    /// The queue of a node, for one connection: a server that has not noticed the end of the one
    /// before still holds its queue.
    pub(crate) fn queue(&self, node: u64, session: u64) -> ShortString {
        format!("{}.node.{node:016x}.{session}", self.prefix).into()
    }

    /// The queue in which a node is asked and answered, and told of what was dropped.
    pub(crate) fn control(&self, node: u64, session: u64) -> ShortString {
        format!("{}.control.{node:016x}.{session}", self.prefix).into()
    }
}

/// The routing key of a topic: the topic behind `=`, or its digest behind `#` where that is too
/// long. A direct exchange compares keys byte by byte, so nothing in a name acts as a pattern.
pub(crate) fn key(topic: &Topic) -> ShortString {
    let name = topic.as_str();
    if name.len() < MAX_KEY {
        return format!("={name}").into();
    }
    let mut key = String::with_capacity(65);
    key.push('#');
    for byte in digest(&SHA256, name.as_bytes()).as_ref() {
        key.push_str(&format!("{byte:02x}"));
    }
    key.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::Topic;

    use super::{EVERYONE, Names, key};

    #[test]
    fn a_key_is_the_topic_while_it_fits() {
        let longest = "x".repeat(254);
        let topic = |name: &str| Topic::new(name.to_owned()).unwrap();
        assert_eq!(key(&topic("a\0*")).as_str(), "=a\0*");
        assert_eq!(key(&topic(&longest)).as_str(), format!("={longest}"));
    }

    #[test]
    fn longer_topics_have_keys_of_their_own_that_fit() {
        let of = |size| key(&Topic::new("é".repeat(size)).unwrap());
        assert_eq!(of(200).as_str().len(), 65);
        assert_ne!(of(200), of(201));
        assert_ne!(of(512).as_str(), EVERYONE);
    }

    #[test]
    fn a_prefix_that_leaves_no_room_is_refused() {
        assert!(Names::new("").is_err());
        assert!(Names::new(&"x".repeat(101)).is_err());
        assert_eq!(Names::new("p").unwrap().queue(1, 2).as_str().len(), 25);
    }
}
