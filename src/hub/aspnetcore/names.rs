//! The topics that only the official servers' way of reaching single connections needs.

use std::sync::Arc;

use mesahub_broker::{Topic, TopicError};
use uuid::Uuid;

use crate::hub::id::ConnectionId;
use crate::hub::peers::NodeId;

/// The topics of one hub on one server.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    hub: Arc<str>,
    pub(super) server: Arc<str>,
    pub(super) groups: Topic,
    pub(super) ack: Topic,
    pub(super) returns: Topic,
}

/// What a topic carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Carries<'topic> {
    Commands,
    Acks,
    Completions,
    /// What is for the connection with this id.
    Messages(&'topic str),
}

impl Names {
    /// The names of a server that no other has.
    pub(crate) fn new(hub: &str, node: NodeId) -> Result<Self, TopicError> {
        let server = format!("mesahub-{node}_{}", Uuid::now_v7().simple());
        Ok(Self {
            groups: Topic::new(format!("{hub}:internal:groups"))?,
            ack: ack(hub, &server)?,
            returns: Topic::new(format!("{hub}:internal:return:{server}"))?,
            hub: hub.into(),
            server: server.into(),
        })
    }

    /// The topic on which a server awaits the end of its commands.
    pub(super) fn ack_of(&self, server: &str) -> Result<Topic, TopicError> {
        ack(&self.hub, server)
    }

    /// The topic of one connection.
    pub(super) fn connection(&self, id: ConnectionId) -> Result<Topic, TopicError> {
        Topic::new(format!("{}:connection:{id}", self.hub))
    }

    /// What a topic carries, if it is one of these.
    pub(super) fn carries<'topic>(&self, topic: &'topic Topic) -> Option<Carries<'topic>> {
        let rest = topic.as_str().strip_prefix(&*self.hub)?;
        if let Some(id) = rest.strip_prefix(":connection:") {
            return Some(Carries::Messages(id));
        }
        if !rest.starts_with(":internal:") {
            return None;
        }
        [
            (&self.groups, Carries::Commands),
            (&self.ack, Carries::Acks),
            (&self.returns, Carries::Completions),
        ]
        .into_iter()
        .find_map(|(own, carries)| (own == topic).then_some(carries))
    }
}

fn ack(hub: &str, server: &str) -> Result<Topic, TopicError> {
    Topic::new(format!("{hub}:internal:ack:{server}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::Topic;

    use super::{Carries, Names};
    use crate::hub::peers::NodeId;

    #[test]
    fn a_topic_tells_what_it_carries() {
        let names = Names::new("Contoso.Live.RoomHub", NodeId::random()).unwrap();
        let carries = |topic: &str| {
            let topic = Topic::new(topic).unwrap();
            format!("{:?}", names.carries(&topic))
        };
        let of = |name: &str| format!("Contoso.Live.RoomHub:{name}");
        assert_eq!(carries(&of("internal:groups")), "Some(Commands)");
        assert_eq!(carries(&of("connection:cA")), "Some(Messages(\"cA\"))");
        assert_eq!(carries(&of("all")), "None");
        assert_eq!(carries(&of("group:internal:groups")), "None");
        assert_eq!(carries(&of("internal:ack:another")), "None");
        assert_eq!(carries("Contoso.Live.RoomHub2:internal:groups"), "None");
        assert_eq!(names.carries(&names.ack), Some(Carries::Acks));
        assert_eq!(names.carries(&names.returns), Some(Carries::Completions));
    }
}
