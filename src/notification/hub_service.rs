//! The notification service that publishes through a hub.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::auth::{TenantKey, UserId};
use crate::channel::{Channel, RecentOrders};
use crate::hub::{ConnectionId, GroupError, Hub, SendError};
use crate::journal::{JournalError, JournalStore};
use crate::notification::{
    announce,
    batch::Batches,
    broadcast::Broadcast,
    counters::NotificationCounters,
    direct::Direct,
    error::NotifyError,
    event::Event,
    fields::SessionExpired,
    id::NotificationId,
    journalled::{JournalOptions, Wanted},
    options::NotificationOptions,
    outgoing::Outgoing,
    receipt::{PublishOptions, Receipt},
    service::NotificationService,
};

/// Publishes through a hub's backplane, so that clients of every node are told.
///
/// With background processing, accepted means queued: what the backplane does not take is tried
/// again, in order, and at last kept as a [`DeadLetter`](super::DeadLetter). With a journal, accepted
/// means on disk, and what the backplane does not take waits there. [`close`](Self::close) it before
/// the node stops. Without background processing, accepted means taken by the backplane; an error may
/// come after a part of the channels got the notification, so that repeating the call tells them
/// twice.
///
/// A notification in several channels is encoded once for each, so that each copy names the
/// channel by which it came; all carry one id, and the hub gives each connection one of them.
///
/// A clone is the same service.
#[derive(Clone)]
pub struct HubNotificationService(Arc<Inner>);

struct Inner {
    hub: Hub,
    orders: Arc<RecentOrders>,
    path: Path,
    counters: Arc<NotificationCounters>,
    /// A place for each announcement that waits.
    announcing: Arc<Semaphore>,
}

/// How notifications get to the broker.
enum Path {
    /// While the caller waits.
    Direct(Arc<Direct>),
    /// In the background.
    Queued(Batches),
}

impl HubNotificationService {
    /// Makes a service and starts its background processing, if it has any, on the node's task
    /// tracker. `orders` learns which session an order belongs to from what is published; give
    /// the same to the hub's handlers. Needs a Tokio runtime.
    #[must_use]
    pub fn new(hub: Hub, orders: Arc<RecentOrders>, options: NotificationOptions) -> Self {
        if options.enable_background_processing {
            return Self::queued(hub, orders, options, None).expect("only a journal can fail");
        }
        let counters = Arc::<NotificationCounters>::default();
        let broker = Arc::clone(hub.node().broker());
        let direct = Direct::new(broker, options.idempotency_window, Arc::clone(&counters));
        Self::of(hub, orders, Path::Direct(Arc::new(direct)), counters)
    }

