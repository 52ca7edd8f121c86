//! A notification that is ready for the broker: addressed, encoded, stamped.

use mesahub_broker::Publication;
use serde_json::Value;

use crate::auth::{SessionId, TenantKey};
use crate::channel::{Channel, role_group};
use crate::hub::{Hub, SendError, SendOptions};
use crate::notification::{
    broadcast::{Audience, Broadcast},
    event::Event,
    fields::SessionExpired,
    id::NotificationId,
    kind::NotificationKind,
    message::Notification,
    metadata::Metadata,
    receipt::PublishOptions,
};

/// What remains to be published of one notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) id: NotificationId,
    pub(crate) kind: NotificationKind,
    /// Whose it is, where that is known: it waits its turn with the others of this tenant.
    pub(crate) tenant: Option<TenantKey>,
    /// The dining session that it is addressed to, if it is. Its channel does not tell its tenant.
    pub(crate) session: Option<SessionId>,
    pub(crate) publications: Vec<Publication>,
}

impl Outgoing {
    /// The notification of an event, for each of its channels.
    pub(crate) fn of_event(
        hub: &Hub,
        event: Event,
        how: &PublishOptions,
    ) -> Result<Self, SendError> {
        let (target, channels, overflow) = (event.target(), event.channels(), event.overflow());
        let (tenant, metadata) = (event.tenant().cloned(), event.metadata().clone());
        let mut notification = blank(event.kind(), metadata);
        notification.tenant_key = tenant;
        notification.data = event.into_data(notification.timestamp);
        let options = SendOptions {
            once: channels.len() > 1,
            overflow,
            receipt: how.receipt,
            trace_parent: how.trace_parent,
            ..SendOptions::default()
        };
        if how.receipt {
            expect(hub, &notification);
        }
        let session = channels.iter().find_map(session);
        let mut publications = Vec::with_capacity(channels.len());
        for channel in channels {
            publications.extend(in_channel(
                hub,
                target,
                &mut notification,
                channel,
                &options,
            )?);
        }
        Ok(Self {
            id: notification.id,
            kind: notification.kind,
            tenant: notification.tenant_key,
            session,
            publications,
        })
    }

    /// The notification that a dining session has ended, and behind it the end of its connections.
    pub(crate) fn of_ending(hub: &Hub, event: SessionExpired) -> Result<Self, SendError> {
        let session = Channel::Session(event.session_id).to_string();
        let reason = format!("the dining session has ended: {}", event.reason);
        let event = Event::SessionExpired(event);
        let mut outgoing = Self::of_event(hub, event, &PublishOptions::default())?;
        let dismissals = hub.clients().group(session).dismissals(&reason)?;
        outgoing.publications.extend(dismissals);
        Ok(outgoing)
    }

    /// The notification of a broadcast.
    pub(crate) fn of_broadcast(
        hub: &Hub,
        broadcast: Broadcast,
        how: &PublishOptions,
    ) -> Result<Self, SendError> {
        let Broadcast {
            audience,
            event_type,
            data,
            metadata,
        } = broadcast;
        let mut notification = blank(NotificationKind::SystemAlert, metadata);
        notification.tenant_key = audience.tenant().cloned();
        notification.data = data;
        let target = event_type.as_str();
        let options = SendOptions {
            message_id: Some(notification.id.as_uuid()),
            receipt: how.receipt,
            trace_parent: how.trace_parent,
            ..SendOptions::default()
        };
        if how.receipt {
            expect(hub, &notification);
        }
        let channel = audience.channel();
        let session = channel.as_ref().and_then(session);
        let publications = match (&audience, channel) {
            (_, Some(channel)) => in_channel(hub, target, &mut notification, channel, &options)?,
            (Audience::Role { tenant_key, role }, None) => {
                let group = role_group(tenant_key, &role.role());
                let to = hub.clients().group(group).with(options);
                to.publications(target, &(&notification,))?
            }
            (
                Audience::User {
                    tenant_key,
                    user_id,
                },
                None,
            ) => {
                let to = hub
                    .clients()
                    .user(format!("{tenant_key}:{user_id}"))
                    .with(options);
                to.publications(target, &(&notification,))?
            }
            (_, None) => Vec::new(),
        };
        Ok(Self {
            id: notification.id,
            kind: notification.kind,
            tenant: notification.tenant_key,
            session,
            publications,
        })
    }

    /// The bytes that its payloads hold.
    pub(crate) fn bytes(&self) -> usize {
        self.publications
            .iter()
            .map(|publication| publication.payload.len())
            .sum()
    }
}

fn session(channel: &Channel) -> Option<SessionId> {
    match channel {
        Channel::Session(id) => Some(*id),
        _ => None,
    }
}

/// Has a receipt kept, of which the tenant is told again to whoever reads it.
fn expect(hub: &Hub, notification: &Notification) {
    let tenant = notification.tenant_key.as_ref().map(ToString::to_string);
    let id = notification.id.as_uuid();
    hub.node().receipts().open(id, tenant);
}

fn blank(kind: NotificationKind, metadata: Metadata) -> Notification {
    Notification {
        id: NotificationId::now(),
        kind,
        tenant_key: None,
        data: Value::Null,
        timestamp: Notification::moment(),
        metadata,
        channel: None,
    }
}

/// The copy for one channel, which names that channel.
fn in_channel(
    hub: &Hub,
    target: &str,
    notification: &mut Notification,
    channel: Channel,
    options: &SendOptions,
) -> Result<Vec<Publication>, SendError> {
    let options = SendOptions {
        message_id: Some(notification.id.as_uuid()),
        log: channel.keeps_log(),
        ..options.clone()
    };
    let recipients = hub.clients().group(channel.to_string()).with(options);
    notification.channel = Some(channel);
    recipients.publications(target, &(&*notification,))
}
