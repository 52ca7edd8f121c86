//! The hub on all its nodes.

use std::time::Duration;

use bytes::Bytes;
use mesahub_broker::BrokerError;
use mesahub_protocol::envelope::{Envelope, GroupAction};
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use crate::hub::cluster::question::Whois;
use crate::hub::cluster::question::{Deliver, Question, Reply};
use crate::hub::cluster::result;
use crate::hub::ending::Ending;
use crate::hub::error::{GroupError, SendError};
use crate::hub::id::ConnectionId;
use crate::hub::instance::Hub;
use crate::hub::peers::{AskError, NodeId, join, split};
use crate::hub::receipts::Receipt;
use crate::hub::results::InvokeError;

/// How long another node may take over an answer that needs nobody else.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long a count waits for nodes that do not answer.
const COUNTING: Duration = Duration::from_secs(2);

/// What a client's result may need on its way beside the deadline it was given.
const TRAVEL: Duration = Duration::from_secs(2);

/// A hub on all its nodes. What [`Hub`] itself offers acts on one.
///
/// Dropping a future leaves what it asked of another node done or not done.
#[derive(Clone, Debug)]
pub struct Cluster {
    hub: Hub,
}

/// Another node was needed and could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The backplane refused.
    #[error("the backplane did not take the question")]
    Broker(#[from] BrokerError),
    /// The node that has the connection did not answer in time; it may have acted all the same.
    #[error("the node that has the connection did not answer")]
    Silent,
    /// The node that has the connection could not do it.
    #[error("the node that has the connection says: {0}")]
    Failed(String),
}

impl ClusterError {
    /// Whether the same call may succeed later with nothing changed but time.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Broker(error) => error.is_retryable(),
            Self::Silent => true,
            Self::Failed(_) => false,
        }
    }
}

