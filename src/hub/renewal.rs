//! Subscribing anew what has fallen silent.

use mesahub_broker::{Broker, Topic};

use crate::hub::membership::Membership;
use crate::hub::mends::Mends;
use crate::hub::trail::Trail;

/// Subscribes anew what the broker has stopped to deliver, and has what was missed made up for.
/// Returns the topics that have to be tried again.
pub(crate) async fn renew(
    membership: &Membership,
    mends: &Mends,
    broker: &dyn Broker,
    topics: Vec<Topic>,
) -> Vec<Topic> {
    if topics.is_empty() {
        return topics;
    }
    if let Err(error) = broker.subscribe(&topics).await {
        // It is away, and not silent: it restores what it had by itself, and tells of a gap.
        tracing::debug!(%error, "what seems silent cannot be subscribed anew now");
        let is_begun = |topic: &Topic| membership.trail(topic, |it| it.is_renewing()) == Some(true);
        let (begun, others): (Vec<_>, Vec<_>) = topics.into_iter().partition(is_begun);
        others.iter().for_each(|topic| membership.renewed(topic));
        return begun;
    }
    let begins = |topic: &Topic| membership.trail(topic, Trail::begin_renewing) == Some(true);
    let (topics, mended): (Vec<_>, Vec<_>) = topics.into_iter().partition(begins);
    // What is being mended will be inspected again.
    mended.iter().for_each(|topic| membership.renewed(topic));
    if topics.is_empty() {
        return topics;
    }
    let renewed = match broker.unsubscribe(&topics).await {
        Ok(()) => broker.subscribe(&topics).await,
        Err(error) => Err(error),
    };
    match renewed {
        Ok(()) => {
            topics.iter().for_each(|topic| membership.renewed(topic));
            mends.renewed(membership, topics);
            Vec::new()
        }
        Err(error) => {
            tracing::warn!(%error, topics = topics.len(), "a silent subscription is not renewed yet");
            topics
        }
    }
}
