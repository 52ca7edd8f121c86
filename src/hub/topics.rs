//! The names of a hub's topics on the backplane, in ASP.NET Core's scheme.

use std::sync::Arc;

use mesahub_broker::{Topic, TopicError};
use mesahub_protocol::envelope;

use crate::hub::outbox::Overflow;

/// The topics of one hub. The prefix is the hub's name.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    hub: Arc<str>,
    all: Topic,
}

impl Topics {
    pub(crate) fn new(hub: &str) -> Result<Self, TopicError> {
        Ok(Self {
            hub: hub.into(),
            all: Topic::new(format!("{hub}:all"))?,
        })
    }

    /// Everybody connected to the hub.
    pub(crate) fn all(&self) -> Topic {
        self.all.clone()
    }

    /// One group.
    pub(crate) fn group(&self, name: &str) -> Result<Topic, TopicError> {
        Topic::new(format!("{}:group:{name}", self.hub))
    }

    /// All connections of one user.
    pub(crate) fn user(&self, user: &str) -> Result<Topic, TopicError> {
        Topic::new(format!("{}:user:{user}", self.hub))
    }
}

/// The group that a topic carries, if it is a group's.
pub(crate) fn group_of(topic: &Topic) -> Option<&str> {
    let name: &str = topic.as_ref();
    name.split_once(":group:").map(|(_, group)| group)
}

pub(crate) fn overflow_from_wire(overflow: envelope::Overflow) -> Overflow {
    match overflow {
        envelope::Overflow::DropOldest => Overflow::DropOldest,
        envelope::Overflow::LatestPerKey(key) => Overflow::LatestPerKey(key.into()),
        _ => Overflow::Close,
    }
}

pub(crate) fn overflow_to_wire(overflow: &Overflow) -> envelope::Overflow {
    match overflow {
        Overflow::Close => envelope::Overflow::Close,
        Overflow::DropOldest => envelope::Overflow::DropOldest,
        Overflow::LatestPerKey(key) => envelope::Overflow::LatestPerKey(key.to_string()),
    }
}
