//! The one task that tells the broker which topics this node listens to.

use std::sync::Arc;
use std::time::Duration;

use mesahub_broker::{Broker, Topic};
use tokio_util::sync::CancellationToken;

use crate::hub::membership::{Membership, Need, SubscribeFailed};

/// How long after a failed unsubscribe it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps the broker's subscriptions equal to the table until told to stop.
pub(crate) async fn keep(
    membership: Arc<Membership>,
    broker: Arc<dyn Broker>,
    stop: CancellationToken,
) {
    let mut again: Vec<Topic> = Vec::new();
    loop {
        let changed = tokio::select! {
            changed = membership.changes() => changed,
            () = tokio::time::sleep(RETRY), if !again.is_empty() => Vec::new(),
            () = stop.cancelled() => {
                membership.close();
                return;
            }
        };
        let mut topics = std::mem::take(&mut again);
        topics.extend(changed);
        topics.sort_unstable();
        topics.dedup();
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for topic in topics {
            match membership.need(&topic) {
                Need::Subscribe => wanted.push(topic),
                Need::Unsubscribe => unwanted.push(topic),
                Need::Nothing => {}
            }
        }
        subscribe(&membership, &*broker, &wanted).await;
        again = unsubscribe(&membership, &*broker, unwanted).await;
    }
}

async fn subscribe(membership: &Membership, broker: &dyn Broker, topics: &[Topic]) {
    if topics.is_empty() {
        return;
    }
    match broker.subscribe(topics).await {
        Ok(()) => topics.iter().for_each(|topic| membership.subscribed(topic)),
        Err(error) => {
            tracing::warn!(%error, topics = topics.len(), "the backplane refused a subscription");
            let error = SubscribeFailed(Arc::new(error));
            topics
                .iter()
                .for_each(|topic| membership.refused(topic, &error));
        }
    }
}

/// Returns the topics that have to be tried again.
async fn unsubscribe(
    membership: &Membership,
    broker: &dyn Broker,
    topics: Vec<Topic>,
) -> Vec<Topic> {
    if topics.is_empty() {
        return topics;
    }
    match broker.unsubscribe(&topics).await {
        Ok(()) => {
            topics
                .iter()
                .for_each(|topic| membership.unsubscribed(topic));
            Vec::new()
        }
        Err(error) => {
            tracing::warn!(%error, topics = topics.len(), "the backplane kept a subscription");
            topics.iter().for_each(|topic| membership.subscribed(topic));
            topics
        }
    }
}
