//! Publishing a batch, and trying again what the backplane did not take.

use std::sync::Arc;
use std::time::Duration;

use mesahub_broker::{Broker, BrokerError};
use tokio_util::sync::CancellationToken;

use crate::notification::{
    counters::NotificationCounters, id::NotificationId, options::NotificationOptions,
    outgoing::Outgoing,
};

/// What a notification that was not taken whole has left, and why.
pub(crate) struct Untaken {
    pub(crate) rest: Outgoing,
    pub(crate) error: BrokerError,
}

/// Gives everything to the broker in one batch, in order. What comes back was not taken, each with
/// the first error, or the first that is worth a repetition.
pub(crate) async fn publish(broker: &dyn Broker, all: Vec<Outgoing>) -> Vec<Untaken> {
    let batch = all
        .iter()
        .flat_map(|outgoing| outgoing.publications.iter().cloned())
        .collect();
    let mut answers = broker.publish(batch).await.into_iter();
    let mut untaken = Vec::new();
    for mut rest in all {
        let mut error: Option<BrokerError> = None;
        rest.publications.retain(|_| match answers.next() {
            Some(Ok(_)) => false,
            refused => {
                let new = match refused {
                    Some(Err(new)) => new,
                    _ => BrokerError::rejected("the broker did not answer for every message"),
                };
                if error
                    .as_ref()
                    .is_none_or(|old| !old.is_retryable() && new.is_retryable())
                {
                    error = Some(new);
                }
                true
            }
        });
        untaken.extend(error.map(|error| Untaken { rest, error }));
    }
    untaken
}

/// What was given up, and why.
#[derive(Debug)]
pub(crate) struct GivenUp {
    pub(crate) rest: Outgoing,
    pub(crate) reason: String,
    pub(crate) attempts: u32,
}

/// What a batch has left behind.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    pub(crate) given_up: Vec<GivenUp>,
    /// What was neither taken nor given up when there was no time left.
    pub(crate) left: Vec<NotificationId>,
}

/// Publishes batches and does not return before each notification is with the broker or given up.
pub(crate) struct Retry {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) options: NotificationOptions,
    pub(crate) counters: Arc<NotificationCounters>,
    /// Cancelled when there is no time left for pauses.
    pub(crate) hurry: CancellationToken,
    /// What the broker may take later is kept elsewhere too: it is tried until it is taken, and left
    /// when there is no time left.
    pub(crate) is_kept: bool,
}

impl Retry {
    /// Handles one batch. Later batches wait meanwhile, so nothing overtakes what is repeated.
    pub(crate) async fn deliver(&self, mut batch: Vec<Outgoing>) -> Remains {
        let (mut attempts, mut remains) = (0_u32, Remains::default());
        loop {
            attempts = attempts.saturating_add(1);
            let tried = batch.len() as u64;
            let mut untaken = publish(&*self.broker, batch).await;
            self.counters.published.add(tried - untaken.len() as u64);
            let is_last = !self.is_kept && attempts > self.options.retry_attempts;
            let in_hurry = self.hurry.is_cancelled();
            let lost = untaken.extract_if(.., |one| {
                is_last || (in_hurry && !self.is_kept) || !one.error.is_retryable()
            });
            remains
                .given_up
                .extend(lost.map(|one| self.give_up(one, attempts)));
            let Some(first) = untaken.first() else {
                return remains;
            };
            if in_hurry {
                remains.left = untaken.iter().map(|one| one.rest.id).collect();
                return remains;
            }
            self.pause(attempts, &first.error, untaken.len()).await;
            self.counters.retried.add(untaken.len() as u64);
            batch = untaken.into_iter().map(|one| one.rest).collect();
        }
    }

    /// Waits before a repetition.
    async fn pause(&self, attempts: u32, error: &BrokerError, notifications: usize) {
        let pause = self.options.pause(attempts);
        tracing::warn!(
            %error, notifications, attempts, ?pause,
            "the backplane did not take notifications; trying again"
        );
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.hurry.cancelled() => {}
        }
    }

    fn give_up(&self, untaken: Untaken, attempts: u32) -> GivenUp {
        self.counters.given_up.add(1);
        GivenUp {
            rest: untaken.rest,
            reason: described(&untaken.error),
            attempts,
        }
    }
}

impl NotificationOptions {
    /// The pause after a number of failed attempts: between a half and the whole of the doubled
    /// delay, which `flush_interval` bounds.
    fn pause(&self, attempts: u32) -> Duration {
        let doubled = self
            .retry_delay
            .saturating_mul(2_u32.saturating_pow(attempts - 1));
        let whole = doubled.min(self.flush_interval.max(self.retry_delay));
        let random = getrandom::u32().unwrap_or(u32::MAX);
        whole.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
    }
}

/// An error with its causes, in one line.
fn described(error: &BrokerError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
