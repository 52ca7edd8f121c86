//! Reaching connections of other servers, whichever server has them.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use mesahub_broker::{Broker, BrokerError, Publication, Topic, TopicError};
use mesahub_protocol::envelope::{BackplaneCompletion, Envelope, GroupAction, GroupCommand, Reply};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use tokio::sync::{OnceCell, mpsc, oneshot};

use crate::hub::aspnetcore::acks::Acks;
use crate::hub::aspnetcore::names::Names;
use crate::hub::aspnetcore::receiving::perform;
use crate::hub::cluster::{ClusterError, received};
use crate::hub::error::GroupError;
use crate::hub::id::ConnectionId;
use crate::hub::instance::Inner;
use crate::hub::listener::Listener;
use crate::hub::node::Node;
use crate::hub::receiver::Receiver;
use crate::hub::results::InvokeError;

/// How long a group command may wait for its ack, as in ASP.NET Core.
const ACK_TIMEOUT: Duration = Duration::from_secs(30);

/// Group commands of other servers that may wait for this one. What comes beyond is dropped and
/// logged; its sender gets no ack, and so knows.
const WAITING_COMMANDS: usize = 1_024;

/// One hub of this node as one of the official servers.
pub(crate) struct AspNetCore {
    pub(super) hub: Weak<Inner>,
    pub(super) names: Names,
    pub(super) acks: Acks,
    /// Questions to connections of other servers, by the id of the invocation.
    pub(super) asked: Mutex<HashMap<String, oneshot::Sender<BackplaneCompletion>>>,
    pub(super) commands: mpsc::Sender<GroupCommand>,
    broker: Arc<dyn Broker>,
    node: Weak<Node>,
    /// The serial of the listener, once the server's own topics are subscribed.
    listening: OnceCell<u64>,
}

/// Withdraws a question when it is dropped.
struct Asked<'a> {
    of: &'a AspNetCore,
    invocation: &'a str,
}

impl AspNetCore {
    /// Joins the official servers under these names.
    pub(crate) fn join(hub: Weak<Inner>, names: Names, node: &Arc<Node>) -> Arc<Self> {
        let (commands, waiting) = mpsc::channel(WAITING_COMMANDS);
        let joined = Arc::new(Self {
            names,
            hub,
            acks: Acks::default(),
            asked: Mutex::default(),
            commands,
            broker: Arc::clone(node.broker()),
            node: Arc::downgrade(node),
            listening: OnceCell::new(),
        });
        let receiver: Weak<dyn Receiver> = Arc::<Self>::downgrade(&joined);
        node.receivers().add(receiver);
        node.tasks().spawn(perform(
            Arc::downgrade(&joined),
            waiting,
            node.stopping().clone(),
        ));
        joined
    }

    /// The topic of a connection, which its server listens to.
    pub(crate) fn topic(&self, id: ConnectionId) -> Result<Topic, TopicError> {
        self.names.connection(id)
    }

    /// Subscribes the server's own topics, if that has not been done. Nobody is answered before.
    pub(crate) async fn ready(&self) -> Result<(), GroupError> {
        let listening = self.listening.get_or_try_init(|| async {
            let Some(node) = self.node.upgrade() else {
                return Err(BrokerError::Closed);
            };
            let serial = node.next_serial();
            let ignored = Arc::new(|_: &str, _: &bytes::Bytes| {});
            let topics = [&self.names.groups, &self.names.ack, &self.names.returns];
            // The table first, so that all are subscribed together.
            let waiters = topics.map(|topic| {
                let listener = Listener::new(serial, Arc::clone(&ignored) as _);
                node.membership().listen(topic, listener)
            });
            for waiter in waiters.into_iter().flatten() {
                if let Ok(Err(failed)) = waiter.await {
                    for topic in topics {
                        node.membership().unlisten(topic, serial);
                    }
                    return Err(BrokerError::clone(&failed.0));
                }
            }
            Ok(serial)
        });
        listening.await.map(drop).map_err(broker)
    }

