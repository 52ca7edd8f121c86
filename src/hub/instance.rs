//! A hub: its methods, its connections on this node, and the way to its clients on every node.

use std::fmt;
use std::sync::{Arc, Weak};

use mesahub_broker::{Position, Topic};

use crate::auth::Principal;
use crate::hub::aspnetcore::AspNetCore;
use crate::hub::builder::HubBuilder;
use crate::hub::carrier::Carrier;
use crate::hub::census::Census;
use crate::hub::clients::Clients;
use crate::hub::cluster::{Answering, Cluster};
use crate::hub::connection::{Connection, Parts};
use crate::hub::dispatch::Dispatcher;
use crate::hub::ending::Ending;
use crate::hub::error::GroupError;
use crate::hub::id::ConnectionId;
use crate::hub::lifecycle::Lifecycle;
use crate::hub::listener::{Callback, Listener};
use crate::hub::membership::{Joining, Waiter};
use crate::hub::node::Node;
use crate::hub::options::HubOptions;
use crate::hub::registry::{Registration, Registry};
use crate::hub::results::Results;
use crate::hub::topics::Topics;
use crate::hub::traffic::Traffic;
use crate::hub::wheel::Deadlines;

/// A hub. Cheap to clone; every clone is the same hub.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) node: Arc<Node>,
    pub(crate) options: HubOptions,
    /// Whether a log keeps a group.
    pub(crate) keeps_log: fn(&str) -> bool,
    pub(crate) deadlines: Arc<Deadlines>,
    pub(crate) topics: Topics,
    pub(crate) registry: Arc<Registry>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) results: Results,
    pub(crate) service: String,
    pub(crate) answering: Arc<Answering>,
    /// The official servers on the same backplane, where they may be.
    pub(crate) aspnetcore: Option<Arc<AspNetCore>>,
}

/// Keeps an in-process listener subscribed until it is dropped.
#[must_use = "dropping it ends the subscription"]
pub struct Subscription {
    hub: Hub,
    topic: Topic,
    serial: u64,
}

impl Hub {
    /// Starts building a hub. The name is what its topics on the backplane begin with, so nodes
    /// that serve the same hub must give it the same name.
    pub fn builder(name: impl Into<String>) -> HubBuilder {
        HubBuilder::new(name.into())
    }

    /// Makes the hub, which answers other nodes from now on. `make` is given the hub to be.
    pub(crate) fn open(make: impl FnOnce(&Weak<Inner>) -> Inner) -> Self {
        let inner = Arc::new_cyclic(make);
        let answering: Weak<Answering> = Arc::downgrade(&inner.answering);
        inner.node.peers().serve(&*inner.service, answering);
        Self { inner }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Its limits and deadlines.
    #[must_use]
    pub fn options(&self) -> &HubOptions {
        &self.inner.options
    }

    /// The node it runs on.
    #[must_use]
    pub fn node(&self) -> &Arc<Node> {
        &self.inner.node
    }

    /// Addresses its clients.
    #[must_use]
    pub fn clients(&self) -> Clients {
        Clients::new(self.clone(), None)
    }

    /// The hub on all its nodes.
    #[must_use]
    pub fn cluster(&self) -> Cluster {
        Cluster::new(self.clone())
    }

    /// Finds a connection of this node.
    #[must_use]
    pub fn find(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        self.inner.registry.find(id)
    }

    /// How many connections this node has.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.inner.registry.len()
    }

