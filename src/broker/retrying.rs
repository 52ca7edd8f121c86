//! A broker that tries again.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use mesahub_broker::{
    Broker, BrokerError, Capabilities, LogPage, Position, Publication, Published, Topic,
};

/// How often and how patiently a call that failed is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOptions {
    /// How many times a call is repeated at most; 0 for never.
    pub attempts: usize,
    /// The pause before the first repetition. Each later one is twice as long, and to each up to
    /// its own length again is added at random, so that nodes do not come back in step.
    pub delay: Duration,
    /// The longest pause, before what is added.
    pub max_delay: Duration,
}

/// A broker whose failures are repeated where a repetition can help: it bridges the moments in
/// which a backplane restarts or changes its leader.
///
/// A publication is repeated only where nobody can get it twice: when it was certainly not taken,
/// and, after [`Timeout`](BrokerError::Timeout), when it is for a log and has a
/// [key](Publication::once), by which the log knows whether it has taken it. Of any other
/// publication that timed out the publisher is told at once, since it may have been taken, and
/// nothing would tell. Nor is it repeated when something later for its topic has been taken
/// meanwhile: that would change the order. Other calls may be made twice without harm and are
/// repeated whenever [the error says so](BrokerError::is_retryable). [`Broker::health`] is never
/// repeated.
///
/// A call takes as long as its repetitions and pauses, where a broker that hangs takes its time for
/// an answer each time; dropping its future ends all of them.
#[derive(Debug)]
pub struct Retrying<B> {
    broker: B,
    options: RetryOptions,
}

/// A publication that is not known to be taken, its place in the batch, and why.
struct Untaken {
    place: usize,
    publication: Publication,
    error: BrokerError,
}

impl<B: Broker> Retrying<B> {
    /// The same broker, more patient.
    pub fn new(broker: B, options: RetryOptions) -> Self {
        Self { broker, options }
    }

    fn pauses(&self) -> impl Iterator<Item = Duration> + Send + Sync + 'static {
        self.backoff().build()
    }

    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.options.delay)
            .with_max_delay(self.options.max_delay)
            .with_max_times(self.options.attempts)
            .with_jitter()
    }

    /// One attempt at what has not been answered; what can be repeated is given back.
    async fn attempt(
        &self,
        pending: Vec<(usize, Publication)>,
        answers: &mut [Option<Result<Published, BrokerError>>],
    ) -> Vec<Untaken> {
        let batch = pending.iter().map(|(_, one)| one.clone()).collect();
        let mut given = self.broker.publish(batch).await.into_iter();
        let mut untaken = Vec::new();
        let mut overtaken = HashSet::new();
        let keeps_logs = self.broker.capabilities().log;
        let attempted: Vec<_> = pending
            .into_iter()
            .map(|(place, publication)| (place, publication, given.next()))
            .collect();
        for (place, publication, answer) in attempted.into_iter().rev() {
            match answer {
                Some(Err(error))
                    if may_be_repeated(&error, &publication, keeps_logs)
                        && !overtaken.contains(&publication.topic) =>
                {
                    untaken.push(Untaken {
                        place,
                        publication,
                        error,
                    });
                }
                Some(answer) => {
                    if answer.is_ok() {
                        overtaken.insert(publication.topic);
                    }
                    answers[place] = Some(answer);
                }
                None => {}
            }
        }
        untaken.reverse();
        untaken
    }
}

#[async_trait]
impl<B: Broker> Broker for Retrying<B> {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        let mut answers = vec![None; batch.len()];
        let mut pauses = self.pauses();
        let mut pending: Vec<_> = batch.into_iter().enumerate().collect();
        while !pending.is_empty() {
            let untaken = self.attempt(pending, &mut answers).await;
            pending = Vec::new();
            let Some(first) = untaken.first() else {
                break;
            };
            match pauses.next() {
                Some(pause) => {
                    again("publish", &first.error, pause);
                    tokio::time::sleep(pause).await;
                    let again = |one: Untaken| (one.place, one.publication);
                    pending = untaken.into_iter().map(again).collect();
                }
                None => {
                    for one in untaken {
                        answers[one.place] = Some(Err(one.error));
                    }
                }
            }
        }
        let unanswered = || BrokerError::rejected("the broker did not answer for every message");
        answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| Err(unanswered())))
            .collect()
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        (|| self.broker.subscribe(topics))
            .retry(self.backoff())
            .when(BrokerError::is_retryable)
            .notify(|error, pause| again("subscribe", error, pause))
            .await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        (|| self.broker.unsubscribe(topics))
            .retry(self.backoff())
            .when(BrokerError::is_retryable)
            .notify(|error, pause| again("unsubscribe", error, pause))
            .await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        (|| self.broker.subscriber_count(topic))
            .retry(self.backoff())
            .when(BrokerError::is_retryable)
            .notify(|error, pause| again("subscriber_count", error, pause))
            .await
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        (|| self.broker.read_log(topic, after, limit))
            .retry(self.backoff())
            .when(BrokerError::is_retryable)
            .notify(|error, pause| again("read_log", error, pause))
            .await
    }

    async fn health(&self) -> Result<(), BrokerError> {
        self.broker.health().await
    }

    fn capabilities(&self) -> Capabilities {
        self.broker.capabilities()
    }

    async fn close(&self) {
        self.broker.close().await;
    }
}

