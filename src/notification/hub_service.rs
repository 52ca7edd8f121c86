//! The notification service that publishes through a hub.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::auth::{Principal, TenantKey, UserId};
use crate::channel::{Channel, RecentOrders};
use crate::hub::{ConnectionId, GroupError, Hub, SendError};
use crate::notification::{
    batch::Batches,
    broadcast::Broadcast,
    counters::NotificationCounters,
    dead_letter::{DeadLetter, DeadLetters},
    error::NotifyError,
    event::Event,
    id::NotificationId,
    options::NotificationOptions,
    outgoing::Outgoing,
    retry,
    service::NotificationService,
};

/// Publishes through a hub's backplane, so that clients of every node are told.
///
/// With background processing, accepted means queued: what the backplane does not take is tried
/// again, in order, and at last kept as a [`DeadLetter`]. [`close`](Self::close) it before the
/// node stops. Without background processing, accepted means taken by the backplane; an error may
/// come after a part of the channels got the notification, so that repeating the call tells them
/// twice.
///
/// A notification in several channels is encoded once for each, so that each copy names the
/// channel by which it came; all carry one id, and the hub gives each connection one of them.
pub struct HubNotificationService {
    hub: Hub,
    orders: Arc<RecentOrders>,
    /// `None` without background processing.
    batches: Option<Batches>,
    dead: Arc<DeadLetters>,
    counters: Arc<NotificationCounters>,
}

impl HubNotificationService {
    /// Makes a service and starts its background processing, if it has any, on the node's task
    /// tracker. `orders` learns which session an order belongs to from what is published; give
    /// the same to the hub's handlers. Needs a Tokio runtime.
    #[must_use]
    pub fn new(hub: Hub, orders: Arc<RecentOrders>, options: NotificationOptions) -> Self {
        let dead = Arc::<DeadLetters>::default();
        let counters = Arc::<NotificationCounters>::default();
        let batches = options.enable_background_processing.then(|| {
            let node = hub.node();
            let (dead, counters) = (Arc::clone(&dead), Arc::clone(&counters));
            Batches::start(
                node.tasks(),
                Arc::clone(node.broker()),
                options,
                dead,
                counters,
            )
        });
        Self {
            hub,
            orders,
            batches,
            dead,
            counters,
        }
    }

    /// What has been counted since the start.
    #[must_use]
    pub fn counters(&self) -> &Arc<NotificationCounters> {
        &self.counters
    }

    /// The latest notifications that were given up, oldest first: at most 1,000 and 16 MiB.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead.list()
    }

    /// Accepts a dead letter anew, under its old id, for the topics that it did not reach.
    /// `Ok(false)` when there is none of this id.
    ///
    /// # Errors
    /// As [`publish`](NotificationService::publish); the letter is then among the dead ones again.
    pub async fn revive(&self, id: NotificationId) -> Result<bool, NotifyError> {
        let Some(outgoing) = self.dead.take(id) else {
            return Ok(false);
        };
        let answer = self.accept(vec![outgoing.clone()]).await.pop();
        match answer.expect("one notification has one answer") {
            Ok(_) => Ok(true),
            Err(error) => {
                self.dead.add(outgoing, error.to_string(), 0);
                Err(error)
            }
        }
    }

    /// Waits until everything accepted so far is with the backplane or given up.
    pub async fn flush(&self) {
        if let Some(batches) = &self.batches {
            batches.flush().await;
        }
    }

    /// Accepts nothing more and sends what waits. At the deadline the rest is tried once more
    /// without pauses and then given up. Whether everything went in time. Without background
    /// processing nothing waits, and the service stays open.
    pub async fn close(&self, deadline: Duration) -> bool {
        match &self.batches {
            Some(batches) => batches.close(deadline).await,
            None => true,
        }
    }

    /// Queues or publishes, and answers each in its place.
    async fn accept(&self, all: Vec<Outgoing>) -> Vec<Result<NotificationId, NotifyError>> {
        if let Some(batches) = &self.batches {
            return batches.submit(all);
        }
        let mut answers: Vec<_> = all.iter().map(|outgoing| Ok(outgoing.id)).collect();
        self.counters.accepted.add(all.len() as u64);
        self.counters.published.add(all.len() as u64);
        for untaken in retry::publish(&**self.hub.node().broker(), all).await {
            let place = answers
                .iter()
                .position(|answer| matches!(answer, Ok(id) if *id == untaken.rest.id))
                .expect("what was not taken was given");
            answers[place] = Err(untaken.error.into());
        }
        answers
    }
}

#[async_trait]
impl NotificationService for HubNotificationService {
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<NotificationId, NotifyError>> {
        for (tenant, order, session) in events.iter().filter_map(Event::order_session) {
            self.orders.remember(tenant, order, session);
        }
        let prepared: Vec<Result<Outgoing, SendError>> = events
            .into_iter()
            .map(|event| Outgoing::of_event(&self.hub, event))
            .collect();
        let (mut ready, mut answers) = (Vec::with_capacity(prepared.len()), Vec::new());
        for outgoing in prepared {
            answers.push(outgoing.map(|outgoing| ready.push(outgoing)));
        }
        let mut accepted = self.accept(ready).await.into_iter();
        let mut answer = |()| accepted.next().expect("each notification has one answer");
        answers
            .into_iter()
            .map(|prepared| prepared.map_err(Into::into).and_then(&mut answer))
            .collect()
    }

    async fn broadcast(&self, broadcast: Broadcast) -> Result<NotificationId, NotifyError> {
        let outgoing = Outgoing::of_broadcast(&self.hub, broadcast)?;
        let answer = self.accept(vec![outgoing]).await.pop();
        answer.expect("one notification has one answer")
    }

    async fn add_to_group(
        &self,
        connection: ConnectionId,
        channel: &Channel,
    ) -> Result<(), NotifyError> {
        let found = self
            .hub
            .find(connection)
            .ok_or(GroupError::UnknownConnection(connection))?;
        if channel
            .tenant()
            .is_some_and(|tenant| found.principal().tenant.as_ref() != Some(tenant))
        {
            return Err(NotifyError::OtherTenant(connection));
        }
        Ok(self
            .hub
            .add_to_group(connection, &channel.to_string())
            .await?)
    }

    async fn remove_from_group(
        &self,
        connection: ConnectionId,
        channel: &Channel,
    ) -> Result<(), NotifyError> {
        Ok(self
            .hub
            .remove_from_group(connection, &channel.to_string())?)
    }

    /// Asks this node first and then the backplane for nodes that listen for the user.
    async fn is_user_online(&self, tenant: &TenantKey, user: &UserId) -> Result<bool, NotifyError> {
        let key = user_key(tenant, user);
        if self.hub.user_count(&key) > 0 {
            return Ok(true);
        }
        let topic = self.hub.topics().user(&key).map_err(SendError::from)?;
        Ok(self.hub.node().broker().subscriber_count(&topic).await? > 0)
    }

    /// Counts the connections of this node.
    async fn active_connections_count(&self, tenant: &TenantKey) -> Result<u64, NotifyError> {
        let everyone = Channel::TenantBroadcast(tenant.clone()).to_string();
        Ok(self.hub.group_count(&everyone) as u64)
    }
}

/// What the hub knows a user by.
fn user_key(tenant: &TenantKey, user: &UserId) -> String {
    let principal = Principal {
        tenant: Some(tenant.clone()),
        user: Some(user.clone()),
        ..Principal::anonymous()
    };
    principal
        .user_key()
        .expect("a principal with a user has a key")
}