impl Cluster {
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub }
    }

    /// How many nodes are alive, this one included. A node that was killed counts until its lease
    /// ends.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.hub.node().peers().others() + 1
    }

    /// Who a connection is, wherever it is; `None` when there is no such connection.
    ///
    /// # Errors
    /// When its node cannot be asked.
    pub async fn whois(&self, id: ConnectionId) -> Result<Option<Whois>, ClusterError> {
        if self.is_here(id) {
            return Ok(self.whois_here(id));
        }
        match self.ask(id, &Question::Whois(id)).await? {
            Reply::Whois(whois) => Ok(Some(whois)),
            other => gone(other).map(|()| None),
        }
    }

    /// Adds a connection to a group, wherever it is. When it has returned, what is sent to the
    /// group reaches the connection.
    ///
    /// # Errors
    /// When there is no such connection, the name is unusable, the backplane refuses or the node
    /// does not answer.
    pub async fn add_to_group(&self, id: ConnectionId, group: &str) -> Result<(), GroupError> {
        if self.is_here(id) {
            return self.hub.add_to_group(id, group).await;
        }
        self.hub.topics().group(group)?;
        if let Some(official) = self.hub.aspnetcore() {
            return official.change(id, GroupAction::Add, group).await;
        }
        self.change(id, &Question::Join(id, group.to_owned())).await
    }

    /// Removes a connection from a group, wherever it is.
    ///
    /// # Errors
    /// As [`add_to_group`](Self::add_to_group).
    pub async fn remove_from_group(&self, id: ConnectionId, group: &str) -> Result<(), GroupError> {
        if self.is_here(id) {
            return self.hub.remove_from_group(id, group);
        }
        self.hub.topics().group(group)?;
        if let Some(official) = self.hub.aspnetcore() {
            return official.change(id, GroupAction::Remove, group).await;
        }
        self.change(id, &Question::Leave(id, group.to_owned()))
            .await
    }

    /// Ends a connection, wherever it is; whether there was one.
    ///
    /// # Errors
    /// When its node cannot be asked.
    pub async fn disconnect(&self, id: ConnectionId, ending: Ending) -> Result<bool, ClusterError> {
        if self.is_here(id) {
            return Ok(self.hub.disconnect(id, ending));
        }
        match self.ask(id, &Question::End(id, ending)).await? {
            Reply::Done => Ok(true),
            other => gone(other).map(|()| false),
        }
    }

    /// Ends all connections of a user; how many there were.
    ///
    /// # Errors
    /// When the backplane does not take the question.
    pub async fn disconnect_user(&self, user: &str, ending: &Ending) -> Result<u64, ClusterError> {
        let here = self.hub.disconnect_user(user, ending);
        self.sum(here, &Question::EndUser(user.to_owned(), ending.clone()))
            .await
    }

    /// How many connections are in a group. A node that does not answer within two seconds is not
    /// counted.
    ///
    /// # Errors
    /// When the backplane does not take the question.
    pub async fn group_count(&self, group: &str) -> Result<u64, ClusterError> {
        let here = self.hub.group_count(group);
        self.sum(here, &Question::CountGroup(group.to_owned()))
            .await
    }

    /// How many connections a user has, counted as [`group_count`](Self::group_count) does.
    ///
    /// # Errors
    /// When the backplane does not take the question.
    pub async fn user_count(&self, user: &str) -> Result<u64, ClusterError> {
        let here = self.hub.user_count(user);
        self.sum(here, &Question::CountUser(user.to_owned())).await
    }

    /// Whether a user has a connection anywhere.
    ///
    /// The nodes are asked, not the backplane: a node that hangs or has lost its power is subscribed
    /// still, and is none of the nodes any more when its lease has ended. Official servers answer no
    /// such question; with them, and for a node that is alone, the backplane is believed.
    ///
    /// # Errors
    /// When the name is unusable, or the backplane does not answer or does not take the question.
    pub async fn is_online(&self, user: &str) -> Result<bool, SendError> {
        if self.hub.user_count(user) > 0 {
            return Ok(true);
        }
        let (topic, node) = (self.hub.topics().user(user)?, self.hub.node());
        if self.hub.aspnetcore().is_some() || node.peers().is_alone() {
            return Ok(node.broker().subscriber_count(&topic).await? > 0);
        }
        let counted = self.user_count(user).await;
        counted.map(|count| count > 0).map_err(|error| match error {
            ClusterError::Broker(error) => error.into(),
            error => BrokerError::unavailable(error).into(),
        })
    }

    /// How many connections the hub has, counted as [`group_count`](Self::group_count) does.
    ///
    /// # Errors
    /// When the backplane does not take the question.
    pub async fn connection_count(&self) -> Result<u64, ClusterError> {
        self.sum(self.hub.connection_count(), &Question::CountAll)
            .await
    }

    /// How many connections a message has been given to so far that was sent with
    /// [`SendOptions::receipt`](crate::hub::SendOptions::receipt), on all nodes; one that answers
    /// too late is not counted. `None` when the node that sent it is gone, or it is longer ago than
    /// [`RECEIPTS_KEPT`](crate::hub::RECEIPTS_KEPT), or nobody has asked for it.
    ///
    /// A connection counts once the message is in its outbox, the last place before its transport;
    /// what a client reads with `Resume` does not count.
    ///
    /// # Errors
    /// When the backplane does not take the question.
    pub async fn receipt(&self, id: Uuid) -> Result<Option<Receipt>, ClusterError> {
        let here = self.hub.node().receipts().of(id);
        let mut receipt = Receipt {
            owner: None,
            connections: here.given,
            nodes: u64::from(here.given > 0),
        };
        let mut sent = here.sent.map(|sent| sent.owner);
        for answer in self.ask_others(&Question::Receipt(id)).await? {
            if let Reply::Receipt {
                sent: from_there,
                owner,
                given,
            } = answer
            {
                receipt.connections += given;
                receipt.nodes += u64::from(given > 0);
                if from_there {
                    sent = Some(owner);
                }
            }
        }
        Ok(sent.map(|owner| Receipt { owner, ..receipt }))
    }

    /// Whether no other node need be asked about a connection.
    pub(crate) fn is_here(&self, id: ConnectionId) -> bool {
        id.node() == self.hub.node().peers().me() || self.hub.find(id).is_some()
    }

    pub(crate) fn whois_here(&self, id: ConnectionId) -> Option<Whois> {
        let connection = self.hub.find(id)?;
        let principal = connection.principal();
        Some(Whois {
            tenant: principal.tenant.clone(),
            session: principal.session,
            user: connection.user().map(str::to_owned),
        })
    }

    /// Passes a message to connections of another node, which get what is sent in order.
    ///
    /// Whether there is such a node is found out, whether it has the connections is not.
    pub(crate) async fn deliver(
        &self,
        node: NodeId,
        connections: Vec<ConnectionId>,
        envelope: &Envelope,
    ) -> Result<(), AskError> {
        if let Some(official) = self.hub.aspnetcore() {
            let mut delivered = Ok(());
            for id in connections {
                delivered = official.deliver(id, envelope).await.and(delivered);
            }
            return delivered.map_err(AskError::Broker);
        }
        let message = join(&Deliver { connections }, &envelope.encode());
        let peers = self.hub.node().peers();
        peers.tell(node, self.service(), &message).await
    }

    /// Asks a client of another node for a value.
    pub(crate) async fn invoke<R: DeserializeOwned>(
        &self,
        id: ConnectionId,
        invocation: String,
        envelope: Envelope,
        deadline: Duration,
    ) -> Result<R, InvokeError> {
        if let Some(official) = self.hub.aspnetcore() {
            return official.invoke(id, invocation, envelope, deadline).await;
        }
        let question = Question::Invoke {
            connection: id,
            invocation,
            deadline,
        };
        let question = join(&question, &envelope.encode());
        let peers = self.hub.node().peers();
        let answer = peers
            .ask(id.node(), self.service(), &question, deadline + TRAVEL)
            .await;
        let answer = answer.map_err(|error| match error {
            AskError::NoNode(_) => InvokeError::UnknownConnection(id),
            AskError::Silent => InvokeError::TimedOut,
            AskError::Broker(error) => error.into(),
        })?;
        match split(&answer) {
            Some((Reply::Completed(protocol), completion)) => {
                result::received(&protocol, &completion, id)
            }
            Some((Reply::UnknownConnection, _)) => Err(InvokeError::UnknownConnection(id)),
            Some((Reply::Disconnected, _)) => Err(InvokeError::Disconnected(id)),
            Some((Reply::Failed(text), _)) => Err(InvokeError::Client(text)),
            _ => Err(InvokeError::TimedOut),
        }
    }

    async fn change(&self, id: ConnectionId, question: &Question) -> Result<(), GroupError> {
        match self.ask(id, question).await? {
            Reply::Done => Ok(()),
            other => {
                gone(other)?;
                Err(GroupError::UnknownConnection(id))
            }
        }
    }

    /// Asks the node that has a connection; a node that is gone answers that it is unknown.
    async fn ask(&self, id: ConnectionId, question: &Question) -> Result<Reply, ClusterError> {
        let peers = self.hub.node().peers();
        let question = join(question, &[]);
        let asked = peers.ask(id.node(), self.service(), &question, DEADLINE);
        match asked.await {
            Ok(answer) => Ok(reply(&answer)),
            Err(AskError::NoNode(_)) => Ok(Reply::UnknownConnection),
            Err(AskError::Silent) => Err(ClusterError::Silent),
            Err(AskError::Broker(error)) => Err(error.into()),
        }
    }

    async fn sum(&self, here: usize, question: &Question) -> Result<u64, ClusterError> {
        let answers = self.ask_others(question).await?;
        let counts = answers.into_iter().map(|answer| match answer {
            Reply::Count(count) => count,
            _ => 0,
        });
        Ok(here as u64 + counts.sum::<u64>())
    }

    async fn ask_others(&self, question: &Question) -> Result<Vec<Reply>, ClusterError> {
        let peers = self.hub.node().peers();
        let question = join(question, &[]);
        match peers.ask_others(self.service(), &question, COUNTING).await {
            Ok(answers) => Ok(answers.iter().map(reply).collect()),
            Err(AskError::Broker(error)) => Err(error.into()),
            Err(AskError::NoNode(_) | AskError::Silent) => Err(ClusterError::Silent),
        }
    }

    fn service(&self) -> &str {
        self.hub.service_name()
    }
}

fn reply(answer: &Bytes) -> Reply {
    split(answer).map_or_else(
        || Reply::Failed("its answer cannot be read".to_owned()),
        |(reply, _)| reply,
    )
}

/// What an answer that was not hoped for means.
fn gone(reply: Reply) -> Result<(), ClusterError> {
    match reply {
        Reply::UnknownConnection | Reply::Disconnected => Ok(()),
        Reply::Failed(text) => Err(ClusterError::Failed(text)),
        other => Err(ClusterError::Failed(format!("{other:?}"))),
    }
}