impl Default for RetryOptions {
    /// 4 repetitions within 1.5 to 3 seconds: long enough for a restart of most backplanes, and
    /// soon enough for whoever waits for an answer.
    fn default() -> Self {
        Self {
            attempts: 4,
            delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(1),
        }
    }
}

/// Whether the broker might take it another time and has not taken it before, or would know it.
fn may_be_repeated(error: &BrokerError, publication: &Publication, keeps_logs: bool) -> bool {
    let is_known_again = keeps_logs && publication.log && publication.once.is_some();
    let may_be_taken = matches!(error, BrokerError::Timeout { .. });
    error.is_retryable() && (is_known_again || !may_be_taken)
}

fn again(call: &'static str, error: &BrokerError, pause: Duration) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(call, error, ?pause, "the backplane is away; trying again");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use futures_util::FutureExt;
    use mesahub_broker::{BrokerError, Inbound, Inbox, InboxShard, OnceKey};
    use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};
    use tokio::time::Instant;

    use super::*;
    use crate::notification::testing::Flaky;

    fn topic(name: &str) -> Topic {
        Topic::new(name).unwrap()
    }

    fn batch(names: &[(&str, &'static str)]) -> Vec<Publication> {
        let publication =
            |(name, text): &(&str, &'static str)| Publication::new(topic(name), text.as_bytes());
        names.iter().map(publication).collect()
    }

    async fn flaky() -> (Arc<Flaky>, Retrying<Arc<dyn Broker>>, InboxShard) {
        flaky_on(&MemoryNetwork::new(MemoryConfig::default())).await
    }

    async fn flaky_on(
        network: &MemoryNetwork,
    ) -> (Arc<Flaky>, Retrying<Arc<dyn Broker>>, InboxShard) {
        let (inbox, mut shards) = Inbox::new(1, 64);
        let flaky = Arc::new(Flaky::new(
            MemoryBroker::join(network, inbox.clone()),
            inbox,
        ));
        let shared: Arc<dyn Broker> = flaky.clone();
        let retrying = Retrying::new(shared, RetryOptions::default());
        retrying.subscribe(&[topic("a"), topic("b")]).await.unwrap();
        (flaky, retrying, shards.pop().unwrap())
    }

    async fn heard(shard: &mut InboxShard, count: usize) -> Vec<String> {
        let mut heard = Vec::new();
        while heard.len() < count {
            if let Some(Inbound::Delivery(delivery)) = shard.recv().await {
                heard.push(String::from_utf8(delivery.payload.to_vec()).unwrap());
            }
        }
        heard
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_taken_is_repeated_in_order_after_growing_pauses() {
        let (flaky, retrying, mut shard) = flaky().await;
        flaky.refuse(9);
        let answers = retrying.publish(batch(&[("a", "1"), ("a", "2"), ("b", "3")]));
        assert!(answers.await.iter().all(Result::is_ok));
        assert_eq!(heard(&mut shard, 3).await, ["1", "2", "3"]);
        let calls = flaky.calls();
        let pauses: Vec<f64> = calls
            .windows(2)
            .map(|pair| (pair[1].0 - pair[0].0).as_secs_f64())
            .collect();
        assert_eq!(pauses.len(), 3);
        for (pause, least) in pauses.iter().zip([0.1, 0.2, 0.4]) {
            assert!((least..=2.0 * least + 0.01).contains(pause), "{pauses:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn at_last_the_publisher_is_told() {
        let (flaky, retrying, _shard) = flaky().await;
        flaky.refuse(u32::MAX);
        let before = Instant::now();
        let answers = retrying.publish(batch(&[("a", "1")])).await;
        assert!(answers[0].as_ref().unwrap_err().is_retryable());
        assert_eq!(flaky.calls().len(), 5);
        assert!(before.elapsed() < Duration::from_secs(4));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_overtaken_on_its_topic_is_not_repeated() {
        let (flaky, retrying, mut shard) = flaky().await;
        let mut calls = 0;
        flaky.judge(move |publication| {
            calls += 1;
            let refused = calls <= 3 && publication.payload != "2";
            refused.then(|| BrokerError::unavailable("away"))
        });
        let answers = retrying
            .publish(batch(&[("a", "1"), ("a", "2"), ("b", "3")]))
            .await;
        let taken: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(taken, [false, true, true]);
        assert_eq!(heard(&mut shard, 2).await, ["2", "3"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_been_taken_or_never_will_be_is_not_repeated() {
        let (flaky, retrying, _shard) = flaky().await;
        for error in [
            BrokerError::Timeout {
                after: Duration::from_secs(1),
            },
            BrokerError::rejected("no permission"),
        ] {
            let before = flaky.calls().len();
            let text = error.to_string();
            flaky.judge(move |_| Some(error.clone()));
            let answers = retrying.publish(batch(&[("a", "1")])).await;
            assert_eq!(answers[0].as_ref().unwrap_err().to_string(), text);
            assert_eq!(flaky.calls().len(), before + 1);
        }
    }

    fn timeout() -> BrokerError {
        BrokerError::Timeout {
            after: Duration::from_secs(1),
        }
    }

    fn keyed(text: &'static str, key: u8) -> Publication {
        let item = Publication::new(topic("a"), text).logged();
        item.once(OnceKey::new([key; 16]))
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_log_knows_again_is_repeated_though_it_may_have_been_taken() {
        let network = MemoryNetwork::new(MemoryConfig::default());
        let (flaky, retrying, mut shard) = flaky_on(&network).await;
        let (inbox, _shards) = Inbox::new(1, 1);
        let server = MemoryBroker::join(&network, inbox);
        let mut calls = 0;
        // Of the first attempts, the first is taken, and no answer comes to either.
        flaky.judge(move |publication| {
            calls += 1;
            if calls == 1 {
                let taken = server.publish(vec![publication.clone()]).now_or_never();
                assert!(taken.unwrap()[0].is_ok());
            }
            (calls <= 2).then(timeout)
        });
        let answers = retrying.publish(vec![keyed("1", 1), keyed("2", 2)]).await;
        let duplicates: Vec<_> = answers
            .iter()
            .map(|answer| answer.as_ref().unwrap().duplicate)
            .collect();
        assert_eq!(duplicates, [true, false]);
        assert_eq!(flaky.calls().len(), 2);
        retrying.publish(batch(&[("a", "behind")])).await;
        assert_eq!(heard(&mut shard, 3).await, ["1", "2", "behind"]);
        let log = retrying.read_log(&topic("a"), None, 9).await.unwrap();
        assert_eq!(log.entries.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_timed_out_and_was_overtaken_is_not_repeated_for_all_its_key() {
        let (flaky, retrying, mut shard) = flaky().await;
        flaky.judge(|publication| (publication.payload == "1").then(timeout));
        let answers = retrying.publish(vec![keyed("1", 1), keyed("2", 2)]).await;
        let error = answers[0].as_ref().unwrap_err();
        assert!(matches!(error, BrokerError::Timeout { .. }), "{error:?}");
        assert_eq!(flaky.calls().len(), 1);
        assert_eq!(heard(&mut shard, 1).await, ["2"]);
    }

    #[test]
    fn a_key_helps_only_what_is_for_a_log_that_is_kept() {
        let keyed = keyed("1", 1);
        let live = Publication {
            log: false,
            ..keyed.clone()
        };
        let bare = Publication {
            once: None,
            ..keyed.clone()
        };
        let repeats = |one, keeps_logs| may_be_repeated(&timeout(), one, keeps_logs);
        assert!(repeats(&keyed, true));
        assert!(!repeats(&keyed, false) && !repeats(&live, true) && !repeats(&bare, true));
        let refused = BrokerError::rejected("no permission");
        assert!(!may_be_repeated(&refused, &keyed, true));
    }
}
