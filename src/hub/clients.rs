//! Addressing clients: who a message is for, and sending it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use mesahub_broker::{BrokerError, OnceKey, Publication, Topic};
use mesahub_protocol::envelope::Envelope;
use mesahub_protocol::{EncodeError, Extension, Protocol, encode_close, encode_invocation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::hub::aspnetcore::AspNetCore;
use crate::hub::ending::CLOSED_WITH_ERROR;
use crate::hub::error::SendError;
use crate::hub::frame::Encoded;
use crate::hub::id::ConnectionId;
use crate::hub::instance::Hub;
use crate::hub::outbox::Overflow;
use crate::hub::peers::AskError;
use crate::hub::results::InvokeError;
use crate::hub::topics;
use crate::telemetry::TraceParent;

/// Addresses the clients of a hub.
#[derive(Clone, Debug)]
pub struct Clients {
    hub: Hub,
    caller: Option<ConnectionId>,
    /// Whether they may be asked for values.
    may_ask: bool,
}

/// Somebody to send to. Nothing happens before [`Recipients::send`].
#[must_use = "nothing is sent before `send`"]
#[derive(Clone, Debug)]
pub struct Recipients {
    hub: Hub,
    to: To,
    excluded: Vec<ConnectionId>,
    options: SendOptions,
}

#[derive(Clone, Debug)]
enum To {
    All,
    Groups(Vec<String>),
    Users(Vec<String>),
    Connections(Vec<ConnectionId>),
}

/// How a message travels.
#[derive(Clone, Debug, Default)]
pub struct SendOptions {
    /// Identifies the message. Needed by `once`.
    pub message_id: Option<Uuid>,
    /// Keep it in the logs of the topics that it is sent to. With `message_id`, each takes it
    /// once, however often it is sent: what was sent before is no error, and reaches nobody again.
    pub log: bool,
    /// By which the logs know it in place of `message_id`. It must be another for every other
    /// message of a topic. Nothing without `log`.
    pub once_key: Option<OnceKey>,
    /// Count the connections that it is given to, for
    /// [`Cluster::receipt`](crate::hub::Cluster::receipt). Needs `message_id`.
    pub receipt: bool,
    /// Where it belongs in a trace, for the logs of the nodes that hand it on.
    pub trace_parent: Option<TraceParent>,
    /// It goes to several groups: give it once to a connection that is in more than one.
    pub once: bool,
    /// What happens at a full outbox.
    pub overflow: Overflow,
}

impl Clients {
    pub(crate) fn new(hub: Hub, caller: Option<ConnectionId>) -> Self {
        Self {
            hub,
            caller,
            may_ask: true,
        }
    }

    /// The same, but nobody can be asked for a value.
    pub(crate) fn without_results(self) -> Self {
        Self {
            may_ask: false,
            ..self
        }
    }

    /// Everybody connected to the hub, on every node.
    pub fn all(&self) -> Recipients {
        self.to(To::All)
    }

    /// Everybody but these connections.
    pub fn all_except(&self, excluded: impl IntoIterator<Item = ConnectionId>) -> Recipients {
        self.all().except(excluded)
    }

    /// The connection whose call is being handled; nobody outside a handler.
    pub fn caller(&self) -> Recipients {
        self.to(To::Connections(self.caller.into_iter().collect()))
    }

    /// Everybody but the caller.
    pub fn others(&self) -> Recipients {
        self.all().except(self.caller)
    }

    /// The members of a group but the caller.
    pub fn others_in_group(&self, group: impl Into<String>) -> Recipients {
        self.group(group).except(self.caller)
    }

    /// One connection, on whatever node.
    pub fn connection(&self, id: ConnectionId) -> Recipients {
        self.connections([id])
    }

    /// Several connections, on whatever nodes.
    pub fn connections(&self, ids: impl IntoIterator<Item = ConnectionId>) -> Recipients {
        self.to(To::Connections(ids.into_iter().collect()))
    }

    /// The members of a group, on every node. An empty name addresses nobody.
    pub fn group(&self, group: impl Into<String>) -> Recipients {
        self.groups([group])
    }

    /// The members of several groups; who is in two gets the message twice, unless
    /// [`SendOptions::once`] is set.
    pub fn groups<G: Into<String>>(&self, groups: impl IntoIterator<Item = G>) -> Recipients {
        self.to(To::Groups(groups.into_iter().map(Into::into).collect()))
    }

    /// The members of a group but these connections.
    pub fn group_except(
        &self,
        group: impl Into<String>,
        excluded: impl IntoIterator<Item = ConnectionId>,
    ) -> Recipients {
        self.group(group).except(excluded)
    }

    /// All connections of a user, on every node.
    pub fn user(&self, user: impl Into<String>) -> Recipients {
        self.users([user])
    }

    /// All connections of several users.
    pub fn users<U: Into<String>>(&self, users: impl IntoIterator<Item = U>) -> Recipients {
        self.to(To::Users(users.into_iter().map(Into::into).collect()))
    }

    /// Calls a method on one connection, on whatever node, and waits for the value that its client
    /// returns, for `deadline` at most. Dropping the future gives the answer up; the client is not
    /// told.
    ///
    /// # Errors
    /// When the connection is not here or goes, the client answers with an error or not in time,
    /// or its answer is no `R`; and in a connect handler, through the caller's own `clients`.
    pub async fn invoke<R, A>(
        &self,
        id: ConnectionId,
        method: &str,
        arguments: &A,
        deadline: Duration,
    ) -> Result<R, InvokeError>
    where
        R: DeserializeOwned + Send + 'static,
        A: Serialize + Sync + ?Sized,
    {
        if !self.may_ask {
            return Err(InvokeError::Connecting);
        }
        let results = self.hub.results();
        if let Some(connection) = self.hub.find(id) {
            return results.ask(&connection, method, arguments, deadline).await;
        }
        if self.hub.cluster().is_here(id) {
            return Err(InvokeError::UnknownConnection(id));
        }
        let invocation = match self.hub.aspnetcore() {
            Some(_) => AspNetCore::invocation(),
            None => results.name(self.hub.node().id()),
        };
        let messages = encode(&self.hub, Some(&invocation), method, arguments)?;
        let envelope = Envelope {
            messages: named(&messages),
            ..Envelope::default()
        };
        self.hub
            .cluster()
            .invoke(id, invocation, envelope, deadline)
            .await
    }

    fn to(&self, to: To) -> Recipients {
        Recipients {
            hub: self.hub.clone(),
            to,
            excluded: Vec::new(),
            options: SendOptions::default(),
        }
    }
}

impl Recipients {
    /// Leaves these connections out.
    pub fn except(mut self, excluded: impl IntoIterator<Item = ConnectionId>) -> Self {
        self.excluded.extend(excluded);
        self
    }

    /// Sets how the message travels.
    pub fn with(mut self, options: SendOptions) -> Self {
        self.options = options;
        self
    }

    /// Calls `method` on the clients. `arguments` is a tuple, an array or a slice, one item per
    /// argument; `()` for none.
    ///
    /// Returns when the backplane has taken the message (or the local connection's outbox has);
    /// not when clients have it. Dropping the future may leave it sent or not sent.
    ///
    /// # Errors
    /// When the arguments cannot be encoded, the address is unusable, a connection is not here
    /// (nothing is said of one that another node no longer has), or the backplane refuses; see
    /// [`SendError::is_retryable`]. Of several connections the others get it all the same.
    pub async fn send<A: Serialize + Sync + ?Sized>(
        self,
        method: &str,
        arguments: &A,
    ) -> Result<(), SendError> {
        let messages = encode(&self.hub, None, method, arguments)?;
        if let To::Connections(ids) = &self.to {
            return self.send_each(ids, messages).await;
        }
        let topics = self.topics()?;
        let payload = self.payload(&messages)?;
        let batch = self.addressed(topics, &payload);
        let results = self.hub.node().broker().publish(batch).await;
        results
            .into_iter()
            .try_for_each(|result| result.map(drop))
            .map_err(SendError::from)
    }

    /// The same message as publications, for a caller that sends many at once.
    pub(crate) fn publications<A: Serialize + ?Sized>(
        &self,
        method: &str,
        arguments: &A,
    ) -> Result<Vec<Publication>, SendError> {
        let payload = self.payload(&encode(&self.hub, None, method, arguments)?)?;
        Ok(self.addressed(self.topics()?, &payload))
    }

    /// A publication for each topic.
    fn addressed(&self, topics: Vec<Topic>, payload: &Bytes) -> Vec<Publication> {
        let SendOptions {
            message_id,
            log,
            once_key,
            ..
        } = self.options;
        let id = message_id.map(|id| OnceKey::new(id.into_bytes()));
        topics
            .into_iter()
            .map(|topic| Publication {
                topic,
                payload: payload.clone(),
                log,
                once: once_key.or(id).filter(|_| log),
            })
            .collect()
    }

    /// Publications that end the connections which get them, behind everything that was published
    /// before: their clients are told the reason, and not to come back. A node of ASP.NET Core
    /// passes the Close message on to its clients, who then end by themselves.
    pub(crate) fn dismissals(&self, reason: &str) -> Result<Vec<Publication>, SendError> {
        let text = format!("{CLOSED_WITH_ERROR} {reason}");
        let close = |protocol: &Protocol| {
            let mut raw = Vec::new();
            encode_close(*protocol, &mut raw, Some(&text), false);
            (*protocol, Bytes::from(raw))
        };
        let messages: Vec<_> = self.hub.options().protocols.iter().map(close).collect();
        let mut envelope = self.envelope(&messages);
        envelope.extension.dismissal = Some(reason.to_owned());
        let payload = Bytes::from(envelope.encode());
        let topics = self.topics()?.into_iter();
        Ok(topics
            .map(|topic| Publication::new(topic, payload.clone()))
            .collect())
    }

    /// To each connection that is here, and to each node that has others. An error of the backplane
    /// is told rather than a connection that is gone.
    async fn send_each(
        &self,
        ids: &[ConnectionId],
        messages: Vec<(Protocol, Bytes)>,
    ) -> Result<(), SendError> {
        let envelope = self.envelope(&messages);
        let mut encoded = Encoded::new();
        for (protocol, raw) in messages {
            encoded.insert(protocol, raw);
        }
        let cluster = self.hub.cluster();
        let (mut failure, mut elsewhere) = (None, BTreeMap::<_, Vec<_>>::new());
        for id in ids.iter().filter(|id| !self.excluded.contains(id)) {
            if let Some(connection) = self.hub.find(*id) {
                connection.send_encoded(&encoded, &self.options.overflow);
            } else if cluster.is_here(*id) {
                failure = Some(SendError::UnknownConnection(*id));
            } else {
                elsewhere.entry(id.node()).or_default().push(*id);
            }
        }
        for (node, ids) in elsewhere {
            let first = ids[0];
            match cluster.deliver(node, ids, &envelope).await {
                Ok(()) => {}
                Err(AskError::Broker(error)) => failure = Some(error.into()),
                Err(_) if failure.is_none() => failure = Some(SendError::UnknownConnection(first)),
                Err(_) => {}
            }
        }
        failure.map_or(Ok(()), Err)
    }

    fn topics(&self) -> Result<Vec<Topic>, SendError> {
        let names = self.hub.topics();
        let topics = match &self.to {
            To::All => vec![names.all()],
            To::Groups(groups) => each(groups, |group| names.group(group))?,
            To::Users(users) => each(users, |user| names.user(user))?,
            To::Connections(_) => Vec::new(),
        };
        Ok(topics)
    }

    fn envelope(&self, messages: &[(Protocol, Bytes)]) -> Envelope {
        Envelope {
            excluded: self.excluded.iter().map(ToString::to_string).collect(),
            messages: named(messages),
            reply: None,
            extension: Extension {
                message_id: self.options.message_id.map(Uuid::into_bytes),
                trace_parent: self.options.trace_parent.map(|parent| parent.to_string()),
                dedupe: self.options.once && self.options.message_id.is_some(),
                logged: self.options.log,
                receipt: self.options.receipt && self.options.message_id.is_some(),
                overflow: topics::overflow_to_wire(&self.options.overflow),
                ..Extension::default()
            },
        }
    }

    /// The payload for the backplane. One that it could never carry is refused here, so that
    /// nobody accepts it first.
    fn payload(&self, messages: &[(Protocol, Bytes)]) -> Result<Bytes, SendError> {
        let payload = Bytes::from(self.envelope(messages).encode());
        let max = self.hub.node().broker().capabilities().max_payload;
        if payload.len() > max {
            let size = payload.len();
            return Err(BrokerError::TooLarge { size, max }.into());
        }
        Ok(payload)
    }
}

/// A call in every protocol that the hub speaks.
fn encode<A: Serialize + ?Sized>(
    hub: &Hub,
    invocation: Option<&str>,
    method: &str,
    arguments: &A,
) -> Result<Vec<(Protocol, Bytes)>, EncodeError> {
    let encode = |protocol: &Protocol| {
        let mut raw = Vec::with_capacity(256);
        encode_invocation(*protocol, &mut raw, invocation, method, arguments)?;
        Ok((*protocol, Bytes::from(raw)))
    };
    hub.options().protocols.iter().map(encode).collect()
}

/// The messages as an envelope has them.
fn named(messages: &[(Protocol, Bytes)]) -> Vec<(Cow<'static, str>, Bytes)> {
    let named = |(protocol, raw): &(Protocol, Bytes)| (protocol.name().into(), raw.clone());
    messages.iter().map(named).collect()
}

/// One topic for each name that is not empty.
fn each(
    names: &[String],
    topic: impl Fn(&str) -> Result<Topic, mesahub_broker::TopicError>,
) -> Result<Vec<Topic>, mesahub_broker::TopicError> {
    names
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| topic(name))
        .collect()
}