    /// The same with background processing and a journal, in which it finds what was accepted before
    /// and not published, and publishes that first. Blocks while it looks.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn with_journal(
        hub: Hub,
        orders: Arc<RecentOrders>,
        options: NotificationOptions,
        journal: Box<dyn JournalStore>,
        how: JournalOptions,
    ) -> Result<Self, JournalError> {
        Self::queued(hub, orders, options, Some((journal, how)))
    }

    fn queued(
        hub: Hub,
        orders: Arc<RecentOrders>,
        options: NotificationOptions,
        journal: Option<(Box<dyn JournalStore>, JournalOptions)>,
    ) -> Result<Self, JournalError> {
        let counters = Arc::<NotificationCounters>::default();
        let (tasks, broker) = (hub.node().tasks(), Arc::clone(hub.node().broker()));
        let batches = Batches::start(tasks, broker, options, journal, Arc::clone(&counters))?;
        Ok(Self::of(hub, orders, Path::Queued(batches), counters))
    }

    fn of(
        hub: Hub,
        orders: Arc<RecentOrders>,
        path: Path,
        counters: Arc<NotificationCounters>,
    ) -> Self {
        Self(Arc::new(Inner {
            hub,
            orders,
            path,
            counters,
            announcing: Arc::new(Semaphore::new(announce::MOST)),
        }))
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub(crate) fn announcing(&self) -> &Arc<Semaphore> {
        &self.0.announcing
    }

    /// Learns which sessions the orders in these events belong to.
    pub(crate) fn remember(&self, events: &[Event]) {
        for (tenant, order, session) in events.iter().filter_map(Event::order_session) {
            self.0.orders.remember(tenant, order, session);
        }
    }

    /// What has been counted since the start.
    #[must_use]
    pub fn counters(&self) -> &Arc<NotificationCounters> {
        &self.0.counters
    }

    /// Waits until everything accepted so far is with the backplane or given up.
    pub async fn flush(&self) {
        if let Some(batches) = self.batches() {
            batches.flush().await;
        }
    }

    /// Accepts nothing more and sends what waits. At the deadline the rest stays in the journal, or
    /// without one is tried once more without pauses and then given up. Whether everything went in
    /// time. Without background processing nothing waits, and the service stays open.
    pub async fn close(&self, deadline: Duration) -> bool {
        match self.batches() {
            Some(batches) => batches.close(deadline).await,
            None => true,
        }
    }

    pub(crate) fn batches(&self) -> Option<&Batches> {
        match &self.0.path {
            Path::Direct(_) => None,
            Path::Queued(batches) => Some(batches),
        }
    }

    /// Has one accepted. It is queued before this returns, or given to the journal; without
    /// background processing it is published while the future is awaited.
    pub(crate) fn submit(
        &self,
        wanted: Wanted,
    ) -> impl Future<Output = Result<NotificationId, NotifyError>> + Send + use<> {
        let answers = self.accept(vec![wanted]);
        async move {
            let answer = answers.await.pop();
            answer.expect("one notification has one answer")
        }
    }

    /// Queues or publishes, and answers each in its place.
    fn accept(
        &self,
        all: Vec<Wanted>,
    ) -> BoxFuture<'static, Vec<Result<NotificationId, NotifyError>>> {
        match &self.0.path {
            Path::Queued(batches) => Box::pin(batches.submit(all)),
            Path::Direct(direct) => {
                let direct = Arc::clone(direct);
                Box::pin(async move { direct.publish(all).await })
            }
        }
    }
}

#[async_trait]
impl NotificationService for HubNotificationService {
    async fn publish_with(
        &self,
        events: Vec<Event>,
        how: PublishOptions,
    ) -> Vec<Result<NotificationId, NotifyError>> {
        self.remember(&events);
        let prepared: Vec<Result<Wanted, SendError>> = events
            .into_iter()
            .enumerate()
            .map(|(place, event)| {
                let key = how.idempotency_key.as_ref();
                let key = key.map(|key| key.at(place, event.tenant(), &event));
                let outgoing = Outgoing::of_event(self.hub(), event, &how)?;
                Ok(Wanted::new(outgoing, key))
            })
            .collect();
        let (mut ready, mut answers) = (Vec::with_capacity(prepared.len()), Vec::new());
        for wanted in prepared {
            answers.push(wanted.map(|wanted| ready.push(wanted)));
        }
        let mut accepted = self.accept(ready).await.into_iter();
        let mut answer = |()| accepted.next().expect("each notification has one answer");
        answers
            .into_iter()
            .map(|prepared| prepared.map_err(Into::into).and_then(&mut answer))
            .collect()
    }

    async fn broadcast_with(
        &self,
        broadcast: Broadcast,
        how: PublishOptions,
    ) -> Result<NotificationId, NotifyError> {
        let key = how.idempotency_key.as_ref();
        let key = key.map(|key| key.at(0, broadcast.audience.tenant(), &broadcast));
        let outgoing = Outgoing::of_broadcast(self.hub(), broadcast, &how)?;
        self.submit(Wanted::new(outgoing, key)).await
    }

    async fn end_session(&self, event: SessionExpired) -> Result<NotificationId, NotifyError> {
        let outgoing = Outgoing::of_ending(self.hub(), event)?;
        self.submit(Wanted::new(outgoing, None)).await
    }

    async fn receipt(&self, id: NotificationId) -> Result<Option<Receipt>, NotifyError> {
        Ok(Receipt::read(&self.hub().cluster(), id).await?)
    }

