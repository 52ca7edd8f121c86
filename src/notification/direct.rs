//! Publishing while the caller waits.

use std::sync::Arc;
use std::time::Duration;

use mesahub_broker::Broker;

use crate::notification::{
    counters::NotificationCounters,
    error::NotifyError,
    id::NotificationId,
    idempotency::{Claims, Keys},
    journalled::Wanted,
    retry,
};

/// Publishes at once, and once.
pub(crate) struct Direct {
    broker: Arc<dyn Broker>,
    keys: Keys,
    counters: Arc<NotificationCounters>,
}

impl Direct {
    /// Remembers keys for a window.
    pub(crate) fn new(
        broker: Arc<dyn Broker>,
        window: Duration,
        counters: Arc<NotificationCounters>,
    ) -> Self {
        Self {
            broker,
            keys: Keys::new(window),
            counters,
        }
    }

    /// Publishes all in one batch; what the broker said of each. Keys of what it did not take are
    /// free again, as they are when the future is dropped.
    pub(crate) async fn publish(
        &self,
        all: Vec<Wanted>,
    ) -> Vec<Result<NotificationId, NotifyError>> {
        let ids: Vec<_> = all.iter().map(|wanted| wanted.outgoing.id).collect();
        let claims = Claims::take(&self.keys, &all);
        let mut answers: Vec<_> = claims.answers().collect();
        let batch: Vec<_> = all
            .into_iter()
            .zip(&answers)
            .filter(|(wanted, answer)| matches!(answer, Ok(id) if *id == wanted.outgoing.id))
            .map(|(wanted, _)| wanted.outgoing)
            .collect();
        let tried = batch.len() as u64;
        let untaken = retry::publish(&*self.broker, batch).await;
        self.counters.published.add(tried - untaken.len() as u64);
        for untaken in untaken {
            let place = ids.iter().position(|id| *id == untaken.rest.id);
            let place = place.expect("what was not taken was given");
            answers[place] = Err(untaken.error.into());
        }
        claims.confirm(&answers);
        self.counters.tell(&ids, &answers);
        answers
    }
}
