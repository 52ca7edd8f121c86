//! Which dining session an order belongs to.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::auth::{OrderId, SessionId, TenantKey};

/// Knows which dining session an order belongs to. Asked when a customer wants to follow an
/// order; an embedding application may answer from its own database.
#[async_trait]
pub trait OrderDirectory: Send + Sync {
    /// The session of an order, or `None` when it is not known, in which case the customer
    /// is refused.
    ///
    /// Called from many tasks at once. The caller may drop the future at any time. A failure
    /// to look it up is `None`, and for the implementation to log.
    async fn session_of(&self, tenant: &TenantKey, order: &OrderId) -> Option<SessionId>;
}

/// The orders that this node has lately seen named together with their session.
///
/// Whoever publishes an order notification that names a session calls
/// [`remember`](Self::remember). It holds a fixed number of orders and forgets the one not
/// named for the longest time; a forgotten order is unknown until it is named again.
#[derive(Debug)]
pub struct RecentOrders {
    capacity: usize,
    orders: Mutex<Orders>,
}

impl RecentOrders {
    /// The number of orders that [`RecentOrders::default`] holds, at roughly 150 bytes each.
    pub const DEFAULT_CAPACITY: usize = 100_000;

    /// Holds at most `capacity` orders; with zero it knows none.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            orders: Mutex::default(),
        }
    }

    /// Notes that an order belongs to a session. The last word counts.
    pub fn remember(&self, tenant: &TenantKey, order: OrderId, session: SessionId) {
        let mut orders = self.orders.lock();
        orders.put((tenant.clone(), order), session);
        while orders.sessions.len() > self.capacity {
            orders.forget_oldest();
        }
    }

    /// The number of orders known at present.
    #[must_use]
    pub fn len(&self) -> usize {
        self.orders.lock().sessions.len()
    }

    /// Whether no order is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for RecentOrders {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

#[async_trait]
impl OrderDirectory for RecentOrders {
    async fn session_of(&self, tenant: &TenantKey, order: &OrderId) -> Option<SessionId> {
        let key = (tenant.clone(), *order);
        let orders = self.orders.lock();
        orders.sessions.get(&key).map(|known| known.session)
    }
}

type Key = (TenantKey, OrderId);

#[derive(Debug, Default)]
struct Orders {
    sessions: HashMap<Key, Known>,
    /// The same keys by the turn in which they were last named.
    by_turn: BTreeMap<u64, Key>,
    next_turn: u64,
}

#[derive(Debug)]
struct Known {
    session: SessionId,
    turn: u64,
}

impl Orders {
    fn put(&mut self, key: Key, session: SessionId) {
        let turn = self.next_turn;
        self.next_turn += 1;
        self.by_turn.insert(turn, key.clone());
        if let Some(before) = self.sessions.insert(key, Known { session, turn }) {
            self.by_turn.remove(&before.turn);
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.by_turn.pop_first() {
            self.sessions.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;

    fn tenant(key: &str) -> TenantKey {
        key.parse().unwrap()
    }

    fn order(n: u128) -> OrderId {
        Uuid::from_u128(n).into()
    }

    fn session(n: u128) -> SessionId {
        Uuid::from_u128(n).into()
    }

    #[tokio::test]
    async fn a_remembered_order_is_known_in_its_own_tenant_only() {
        let orders = RecentOrders::default();
        assert!(orders.is_empty());
        orders.remember(&tenant("a"), order(1), session(7));
        let directory: &dyn OrderDirectory = &orders;
        assert_eq!(
            directory.session_of(&tenant("a"), &order(1)).await,
            Some(session(7))
        );
        assert_eq!(directory.session_of(&tenant("b"), &order(1)).await, None);
        assert_eq!(directory.session_of(&tenant("a"), &order(2)).await, None);
    }

    #[tokio::test]
    async fn the_order_not_named_for_longest_is_forgotten_first() {
        let (orders, a) = (RecentOrders::new(2), tenant("a"));
        orders.remember(&a, order(1), session(1));
        orders.remember(&a, order(2), session(2));
        orders.remember(&a, order(1), session(3));
        orders.remember(&a, order(4), session(4));
        assert_eq!(orders.session_of(&a, &order(2)).await, None);
        assert_eq!(orders.session_of(&a, &order(1)).await, Some(session(3)));
        assert_eq!(orders.session_of(&a, &order(4)).await, Some(session(4)));
    }

    #[test]
    fn memory_is_bounded_however_often_orders_are_named() {
        let (orders, a) = (RecentOrders::new(3), tenant("a"));
        for n in 0..1_000 {
            orders.remember(&a, order(n % 7), session(n));
            orders.remember(&a, order(0), session(n));
        }
        assert_eq!(orders.len(), 3);
        assert_eq!(orders.orders.lock().by_turn.len(), 3);
        let none = RecentOrders::new(0);
        none.remember(&a, order(1), session(1));
        assert!(none.is_empty());
    }
}
