//! Hearing what the hub sends to a group.

use std::time::Duration;

use mesahub::hub::{Hub, Subscription};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Hears a group from when it was made.
pub(crate) struct Listener {
    messages: mpsc::Receiver<Value>,
    _subscription: Subscription,
}

impl Listener {
    pub(crate) async fn to(hub: &Hub, group: &str) -> Self {
        let (sender, messages) = mpsc::channel(64);
        let subscription = hub
            .listen(group, move |_, frame| {
                let text = frame.strip_suffix(&[0x1e]).unwrap_or(frame);
                sender
                    .try_send(serde_json::from_slice(text).unwrap())
                    .unwrap();
            })
            .await
            .unwrap();
        Self {
            messages,
            _subscription: subscription,
        }
    }

    /// The next message: the client method and its one argument.
    pub(crate) async fn next(&mut self) -> (String, Value) {
        let message = timeout(Duration::from_secs(10), self.messages.recv()).await;
        let mut message = message
            .expect("a message in time")
            .expect("the hub still runs");
        let target = message["target"].as_str().unwrap().to_owned();
        (target, message["arguments"][0].take())
    }
}