    /// What its connections on this node have sent and were sent since the start.
    #[must_use]
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.inner.traffic
    }

    /// Counts the connections of this node and what waits for them. Takes a moment for each
    /// connection.
    #[must_use]
    pub fn census(&self) -> Census {
        let mut census = Census::default();
        for connection in self.inner.registry.everyone() {
            census.count(&connection);
        }
        census
    }

    /// How many connections of this node are in a group. Zero for a name that cannot exist.
    #[must_use]
    pub fn group_count(&self, group: &str) -> usize {
        self.inner
            .topics
            .group(group)
            .map_or(0, |topic| self.inner.node.membership().count(&topic))
    }

    /// How many connections a user has on this node.
    #[must_use]
    pub fn user_count(&self, user: &str) -> usize {
        self.inner
            .topics
            .user(user)
            .map_or(0, |topic| self.inner.node.membership().count(&topic))
    }

    /// Adds a connection of this node to a group; see [`crate::hub::Caller::join`].
    ///
    /// # Errors
    /// When there is no such connection, the name is unusable or the backplane refuses.
    pub async fn add_to_group(&self, id: ConnectionId, group: &str) -> Result<(), GroupError> {
        let connection = self.find(id).ok_or(GroupError::UnknownConnection(id))?;
        self.join_all(&connection, [group]).await
    }

    /// Removes a connection of this node from a group.
    ///
    /// # Errors
    /// When there is no such connection or the name is unusable.
    pub fn remove_from_group(&self, id: ConnectionId, group: &str) -> Result<(), GroupError> {
        let connection = self.find(id).ok_or(GroupError::UnknownConnection(id))?;
        self.leave(&connection, group)
    }

    /// Ends a connection of this node; whether there was one.
    pub fn disconnect(&self, id: ConnectionId, ending: Ending) -> bool {
        self.find(id)
            .map(|connection| connection.end(ending))
            .is_some()
    }

    /// Ends all connections of a user on this node; how many there were.
    pub fn disconnect_user(&self, user: &str, ending: &Ending) -> usize {
        let Ok(topic) = self.inner.topics.user(user) else {
            return 0;
        };
        let (members, _) = self.inner.node.membership().audience(&topic);
        members.iter().for_each(|member| member.end(ending.clone()));
        members.len()
    }

    /// Ends every connection of this node.
    pub fn disconnect_all(&self, ending: &Ending) {
        for connection in self.inner.registry.everyone() {
            connection.end(ending.clone());
        }
    }

    /// Ends so many of the connections that are not ending yet, whichever.
    pub(crate) fn disconnect_some(&self, count: usize, ending: &Ending) {
        let everyone = self.inner.registry.everyone().into_iter();
        let staying = everyone.filter(|connection| connection.ending().is_none());
        for connection in staying.take(count) {
            connection.end(ending.clone());
        }
    }

    /// Calls `callback` with the group's name and the JSON hub message for whatever is sent to a
    /// group, until the subscription is dropped. The callback must not block.
    ///
    /// # Errors
    /// When the name is unusable or the backplane refuses.
    pub async fn listen(
        &self,
        group: &str,
        callback: impl Fn(&str, &bytes::Bytes) + Send + Sync + 'static,
    ) -> Result<Subscription, GroupError> {
        let topic = self.inner.topics.group(group)?;
        let serial = self.inner.node.next_serial();
        let callback: Callback = Arc::new(callback);
        let waiter = self
            .inner
            .node
            .membership()
            .listen(&topic, Listener::new(serial, callback));
        let subscription = Subscription {
            hub: self.clone(),
            topic,
            serial,
        };
        settled(waiter).await?;
        Ok(subscription)
    }

    /// The name under which other nodes find it.
    pub(crate) fn service_name(&self) -> &str {
        &self.inner.service
    }

    /// The official servers on the same backplane, where they may be.
    pub(crate) fn aspnetcore(&self) -> Option<&Arc<AspNetCore>> {
        self.inner.aspnetcore.as_ref()
    }

    pub(crate) fn topics(&self) -> &Topics {
        &self.inner.topics
    }

    pub(crate) fn dispatcher(&self) -> &Dispatcher {
        &self.inner.dispatcher
    }

    pub(crate) fn results(&self) -> &Results {
        &self.inner.results
    }

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.inner.lifecycle
    }

    /// When a connection of this principal has to end, in milliseconds of the node's clock.
    pub(crate) fn expiry(&self, principal: &Principal) -> Option<u64> {
        if !self.inner.options.close_on_expiry {
            return None;
        }
        Some(self.inner.node.moment_of(principal.expires_at?))
    }

    /// Makes a connection that is watched for its handshake but not yet registered.
    pub(crate) fn admit(
        &self,
        id: ConnectionId,
        principal: Arc<Principal>,
        carrier: Carrier,
    ) -> Arc<Connection> {
        let node = &self.inner.node;
        let now = node.now();
        let connection = Arc::new(Connection::new(Parts {
            serial: node.next_serial(),
            id,
            expires: self.expiry(&principal),
            principal,
            carrier,
            traffic: Arc::clone(&self.inner.traffic),
            pings: true,
            outbox_limit: self.inner.options.outbox_limit,
            now,
        }));
        node.wheel().watch(&connection, &self.inner.deadlines, now);
        connection
    }

    /// Registers a connection and subscribes it to what is for everybody and for its user.
    pub(crate) async fn register(
        &self,
        connection: &Arc<Connection>,
    ) -> Result<Registration, GroupError> {
        let registration = self.inner.registry.register(connection);
        let plain = |topic| (topic, Joining::Plain);
        let mut topics = vec![plain(self.inner.topics.all())];
        if let Some(user) = connection.user() {
            topics.push(plain(self.inner.topics.user(user)?));
        }
        if let Some(official) = self.aspnetcore() {
            official.ready().await?;
            topics.push(plain(official.topic(connection.id())?));
        }
        self.join_topics(connection, &topics).await?;
        Ok(registration)
    }

    pub(crate) async fn join_all<G: AsRef<str>>(
        &self,
        connection: &Arc<Connection>,
        groups: impl IntoIterator<Item = G>,
    ) -> Result<(), GroupError> {
        let mut topics = Vec::new();
        for group in groups {
            let group = group.as_ref();
            let joining = match (self.inner.keeps_log)(group) {
                true => Joining::Following,
                false => Joining::Plain,
            };
            topics.push((self.inner.topics.group(group)?, joining));
        }
        self.join_topics(connection, &topics).await.map(drop)
    }

    /// Joins topics, and tells for each the position after which everything that its log keeps
    /// reaches the connection, if that is known and it was not in it already.
    pub(crate) async fn join_topics(
        &self,
        connection: &Arc<Connection>,
        topics: &[(Topic, Joining)],
    ) -> Result<Vec<Option<Position>>, GroupError> {
        let membership = self.inner.node.membership();
        let mut waiting = Vec::new();
        for (topic, joining) in topics {
            let mut joined = None;
            let join = || joined = Some(membership.join(topic, connection, *joining));
            if !connection.remember(topic, join) {
                return Err(GroupError::UnknownConnection(connection.id()));
            }
            waiting.push(joined);
        }
        let mut failure = None;
        let mut positions = Vec::with_capacity(topics.len());
        for ((topic, _), joined) in topics.iter().zip(waiting) {
            let (waiter, known) = joined.map_or((None, None), |one| (one.waiter, one.position));
            match settled(waiter).await {
                Ok(position) => positions.push(known.or(position)),
                Err(error) => {
                    connection.forget_lost(topic, || membership.has(topic, connection.serial()));
                    failure = Some(error);
                }
            }
        }
        failure.map_or(Ok(positions), Err)
    }

    pub(crate) fn leave(
        &self,
        connection: &Arc<Connection>,
        group: &str,
    ) -> Result<(), GroupError> {
        let topic = self.inner.topics.group(group)?;
        let membership = self.inner.node.membership();
        connection.forget(&topic, || membership.leave(&topic, connection.serial()));
        Ok(())
    }
}

/// Waits until the broker delivers; a node that is stopping counts as delivering nothing.
async fn settled(waiter: Option<Waiter>) -> Result<Option<Position>, GroupError> {
    match waiter {
        None => Ok(None),
        Some(waiter) => match waiter.await {
            Ok(result) => result.map_err(GroupError::from),
            Err(_stopped) => Ok(None),
        },
    }
}

impl From<Arc<Inner>> for Hub {
    fn from(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub
            .node()
            .membership()
            .unlisten(&self.topic, self.serial);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("name", &self.inner.name)
            .finish_non_exhaustive()
    }
}
