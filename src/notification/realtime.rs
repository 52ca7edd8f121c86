//! Messages of a host's own to and from channels, beside notifications.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mesahub_protocol::{HubMessage, Invocation, Payload, Protocol};
use serde::Serialize;

use crate::channel::Channel;
use crate::hub::{GroupError, Hub, SendError, Subscription};
use crate::notification::error::NotifyError;

/// Publishes and subscribes to channels from a host's own code.
#[derive(Debug, Clone)]
pub struct RealTimeService {
    hub: Hub,
}

/// Something that arrived on a channel: a notification or whatever else was sent to it.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// The channel.
    pub channel: &'a Channel,
    /// The client method that it calls.
    pub target: &'a str,
    /// The first argument of that method, for [`Payload::decode`]; none for a call without
    /// arguments.
    pub data: Option<Payload<'a>>,
}

impl RealTimeService {
    /// A service for the channels of a hub.
    #[must_use]
    pub fn new(hub: Hub) -> Self {
        Self { hub }
    }

    /// Calls `target` with `data` on every member of a channel, on every node, and hands the same
    /// to whoever has subscribed. It is no notification: it has no id and no log keeps it.
    ///
    /// Returns when the backplane has taken it. Dropping the future may leave it sent or not.
    ///
    /// # Errors
    /// When `data` cannot be encoded or the backplane refuses.
    pub async fn publish<T: Serialize + Sync + ?Sized>(
        &self,
        channel: &Channel,
        target: &str,
        data: &T,
    ) -> Result<(), NotifyError> {
        Ok(self
            .hub
            .clients()
            .group(channel.to_string())
            .send(target, &(data,))
            .await?)
    }

    /// Calls `handler` for everything that is sent to a channel from anywhere, in order, until the
    /// subscription is dropped; a call that runs at that moment ends by itself.
    ///
    /// There is no queue between the backplane and the handler, so nothing is lost between them
    /// and nothing waits unseen. In return the handler holds up the delivery to every client of
    /// this node: it must be quick and must not block; slow work belongs in a bounded queue of the
    /// host's own. A panic in it is logged and ends neither the delivery nor the subscription.
    ///
    /// # Errors
    /// When the backplane refuses.
    pub async fn subscribe(
        &self,
        channel: &Channel,
        handler: impl Fn(&Received<'_>) + Send + Sync + 'static,
    ) -> Result<Subscription, GroupError> {
        let named = channel.clone();
        let callback = move |_: &str, message: &bytes::Bytes| {
            let Some(call) = invocation(message) else {
                return;
            };
            let data = call.arguments.first().copied();
            let received = Received {
                channel: &named,
                target: &call.target,
                data,
            };
            if catch_unwind(AssertUnwindSafe(|| handler(&received))).is_err() {
                tracing::error!(channel = %named, target = %call.target, "a subscriber panicked");
            }
        };
        self.hub.listen(&channel.to_string(), callback).await
    }

    /// How many nodes of the cluster listen to a channel, for a connection or a subscription.
    /// Nothing is published to find out.
    ///
    /// # Errors
    /// When the backplane does not answer.
    pub async fn subscriber_count(&self, channel: &Channel) -> Result<u64, NotifyError> {
        let topic = self
            .hub
            .topics()
            .group(&channel.to_string())
            .map_err(SendError::from)?;
        Ok(self.hub.node().broker().subscriber_count(&topic).await?)
    }
}

/// The call in a framed JSON hub message, if it is one.
pub(super) fn invocation(message: &[u8]) -> Option<Invocation<'_>> {
    let body = message.strip_suffix(&[mesahub_protocol::framing::SEPARATOR])?;
    match HubMessage::decode(Protocol::Json, body) {
        Ok(HubMessage::Invocation(call)) => Some(call),
        Ok(_) => None,
        Err(error) => {
            tracing::debug!(%error, "a message on a channel cannot be read");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};
    use tokio::sync::mpsc;

    use super::*;
    use crate::notification::NotificationService;
    use crate::notification::testing::{Stage, admin, table_event};

    fn admins() -> Channel {
        "tenant:pizza:admins".parse().unwrap()
    }

    #[tokio::test]
    async fn a_subscriber_hears_messages_and_notifications_of_its_channel() {
        let stage = Stage::new();
        let service = RealTimeService::new(stage.hub.clone());
        let (sender, mut heard) = mpsc::channel(8);
        let subscription = service
            .subscribe(&admins(), move |received| {
                assert_eq!(received.channel.to_string(), "tenant:pizza:admins");
                let data: Value = received.data.unwrap().decode().unwrap();
                sender.try_send((received.target.to_owned(), data)).unwrap();
            })
            .await
            .unwrap();
        let client = stage.connect(admin("pizza")).await.unwrap();
        service
            .publish(&admins(), "Kitchen", &json!({"open": true}))
            .await
            .unwrap();
        let message = ("Kitchen".to_owned(), json!({"open": true}));
        assert_eq!(heard.recv().await.unwrap(), message);
        assert_eq!(client.next().await, message);

        stage.direct().notify(table_event(true)).await.unwrap();
        assert_eq!(heard.recv().await.unwrap().0, "TableStatusChanged");
        drop(subscription);
        assert!(
            heard.recv().await.is_none(),
            "the handler is gone with the subscription"
        );
    }

    #[tokio::test]
    async fn a_subscriber_that_panics_stays_subscribed() {
        let stage = Stage::new();
        let service = RealTimeService::new(stage.hub.clone());
        let (sender, mut heard) = mpsc::channel(8);
        let _subscription = service
            .subscribe(&admins(), move |received| {
                sender.try_send(received.target.to_owned()).unwrap();
                assert_ne!(received.target, "Bad");
            })
            .await
            .unwrap();
        for target in ["Bad", "Good"] {
            service.publish(&admins(), target, &()).await.unwrap();
            assert_eq!(heard.recv().await.unwrap(), target);
        }
    }

    #[tokio::test]
    async fn counting_subscribers_counts_nodes_and_publishes_nothing() {
        let stage = Stage::new();
        let service = RealTimeService::new(stage.hub.clone());
        assert_eq!(service.subscriber_count(&admins()).await.unwrap(), 0);
        let _subscription = service.subscribe(&admins(), |_| {}).await.unwrap();
        let _client = stage.connect(admin("pizza")).await.unwrap();
        assert_eq!(service.subscriber_count(&admins()).await.unwrap(), 1);
        assert!(stage.broker.calls().is_empty());
    }
}