    async fn add_to_group(
        &self,
        connection: ConnectionId,
        channel: &Channel,
    ) -> Result<(), NotifyError> {
        let cluster = self.hub().cluster();
        let found = cluster.whois(connection).await?;
        let found = found.ok_or(GroupError::UnknownConnection(connection))?;
        if channel
            .tenant()
            .is_some_and(|tenant| found.tenant.as_ref() != Some(tenant))
        {
            return Err(NotifyError::OtherTenant(connection));
        }
        Ok(cluster
            .add_to_group(connection, &channel.to_string())
            .await?)
    }

    async fn remove_from_group(
        &self,
        connection: ConnectionId,
        channel: &Channel,
    ) -> Result<(), NotifyError> {
        let cluster = self.hub().cluster();
        Ok(cluster
            .remove_from_group(connection, &channel.to_string())
            .await?)
    }

    /// Asks this node first, and then the others.
    async fn is_user_online(&self, tenant: &TenantKey, user: &UserId) -> Result<bool, NotifyError> {
        let key = format!("{tenant}:{user}");
        Ok(self.hub().cluster().is_online(&key).await?)
    }

    /// Asks all nodes.
    async fn active_connections_count(&self, tenant: &TenantKey) -> Result<u64, NotifyError> {
        let everyone = Channel::TenantBroadcast(tenant.clone()).to_string();
        let counted = self.hub().cluster().group_count(&everyone).await;
        Ok(counted?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_memory::{MemoryConfig, MemoryNetwork};
    use serde_json::json;

    use super::*;
    use crate::channel::OrderDirectory;
    use crate::notification::testing::{
        Client, ORDER, SESSION, Stage, admin, customer, event, status_event, table_event,
    };
    use crate::notification::{Backlog, Notification};

    const OTHER: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c33ff";

    async fn id_of_next(client: &Client) -> String {
        let (_, notification) = client.next().await;
        notification["id"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn each_recipient_gets_the_copy_of_its_own_channel() {
        let stage = Stage::new();
        let boss = stage.connect(admin("pizza")).await.unwrap();
        let guest = stage.connect(customer("pizza", SESSION)).await.unwrap();
        let service = stage.direct();
        let update = event(json!({"type": "CustomerOrderUpdate", "tenantKey": "pizza",
            "sessionId": SESSION, "orderId": ORDER, "status": "Preparing"}));
        service.notify(update).await.unwrap();
        let (target, _) = guest.next().await;
        assert_eq!(target, "OrderStatusUpdate");
        guest
            .invoke("JoinOrderChannel", json!([ORDER]))
            .await
            .unwrap();

        let id = service.notify(status_event("Ready")).await.unwrap();
        for (client, channel) in [
            (&boss, "tenant:pizza:admins".to_owned()),
            (&guest, format!("tenant:pizza:order:{ORDER}")),
        ] {
            let (target, body) = client.next().await;
            assert_eq!(target, "OrderStatusChanged");
            assert_eq!(body["channel"], channel);
            let notification: Notification = serde_json::from_value(body).unwrap();
            assert_eq!(notification.id, id);
            assert_eq!(notification.tenant_key.unwrap().as_str(), "pizza");
            assert_eq!(notification.data["status"], "Ready");
            assert_eq!(
                notification.data["timestamp"],
                json!(notification.timestamp)
            );
        }
    }

    #[tokio::test]
    async fn a_connection_in_several_channels_gets_a_notification_once() {
        let stage = Stage::new();
        let boss = stage.connect(admin("pizza")).await.unwrap();
        boss.invoke("JoinAdminChannel", json!(["orders"]))
            .await
            .unwrap();
        boss.invoke("JoinOrderChannel", json!([ORDER]))
            .await
            .unwrap();
        let service = stage.direct();
        for round in 0..10 {
            let id = service
                .notify(status_event(&round.to_string()))
                .await
                .unwrap();
            assert_eq!(id_of_next(&boss).await, id.to_string());
        }
        let last = service.notify(table_event(true)).await.unwrap();
        assert_eq!(id_of_next(&boss).await, last.to_string());
    }

    #[tokio::test]
    async fn a_batch_reaches_the_broker_in_one_call_and_in_order() {
        let stage = Stage::new();
        let boss = stage.connect(admin("pizza")).await.unwrap();
        let service = stage.direct();
        let events = vec![status_event("a"), table_event(true), status_event("b")];
        let ids = service.publish(events).await;
        assert_eq!(
            stage.broker.calls().iter().map(|c| c.1).collect::<Vec<_>>(),
            [7]
        );
        for id in ids {
            assert_eq!(id_of_next(&boss).await, id.unwrap().to_string());
        }
    }

    #[tokio::test]
    async fn what_the_backplane_could_never_carry_is_refused_and_not_accepted_first() {
        let stage = Stage::new();
        let service = stage.service(NotificationOptions::default());
        let cart = json!({"type": "CartUpdated", "sessionId": SESSION,
            "cart": "x".repeat(1024 * 1024)});
        let error = service.notify(event(cart)).await.unwrap_err();
        assert!(matches!(
            error,
            NotifyError::Send(SendError::Broker(
                mesahub_broker::BrokerError::TooLarge { .. }
            ))
        ));
        assert_eq!(service.counters().accepted.value(), 0);
    }

    #[tokio::test]
    async fn without_background_processing_the_caller_is_told_what_failed() {
        let stage = Stage::new();
        let service = stage.direct();
        let mut count = 0;
        stage.broker.judge(move |_| {
            count += 1;
            (count == 2).then(|| mesahub_broker::BrokerError::unavailable("away"))
        });
        let answers = service.publish([true; 3].map(table_event).into()).await;
        assert!(answers[0].is_ok() && answers[2].is_ok());
        assert!(answers[1].as_ref().unwrap_err().is_retryable());
        let dead = service.dead_letters(None, 9).await.unwrap();
        assert!(dead.is_empty());
    }

    #[tokio::test]
    async fn what_is_published_tells_which_session_an_order_belongs_to() {
        let stage = Stage::new();
        let order = event(
            json!({"type": "NewOrder", "tenantKey": "pizza", "orderId": ORDER,
            "tableNumber": "12", "sessionId": SESSION}),
        );
        stage.direct().notify(order).await.unwrap();
        let (tenant, order) = ("pizza".parse().unwrap(), ORDER.parse().unwrap());
        let session = stage.orders.session_of(&tenant, &order).await;
        assert_eq!(session, Some(SESSION.parse().unwrap()));
    }

    #[tokio::test]
    async fn a_user_is_online_wherever_they_are_connected() {
        let network = MemoryNetwork::new(MemoryConfig::default());
        let (here, there) = (Stage::on(&network), Stage::on(&network));
        let (tenant, user) = ("pizza".parse().unwrap(), "carla".parse().unwrap());
        let service = here.direct();
        assert!(!service.is_user_online(&tenant, &user).await.unwrap());
        let _far = there.connect(customer("pizza", SESSION)).await.unwrap();
        assert!(service.is_user_online(&tenant, &user).await.unwrap());
        let sushi = "sushi".parse().unwrap();
        assert!(!service.is_user_online(&sushi, &user).await.unwrap());
        let _near = here.connect(customer("pizza", OTHER)).await.unwrap();
        assert_eq!(service.active_connections_count(&tenant).await.unwrap(), 1);
        assert_eq!(service.active_connections_count(&sushi).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_connection_is_added_to_channels_of_its_own_tenant_only() {
        let stage = Stage::new();
        let guest = stage.connect(customer("pizza", SESSION)).await.unwrap();
        let service = stage.direct();
        let id = guest.connection.id();
        let own: Channel = "tenant:pizza:admins".parse().unwrap();
        service.add_to_group(id, &own).await.unwrap();
        let alert = service.notify(table_event(true)).await.unwrap();
        assert_eq!(id_of_next(&guest).await, alert.to_string());
        service.remove_from_group(id, &own).await.unwrap();
        assert_eq!(stage.hub.group_count("tenant:pizza:admins"), 0);

        let foreign = "tenant:sushi:admins".parse().unwrap();
        let error = service.add_to_group(id, &foreign).await.unwrap_err();
        assert!(matches!(error, NotifyError::OtherTenant(_)));
        let error = service
            .add_to_group(ConnectionId::random(), &own)
            .await
            .unwrap_err();
        assert!(matches!(
            error,
            NotifyError::Group(GroupError::UnknownConnection(_))
        ));
    }
}
