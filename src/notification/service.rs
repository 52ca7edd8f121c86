//! The operations of the notification service.

use async_trait::async_trait;
use serde_json::Value;

use crate::auth::{OrderId, SessionId, TenantKey, UserId};
use crate::channel::Channel;
use crate::hub::ConnectionId;
use crate::notification::broadcast::{Audience, AudienceRole, Broadcast};
use crate::notification::event::Event;
use crate::notification::fields::{
    CartUpdated, CustomerOrderUpdate, CustomerSessionExpiring, NewOrder, OrderStatusChanged,
    SessionExpired, SessionStarted, TableStatusChanged,
};
use crate::notification::{
    error::NotifyError,
    id::NotificationId,
    label::Label,
    metadata::Metadata,
    name::EventName,
    receipt::{PublishOptions, Receipt},
};

/// Tells people what happened.
///
/// The one that publishes through a hub is [`HubNotificationService`]; another one, for a test or
/// another product, implements the first eight methods and gets the rest.
///
/// All methods may be called from many tasks at once. Where they answer with an id, the
/// notification has been accepted: see the implementation for what that promises. Dropping a
/// future may leave the notification accepted or not.
///
/// [`HubNotificationService`]: super::HubNotificationService
#[async_trait]
pub trait NotificationService: Send + Sync {
    /// Publishes events in order and answers each in its place.
    ///
    /// # Errors
    /// Per event; those for which [`NotifyError::is_retryable`] holds may be repeated.
    async fn publish_with(
        &self,
        events: Vec<Event>,
        how: PublishOptions,
    ) -> Vec<Result<NotificationId, NotifyError>>;

    /// Tells an audience.
    ///
    /// # Errors
    /// As [`publish_with`](Self::publish_with).
    async fn broadcast_with(
        &self,
        broadcast: Broadcast,
        how: PublishOptions,
    ) -> Result<NotificationId, NotifyError>;

    /// How many connections a notification has reached so far, if that was asked for when it was
    /// published; `None` where no receipt is kept of this id, or not any more.
    ///
    /// # Errors
    /// When the other nodes cannot be asked.
    async fn receipt(&self, id: NotificationId) -> Result<Option<Receipt>, NotifyError>;

    /// Tells that a dining session has ended, as [`notify_session_expired`] does, and ends the
    /// connections of the session behind that, on every node. Their clients are told why.
    ///
    /// [`notify_session_expired`]: Self::notify_session_expired
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn end_session(&self, event: SessionExpired) -> Result<NotificationId, NotifyError>;

    /// Adds a connection, on whatever node, to a channel of its own tenant, or one without a tenant.
    ///
    /// Whether the person behind it may listen there is for the caller to have asked.
    ///
    /// # Errors
    /// [`NotifyError::OtherTenant`], or [`NotifyError::Group`] when there is no such connection or
    /// the backplane refuses.
    async fn add_to_group(
        &self,
        connection: ConnectionId,
        channel: &Channel,
    ) -> Result<(), NotifyError>;

    /// Removes a connection, on whatever node, from a channel; one that is not in it stays so.
    ///
    /// # Errors
    /// [`NotifyError::Group`] when there is no such connection.
    async fn remove_from_group(
        &self,
        connection: ConnectionId,
        channel: &Channel,
    ) -> Result<(), NotifyError>;

    /// Whether a user has a connection to any node.
    ///
    /// # Errors
    /// When the backplane does not answer.
    async fn is_user_online(&self, tenant: &TenantKey, user: &UserId) -> Result<bool, NotifyError>;

    /// How many connections a tenant has, on all nodes.
    ///
    /// # Errors
    /// When the backplane does not answer.
    async fn active_connections_count(&self, tenant: &TenantKey) -> Result<u64, NotifyError>;

    /// Publishes events in order and answers each in its place.
    ///
    /// # Errors
    /// As [`publish_with`](Self::publish_with).
    async fn publish(&self, events: Vec<Event>) -> Vec<Result<NotificationId, NotifyError>> {
        self.publish_with(events, PublishOptions::default()).await
    }

    /// Tells an audience.
    ///
    /// # Errors
    /// As [`publish_with`](Self::publish_with).
    async fn broadcast(&self, broadcast: Broadcast) -> Result<NotificationId, NotifyError> {
        self.broadcast_with(broadcast, PublishOptions::default())
            .await
    }

