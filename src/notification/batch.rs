//! Background processing: the bounded queue of accepted notifications, and the one task that
//! empties it.
//!
//! Whatever has come while the broker was busy leaves together, up to a batch; with an idle broker
//! a notification leaves at once. Full, the queue refuses: nothing that was accepted is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mesahub_broker::Broker;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::notification::{
    counters::NotificationCounters, dead_letter::DeadLetters, error::NotifyError,
    id::NotificationId, options::NotificationOptions, outgoing::Outgoing, retry::Retry,
};

/// The way into the queue. Dropping it lets the task finish what waits and end.
pub(crate) struct Batches {
    intake: Mutex<Intake>,
    handled: watch::Receiver<u64>,
    waiting_bytes: Arc<AtomicUsize>,
    counters: Arc<NotificationCounters>,
    hurry: CancellationToken,
}

struct Intake {
    /// `None` once closed.
    queue: Option<mpsc::Sender<Outgoing>>,
    accepted: u64,
}

struct Drain {
    queue: mpsc::Receiver<Outgoing>,
    batch_size: usize,
    retry: Retry,
    handled: watch::Sender<u64>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Batches {
    /// Starts the task on the tracker.
    pub(crate) fn start(
        tasks: &TaskTracker,
        broker: Arc<dyn Broker>,
        options: NotificationOptions,
        dead: Arc<DeadLetters>,
        counters: Arc<NotificationCounters>,
    ) -> Self {
        let capacity = options.queue_capacity.max(1);
        let (sender, queue) = mpsc::channel(capacity);
        let (done, handled) = watch::channel(0);
        let waiting_bytes = Arc::<AtomicUsize>::default();
        let hurry = CancellationToken::new();
        let batches = Self {
            intake: Mutex::new(Intake {
                queue: Some(sender),
                accepted: 0,
            }),
            handled,
            waiting_bytes: Arc::clone(&waiting_bytes),
            counters: Arc::clone(&counters),
            hurry: hurry.clone(),
        };
        let batch_size = options.batch_size.max(1);
        let retry = Retry {
            broker,
            options,
            dead,
            counters,
            hurry,
        };
        tasks.spawn(
            Drain {
                queue,
                batch_size,
                retry,
                handled: done,
                waiting_bytes,
            }
            .run(),
        );
        batches
    }

    /// Queues notifications, side by side and in order. Once one is refused all that follow are,
    /// so that a caller who repeats them keeps their order.
    pub(crate) fn submit(
        &self,
        all: impl IntoIterator<Item = Outgoing>,
    ) -> Vec<Result<NotificationId, NotifyError>> {
        let mut intake = self.intake.lock();
        let mut full = false;
        all.into_iter()
            .map(|outgoing| {
                let answer = match full {
                    true => Err(NotifyError::Overloaded),
                    false => self.accept(&mut intake, outgoing),
                };
                full = matches!(answer, Err(NotifyError::Overloaded));
                self.counters.refused.add(u64::from(full));
                answer
            })
            .collect()
    }

    /// Waits until everything accepted so far is with the broker or given up.
    pub(crate) async fn flush(&self) {
        let target = self.intake.lock().accepted;
        // An error says that the task has ended, and it ends with nothing left.
        let _ = self
            .handled
            .clone()
            .wait_for(|handled| *handled >= target)
            .await;
    }

    /// Accepts nothing more and flushes. When that has not ended by the deadline, what is left is
    /// tried once more each without pauses and then given up. Whether all went in time.
    pub(crate) async fn close(&self, deadline: Duration) -> bool {
        self.intake.lock().queue = None;
        let in_time = tokio::time::timeout(deadline, self.flush()).await.is_ok();
        self.hurry.cancel();
        in_time
    }

    fn accept(
        &self,
        intake: &mut Intake,
        outgoing: Outgoing,
    ) -> Result<NotificationId, NotifyError> {
        let queue = intake.queue.as_ref().ok_or(NotifyError::Closed)?;
        let (id, bytes) = (outgoing.id, outgoing.bytes());
        let waiting = self.waiting_bytes.load(Ordering::Relaxed);
        if waiting > 0 && waiting + bytes > NotificationOptions::QUEUED_BYTES {
            return Err(NotifyError::Overloaded);
        }
        // Counted first: the task may be done with it before `try_send` returns.
        self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Err(refused) = queue.try_send(outgoing) {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return Err(match refused {
                mpsc::error::TrySendError::Full(_) => NotifyError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => NotifyError::Closed,
            });
        }
        intake.accepted += 1;
        self.counters.accepted.add(1);
        Ok(id)
    }
}

impl Drain {
    async fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let count = self.queue.recv_many(&mut batch, self.batch_size).await;
            if count == 0 {
                return;
            }
            let bytes = batch.iter().map(Outgoing::bytes).sum();
            self.retry.deliver(std::mem::take(&mut batch)).await;
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.handled.send_modify(|handled| *handled += count as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::BrokerError;

    use super::*;
    use crate::notification::testing::{Client, Stage, admin, status_event, table_event};
    use crate::notification::{Event, HubNotificationService, NotificationService};

    async fn publish_all(
        service: &HubNotificationService,
        events: impl IntoIterator<Item = Event>,
    ) -> Vec<NotificationId> {
        let answers = service.publish(events.into_iter().collect()).await;
        answers.into_iter().map(Result::unwrap).collect()
    }

    async fn received(client: &Client, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let (_, notification) = client.next().await;
            ids.push(notification["id"].as_str().unwrap().to_owned());
        }
        ids
    }

