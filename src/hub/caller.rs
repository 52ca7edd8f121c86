//! The connection whose call is being handled.

use std::sync::Arc;

use mesahub_broker::Position;

use crate::auth::Principal;
use crate::hub::clients::Clients;
use crate::hub::connection::Connection;
use crate::hub::ending::Ending;
use crate::hub::error::GroupError;
use crate::hub::id::ConnectionId;
use crate::hub::instance::Hub;
use crate::hub::topics::group_of;

/// The connection whose call, connect or disconnect is being handled.
#[derive(Clone, Debug)]
pub struct Caller {
    connection: Arc<Connection>,
    hub: Hub,
    /// Whether it is the caller of a connect handler, whose client is not read yet.
    is_connecting: bool,
}

impl Caller {
    pub(crate) fn new(connection: Arc<Connection>, hub: Hub) -> Self {
        Self {
            connection,
            hub,
            is_connecting: false,
        }
    }

    /// The same for a connect handler.
    pub(crate) fn connecting(&self) -> Self {
        Self {
            is_connecting: true,
            ..self.clone()
        }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Its public id.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.connection.id()
    }

    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        self.connection.principal()
    }

    /// What `Clients::user` finds it by.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.connection.user()
    }

    /// The hub it is connected to.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Addresses clients, with this connection as the caller. In a connect handler they cannot be
    /// asked for values, since the answer of the caller's own client would never be read.
    #[must_use]
    pub fn clients(&self) -> Clients {
        let clients = Clients::new(self.hub.clone(), Some(self.id()));
        if self.is_connecting {
            clients.without_results()
        } else {
            clients
        }
    }

    /// Joins a group. Returns when the backplane delivers the group to this node, so whatever is
    /// sent to it from now on arrives. Joining twice is the same as once.
    ///
    /// # Errors
    /// When the name is unusable, the connection has ended or the backplane refuses.
    pub async fn join(&self, group: &str) -> Result<(), GroupError> {
        self.join_all([group]).await
    }

    /// Joins several groups at once, waiting for the backplane once.
    ///
    /// # Errors
    /// As [`Self::join`]; groups before the failing one stay joined.
    pub async fn join_all<G: AsRef<str>>(
        &self,
        groups: impl IntoIterator<Item = G>,
    ) -> Result<(), GroupError> {
        self.hub.join_all(&self.connection, groups).await
    }

    /// Joins groups that a log keeps, as [`SendOptions::log`](crate::hub::SendOptions::log) has it,
    /// waiting for the backplane once. The node then watches over them: what the backplane has
    /// missed is made up for from the log, and where it cannot be, the members are told by a call
    /// of [`LOST`](crate::hub::LOST).
    ///
    /// For each group the position is told after which everything that the log keeps reaches the
    /// connection; `None` where that is not known, or it was in the group already.
    ///
    /// # Errors
    /// As [`Self::join_all`].
    pub async fn follow(&self, groups: &[String]) -> Result<Vec<Option<Position>>, GroupError> {
        let held = self.connection.resumes_first();
        self.hub.follow(&self.connection, groups, held).await
    }

    /// Leaves a group. Leaving one that it is not in does nothing.
    ///
    /// # Errors
    /// When the name is unusable.
    pub fn leave(&self, group: &str) -> Result<(), GroupError> {
        self.hub.leave(&self.connection, group)
    }

    /// The groups it is in now.
    #[must_use]
    pub fn groups(&self) -> Vec<String> {
        let topics = self.connection.topics();
        topics
            .iter()
            .filter_map(group_of)
            .map(str::to_owned)
            .collect()
    }

    /// It is being given a message that was sent to several topics, and needs no further copy.
    pub(crate) fn has(&self, message: [u8; 16]) {
        let seen = &self.hub.node().mender().fanout.seen;
        seen.record(message).lock().insert(self.connection.serial());
    }

    /// Whether it is in a group.
    pub(crate) fn is_in(&self, group: &str) -> bool {
        let topic = self.hub.topics().group(group);
        topic.is_ok_and(|topic| self.connection.is_in(&topic))
    }

    /// Ends the connection; its client does not come back by itself.
    pub fn abort(&self) {
        self.connection.end(Ending::Aborted);
    }
}