    /// Publishes one event.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn notify(&self, event: Event) -> Result<NotificationId, NotifyError> {
        let mut answers = self.publish(vec![event]).await;
        answers.pop().expect("one event has one answer")
    }

    /// Tells admins and whoever follows the order that it has another status.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn notify_order_status_changed(
        &self,
        tenant_key: TenantKey,
        order_id: OrderId,
        status: Label,
        order: Value,
    ) -> Result<NotificationId, NotifyError> {
        let (session_id, metadata) = (None, Metadata::default());
        let event = OrderStatusChanged {
            tenant_key,
            order_id,
            status,
            order,
            session_id,
            metadata,
        };
        self.notify(Event::OrderStatusChanged(event)).await
    }

    /// Tells admins of a new order.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn notify_new_order(
        &self,
        tenant_key: TenantKey,
        order_id: OrderId,
        table_number: Label,
        order: Value,
    ) -> Result<NotificationId, NotifyError> {
        let (session_id, metadata) = (None, Metadata::default());
        let event = NewOrder {
            tenant_key,
            order_id,
            table_number,
            order,
            session_id,
            metadata,
        };
        self.notify(Event::NewOrder(event)).await
    }

    /// Tells admins that a dining session has begun.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn notify_session_started(
        &self,
        tenant_key: TenantKey,
        session_id: SessionId,
        table_number: Label,
    ) -> Result<NotificationId, NotifyError> {
        let metadata = Metadata::default();
        let event = SessionStarted {
            tenant_key,
            session_id,
            table_number,
            metadata,
        };
        self.notify(Event::SessionStarted(event)).await
    }

    /// Tells admins and the session itself that it has ended.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn notify_session_expired(
        &self,
        tenant_key: TenantKey,
        session_id: SessionId,
        table_number: Label,
        reason: Label,
    ) -> Result<NotificationId, NotifyError> {
        let metadata = Metadata::default();
        let event = SessionExpired {
            tenant_key,
            session_id,
            table_number,
            reason,
            metadata,
        };
        self.notify(Event::SessionExpired(event)).await
    }

    /// Tells admins that a table was taken or has become free.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn notify_table_status_changed(
        &self,
        tenant_key: TenantKey,
        table_id: uuid::Uuid,
        is_occupied: bool,
    ) -> Result<NotificationId, NotifyError> {
        let metadata = Metadata::default();
        let event = TableStatusChanged {
            tenant_key,
            table_id,
            is_occupied,
            metadata,
        };
        self.notify(Event::TableStatusChanged(event)).await
    }

    /// Tells a customer's session, and with an order id whoever follows the order, its status.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn notify_customer_order_update(
        &self,
        tenant_key: TenantKey,
        session_id: SessionId,
        order_id: Option<OrderId>,
        status: Label,
        order: Value,
    ) -> Result<NotificationId, NotifyError> {
        let metadata = Metadata::default();
        let event = CustomerOrderUpdate {
            tenant_key,
            session_id,
            order_id,
            status,
            order,
            metadata,
        };
        self.notify(Event::CustomerOrderUpdate(event)).await
    }

    /// Tells a session how many minutes it has left.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn notify_customer_session_expiring(
        &self,
        tenant_key: Option<TenantKey>,
        session_id: SessionId,
        minutes_remaining: u32,
    ) -> Result<NotificationId, NotifyError> {
        let metadata = Metadata::default();
        let event = CustomerSessionExpiring {
            tenant_key,
            session_id,
            minutes_remaining,
            metadata,
        };
        self.notify(Event::CustomerSessionExpiring(event)).await
    }

    /// Tells a session its cart.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn notify_customer_cart_updated(
        &self,
        tenant_key: Option<TenantKey>,
        session_id: SessionId,
        cart: Value,
    ) -> Result<NotificationId, NotifyError> {
        let metadata = Metadata::default();
        let event = CartUpdated {
            tenant_key,
            session_id,
            cart,
            metadata,
        };
        self.notify(Event::CartUpdated(event)).await
    }

    /// Tells everybody of every tenant.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn broadcast_to_everyone(
        &self,
        event_type: EventName,
        data: Value,
    ) -> Result<NotificationId, NotifyError> {
        self.broadcast(Broadcast::new(Audience::Everyone, event_type, data))
            .await
    }

    /// Tells everybody of a tenant.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn broadcast_to_tenant(
        &self,
        tenant_key: TenantKey,
        event_type: EventName,
        data: Value,
    ) -> Result<NotificationId, NotifyError> {
        self.broadcast(Broadcast::new(
            Audience::Tenant { tenant_key },
            event_type,
            data,
        ))
        .await
    }

    /// Tells those of a tenant who have exactly this role.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn broadcast_to_role(
        &self,
        tenant_key: TenantKey,
        role: AudienceRole,
        event_type: EventName,
        data: Value,
    ) -> Result<NotificationId, NotifyError> {
        let audience = Audience::Role { tenant_key, role };
        self.broadcast(Broadcast::new(audience, event_type, data))
            .await
    }

    /// Tells one user of a tenant, on all devices.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn broadcast_to_user(
        &self,
        tenant_key: TenantKey,
        user_id: UserId,
        event_type: EventName,
        data: Value,
    ) -> Result<NotificationId, NotifyError> {
        let audience = Audience::User {
            tenant_key,
            user_id,
        };
        self.broadcast(Broadcast::new(audience, event_type, data))
            .await
    }

    /// Tells one dining session.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    async fn broadcast_to_session(
        &self,
        tenant_key: Option<TenantKey>,
        session_id: SessionId,
        event_type: EventName,
        data: Value,
    ) -> Result<NotificationId, NotifyError> {
        let audience = Audience::Session {
            session_id,
            tenant_key,
        };
        self.broadcast(Broadcast::new(audience, event_type, data))
            .await
    }
}