    /// Has a connection moved into or out of a group by whichever server has it, and waits until
    /// that is in force.
    pub(crate) async fn change(
        &self,
        id: ConnectionId,
        action: GroupAction,
        group: &str,
    ) -> Result<(), GroupError> {
        self.ready().await?;
        if !self.exists(id).await.map_err(broker)? {
            return Err(GroupError::UnknownConnection(id));
        }
        let awaited = self.acks.open();
        let command = GroupCommand {
            id: awaited.id,
            server_name: self.names.server.to_string(),
            action,
            group: group.to_owned(),
            connection_id: id.to_string(),
        };
        let sent = self.publish(self.names.groups.clone(), command.encode());
        sent.await.map_err(broker)?;
        tokio::time::timeout(ACK_TIMEOUT, awaited.done())
            .await
            .map_err(|_| GroupError::Cluster(ClusterError::Silent))
    }

    /// Passes a message to a connection of another server. Whether there is one is not found out.
    pub(crate) async fn deliver(
        &self,
        id: ConnectionId,
        envelope: &Envelope,
    ) -> Result<(), BrokerError> {
        let topic = self.names.connection(id).map_err(BrokerError::rejected)?;
        self.publish(topic, envelope.encode()).await
    }

    /// An id for a question that no server has used.
    pub(crate) fn invocation() -> String {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system provides randomness");
        STANDARD_NO_PAD.encode(bytes)
    }

    /// Asks a client of another server for a value. The official servers set no deadline; ours is
    /// the caller's.
    pub(crate) async fn invoke<R: DeserializeOwned>(
        &self,
        id: ConnectionId,
        invocation: String,
        mut envelope: Envelope,
        deadline: Duration,
    ) -> Result<R, InvokeError> {
        self.ready().await.map_err(|error| match error {
            GroupError::Cluster(ClusterError::Broker(error)) => InvokeError::Broker(error),
            _ => InvokeError::UnknownConnection(id),
        })?;
        if !self.exists(id).await? {
            return Err(InvokeError::UnknownConnection(id));
        }
        let (sender, answer) = oneshot::channel();
        self.asked.lock().insert(invocation.clone(), sender);
        let _asked = Asked {
            of: self,
            invocation: &invocation,
        };
        envelope.reply = Some(Reply {
            invocation_id: invocation.clone(),
            return_channel: self.names.returns.to_string(),
        });
        let topic = self.names.connection(id).map_err(BrokerError::rejected)?;
        self.publish(topic, envelope.encode()).await?;
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(answer)) => received(&answer.protocol, &answer.completion, id),
            Ok(Err(_)) | Err(_) => Err(InvokeError::TimedOut),
        }
    }

    /// Whether any server listens for a connection. Where a count does not see every listener, as
    /// in a Redis Cluster, none is no proof, and the wait for an answer decides.
    async fn exists(&self, id: ConnectionId) -> Result<bool, BrokerError> {
        if !self.broker.capabilities().exact_subscriber_count {
            return Ok(true);
        }
        let topic = self.names.connection(id).map_err(BrokerError::rejected)?;
        Ok(self.broker.subscriber_count(&topic).await? > 0)
    }

    pub(super) async fn publish(&self, topic: Topic, payload: Vec<u8>) -> Result<(), BrokerError> {
        let published = self.broker.publish(vec![Publication::new(topic, payload)]);
        published
            .await
            .into_iter()
            .try_for_each(|one| one.map(drop))
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.of.asked.lock().remove(self.invocation);
    }
}

impl Drop for AspNetCore {
    fn drop(&mut self) {
        if let (Some(serial), Some(node)) = (self.listening.get(), self.node.upgrade()) {
            for topic in [&self.names.groups, &self.names.ack, &self.names.returns] {
                node.membership().unlisten(topic, *serial);
            }
        }
    }
}

fn broker(error: BrokerError) -> GroupError {
    GroupError::Cluster(ClusterError::Broker(error))
}
