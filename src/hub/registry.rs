//! The connections of one hub on this node, by id.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::hub::connection::Connection;
use crate::hub::counters::Counters;
use crate::hub::id::ConnectionId;
use crate::hub::membership::Membership;

/// Who is here.
pub(crate) struct Registry {
    by_id: RwLock<HashMap<ConnectionId, Arc<Connection>>>,
    membership: Arc<Membership>,
    counters: Arc<Counters>,
}

/// A connection's place in the registry. Dropping it is the whole clean-up: the connection leaves
/// every topic and can neither be found nor join anything any more.
pub(crate) struct Registration {
    registry: Arc<Registry>,
    connection: Arc<Connection>,
}

impl Registry {
    pub(crate) fn new(membership: Arc<Membership>, counters: Arc<Counters>) -> Self {
        Self {
            by_id: RwLock::default(),
            membership,
            counters,
        }
    }

    /// Registers a connection until the guard is dropped.
    pub(crate) fn register(self: &Arc<Self>, connection: &Arc<Connection>) -> Registration {
        self.by_id
            .write()
            .insert(connection.id(), Arc::clone(connection));
        self.counters.connected.add(1);
        Registration {
            registry: Arc::clone(self),
            connection: Arc::clone(connection),
        }
    }

    pub(crate) fn find(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        self.by_id.read().get(&id).map(Arc::clone)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.read().len()
    }

    /// Everybody, at this moment.
    pub(crate) fn everyone(&self) -> Vec<Arc<Connection>> {
        self.by_id.read().values().map(Arc::clone).collect()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.by_id.write().remove(&self.connection.id());
        for topic in self.connection.forget_all() {
            self.registry
                .membership
                .leave(&topic, self.connection.serial());
        }
        self.registry.counters.disconnected.add(1);
    }
}
