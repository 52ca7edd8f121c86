//! Answering for the connections of this node.

use std::sync::Weak;

use async_trait::async_trait;
use bytes::Bytes;
use mesahub_protocol::Protocol;
use mesahub_protocol::envelope::Envelope;

use crate::hub::cluster::question::{Deliver, Question, Reply};
use crate::hub::cluster::result;
use crate::hub::error::GroupError;
use crate::hub::frame::Encoded;
use crate::hub::instance::{Hub, Inner};
use crate::hub::peers::{Service, join, split};
use crate::hub::results::InvokeError;
use crate::hub::topics;

/// One hub of this node, to the others.
pub(crate) struct Answering {
    hub: Weak<Inner>,
}

impl Answering {
    pub(crate) fn new(hub: Weak<Inner>) -> Self {
        Self { hub }
    }

    fn hub(&self) -> Option<Hub> {
        self.hub.upgrade().map(Hub::from)
    }
}

#[async_trait]
impl Service for Answering {
    async fn asked(&self, question: Bytes) -> Bytes {
        let (reply, body) = match (self.hub(), split(&question)) {
            (Some(hub), Some((question, body))) => answer(&hub, question, &body).await,
            (None, _) => (Reply::Failed("the hub is gone".to_owned()), Vec::new()),
            (_, None) => (Reply::Failed("unreadable".to_owned()), Vec::new()),
        };
        join(&reply, &body)
    }

    fn told(&self, message: Bytes) {
        let (Some(hub), Some((Deliver { connections }, body))) = (self.hub(), split(&message))
        else {
            tracing::warn!("dropped what another node sent: it cannot be read");
            return;
        };
        let envelope = match Envelope::decode(&body) {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::warn!(%error, "dropped what another node sent");
                return;
            }
        };
        let encoded = encoded(&envelope);
        let overflow = topics::overflow_from_wire(envelope.extension.overflow);
        for id in connections {
            if let Some(connection) = hub.find(id) {
                connection.send_encoded(&encoded, &overflow);
            }
        }
    }
}

async fn answer(hub: &Hub, question: Question, body: &Bytes) -> (Reply, Vec<u8>) {
    let reply = match question {
        Question::Whois(id) => hub
            .cluster()
            .whois_here(id)
            .map_or(Reply::UnknownConnection, Reply::Whois),
        Question::Join(id, group) => done(hub.add_to_group(id, &group).await),
        Question::Leave(id, group) => done(hub.remove_from_group(id, &group)),
        Question::End(id, ending) => {
            if hub.disconnect(id, ending) {
                Reply::Done
            } else {
                Reply::UnknownConnection
            }
        }
        Question::EndUser(user, ending) => count(hub.disconnect_user(&user, &ending)),
        Question::CountGroup(group) => count(hub.group_count(&group)),
        Question::CountUser(user) => count(hub.user_count(&user)),
        Question::CountAll => count(hub.connection_count()),
        Question::Receipt(id) => {
            let record = hub.node().receipts().of(id);
            Reply::Receipt {
                sent: record.sent.is_some(),
                owner: record.sent.and_then(|sent| sent.owner),
                given: record.given,
            }
        }
        Question::Invoke {
            connection,
            invocation,
            deadline,
        } => {
            let Some(found) = hub.find(connection) else {
                return (Reply::UnknownConnection, Vec::new());
            };
            let Ok(envelope) = Envelope::decode(body) else {
                return (Reply::Failed("unreadable".to_owned()), Vec::new());
            };
            let encoded = encoded(&envelope);
            let asked = result::forward(hub, &found, &invocation, &encoded, deadline).await;
            return match asked {
                Ok((protocol, completion)) => {
                    (Reply::Completed(protocol.name().to_owned()), completion)
                }
                Err(error) => (refused(&error), Vec::new()),
            };
        }
    };
    (reply, Vec::new())
}

/// The messages of an envelope that this build can pass on.
pub(crate) fn encoded(envelope: &Envelope) -> Encoded {
    let mut encoded = Encoded::new();
    for (name, bytes) in &envelope.messages {
        if let Some(protocol) = Protocol::parse_name(name) {
            encoded.insert(protocol, bytes.clone());
        }
    }
    encoded
}

fn done(acted: Result<(), GroupError>) -> Reply {
    match acted {
        Ok(()) => Reply::Done,
        Err(GroupError::UnknownConnection(_)) => Reply::UnknownConnection,
        Err(error) => Reply::Failed(error.to_string()),
    }
}

fn count(count: usize) -> Reply {
    Reply::Count(count as u64)
}

fn refused(error: &InvokeError) -> Reply {
    match error {
        InvokeError::UnknownConnection(_) => Reply::UnknownConnection,
        InvokeError::Disconnected(_) => Reply::Disconnected,
        InvokeError::TimedOut => Reply::TimedOut,
        other => Reply::Failed(other.to_string()),
    }
}