    fn texts(ids: &[NotificationId]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    fn pauses(stage: &Stage) -> Vec<f64> {
        let calls = stage.broker.calls();
        calls
            .windows(2)
            .map(|pair| (pair[1].0 - pair[0].0).as_secs_f64())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_is_repeated_in_order_with_growing_pauses() {
        let stage = Stage::new();
        let client = stage.connect(admin("pizza")).await.unwrap();
        let service = stage.service(NotificationOptions::default());
        stage.broker.refuse(9);
        let ids = publish_all(&service, [true, false, true].map(table_event)).await;
        service.flush().await;
        assert_eq!(received(&client, 3).await, texts(&ids));
        let pauses = pauses(&stage);
        assert_eq!(pauses.len(), 3, "{pauses:?}");
        for (pause, whole) in pauses.iter().zip([1.0, 2.0, 4.0]) {
            assert!((whole / 2.0..=whole + 0.01).contains(pause), "{pauses:?}");
        }
        assert_eq!(service.counters().published.value(), 3);
        assert_eq!(service.counters().retried.value(), 9);
        assert!(service.dead_letters().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_flush_interval_bounds_the_pause() {
        let stage = Stage::new();
        let flush_interval = Duration::from_secs(2);
        let service = stage.service(NotificationOptions {
            flush_interval,
            retry_attempts: 8,
            ..NotificationOptions::default()
        });
        stage.broker.refuse(8);
        publish_all(&service, [table_event(true)]).await;
        service.flush().await;
        let pauses = pauses(&stage);
        assert_eq!(pauses.len(), 8);
        assert!(
            pauses[1..].iter().all(|pause| (1.0..2.01).contains(pause)),
            "{pauses:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_service_sends_at_once() {
        let stage = Stage::new();
        let service = stage.service(NotificationOptions::default());
        let before = tokio::time::Instant::now();
        publish_all(&service, [table_event(true)]).await;
        service.flush().await;
        assert_eq!(stage.broker.calls(), [(before, 1)]);
        assert_eq!(tokio::time::Instant::now(), before);
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_to_the_end_is_a_dead_letter_that_can_be_revived() {
        let stage = Stage::new();
        let client = stage.connect(admin("pizza")).await.unwrap();
        let service = stage.service(NotificationOptions {
            retry_attempts: 2,
            ..NotificationOptions::default()
        });
        stage.broker.refuse(3);
        let ids = publish_all(&service, [table_event(true)]).await;
        service.flush().await;
        let dead = service.dead_letters();
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].id, dead[0].attempts), (ids[0], 3));
        assert_eq!(dead[0].reason, "the broker is unavailable: away");
        assert_eq!(dead[0].topics, ["notifications:group:tenant:pizza:admins"]);
        assert_eq!(service.counters().given_up.value(), 1);

        assert!(service.revive(ids[0]).await.unwrap());
        assert_eq!(received(&client, 1).await, texts(&ids));
        assert!(!service.revive(ids[0]).await.unwrap());
        assert!(service.dead_letters().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_for_good_is_not_repeated() {
        let stage = Stage::new();
        let service = stage.service(NotificationOptions::default());
        stage
            .broker
            .judge(|_| Some(BrokerError::rejected("no permission")));
        publish_all(&service, [table_event(true)]).await;
        service.flush().await;
        assert_eq!(stage.broker.calls().len(), 1);
        assert_eq!(service.dead_letters()[0].attempts, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_channels_that_were_refused_are_repeated() {
        let stage = Stage::new();
        let service = stage.service(NotificationOptions::default());
        let mut refused = false;
        stage.broker.judge(move |publication| {
            let first = publication.topic.as_str().ends_with(":orders") && !refused;
            refused |= first;
            first.then(|| BrokerError::unavailable("away"))
        });
        publish_all(&service, [status_event("Ready")]).await;
        service.flush().await;
        let sizes: Vec<usize> = stage.broker.calls().iter().map(|call| call.1).collect();
        assert_eq!(sizes, [3, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_refuses_and_loses_nothing() {
        let stage = Stage::new();
        let client = stage.connect(admin("pizza")).await.unwrap();
        let service = stage.service(NotificationOptions {
            queue_capacity: 2,
            ..NotificationOptions::default()
        });
        stage.broker.hold();
        let mut ids = publish_all(&service, [table_event(true)]).await;
        stage.broker.entered().await;
        let answers = service
            .publish([true, false, true, false].map(table_event).into())
            .await;
        let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((taken.len(), refused.len()), (2, 2));
        assert!(
            refused
                .iter()
                .all(|answer| answer.as_ref().unwrap_err().is_retryable())
        );
        assert_eq!(service.counters().refused.value(), 2);
        ids.extend(taken.into_iter().map(Result::unwrap));

        stage.broker.release();
        assert_eq!(received(&client, 3).await, texts(&ids));
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_meanwhile_leaves_in_batches_of_the_size_that_is_set() {
        let stage = Stage::new();
        let service = stage.service(NotificationOptions {
            batch_size: 2,
            ..NotificationOptions::default()
        });
        stage.broker.hold();
        publish_all(&service, [table_event(true)]).await;
        stage.broker.entered().await;
        publish_all(&service, [true; 5].map(table_event)).await;
        stage.broker.release();
        service.flush().await;
        let sizes: Vec<usize> = stage.broker.calls().iter().map(|call| call.1).collect();
        assert_eq!(sizes, [1, 2, 2, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn closing_sends_what_waits_and_refuses_what_comes_later() {
        let stage = Stage::new();
        let client = stage.connect(admin("pizza")).await.unwrap();
        let service = stage.service(NotificationOptions::default());
        stage.broker.refuse(1);
        let ids = publish_all(&service, [true, false].map(table_event)).await;
        assert!(service.close(Duration::from_secs(30)).await);
        assert_eq!(received(&client, 2).await.len(), ids.len());
        let late = service.notify(table_event(true)).await.unwrap_err();
        assert!(matches!(late, NotifyError::Closed) && !late.is_retryable());
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_deadline_what_is_left_is_given_up_and_known() {
        let stage = Stage::new();
        let service = stage.service(NotificationOptions {
            retry_attempts: u32::MAX,
            batch_size: 2,
            ..NotificationOptions::default()
        });
        stage.broker.refuse(u32::MAX);
        let ids = publish_all(&service, [true; 5].map(table_event)).await;
        assert!(!service.close(Duration::from_secs(20)).await);
        service.flush().await;
        let dead: Vec<NotificationId> = service.dead_letters().iter().map(|d| d.id).collect();
        assert_eq!(dead, ids);
        assert!(
            stage.hub.node().stop(Duration::from_secs(5)).await,
            "no task is left"
        );
    }
}
