//! Background processing: the bounded queue of accepted notifications, and the way into it.
//!
//! Full, the queue refuses: nothing that was accepted is dropped. With a journal, accepted means on
//! disk, and what the broker does not take waits there.

use std::sync::Arc;
use std::time::Duration;

use mesahub_broker::Broker;
use parking_lot::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::journal::{JournalError, JournalStore, Waiting};
use crate::notification::{
    counters::NotificationCounters,
    dead_letter::{DeadLetter, DeadLetters},
    drain::Drain,
    error::NotifyError,
    id::NotificationId,
    idempotency::{Keys, Taken},
    journalled::{JournalOptions, Journalled, Wanted},
    level::Level,
    options::NotificationOptions,
    progress::Progress,
    queue::{Queue, Room},
    retry::Retry,
};

/// How long the batch under way has to end once there is no time left.
const LAST_BATCH: Duration = Duration::from_secs(1);

/// The way into the queue. Dropping it lets the task finish what waits and end.
pub(crate) struct Batches {
    is_open: Mutex<bool>,
    queue: Arc<Queue>,
    progress: Arc<Progress>,
    kept: Kept,
    counters: Arc<NotificationCounters>,
    hurry: CancellationToken,
    /// Cancelled when the task has ended.
    ended: CancellationToken,
}

/// Where what was accepted is kept until the broker has it, and what was given up from then on.
#[derive(Clone)]
pub(crate) enum Kept {
    Memory {
        keys: Arc<Keys>,
        dead: Arc<DeadLetters>,
    },
    Journal(Arc<Journalled>),
}

impl Batches {
    /// Starts the task on the tracker, and the journal's thread if there is a journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(crate) fn start(
        tasks: &TaskTracker,
        broker: Arc<dyn Broker>,
        options: NotificationOptions,
        journal: Option<(Box<dyn JournalStore>, JournalOptions)>,
        counters: Arc<NotificationCounters>,
    ) -> Result<Self, JournalError> {
        let room = Room {
            count: options.queue_capacity.max(1),
            bytes: NotificationOptions::QUEUED_BYTES,
        };
        let (journal, found) = match journal {
            None => (None, Waiting::default()),
            Some((mut store, how)) => {
                let found = store.waiting()?;
                (Some((store, how)), found)
            }
        };
        if found.count > 0 {
            tracing::info!(
                waiting = found.count,
                "publishing what the journal has kept"
            );
        }
        let queue = Arc::new(Queue::new(room, found.count > 0));
        let progress = Arc::new(Progress::behind(found.count));
        let kept = match journal {
            None => Kept::Memory {
                keys: Arc::new(Keys::new(options.idempotency_window)),
                dead: Arc::default(),
            },
            Some((store, how)) => {
                let (to, of) = (Arc::clone(&queue), Arc::clone(&progress));
                Kept::Journal(Arc::new(Journalled::start(store, how, found, to, of)?))
            }
        };
        let (hurry, ended) = (CancellationToken::new(), CancellationToken::new());
        let drain = Drain {
            queue: Arc::clone(&queue),
            progress: Arc::clone(&progress),
            kept: kept.clone(),
            batch_size: options.batch_size.max(1),
            retry: Retry {
                broker,
                options,
                counters: Arc::clone(&counters),
                hurry: hurry.clone(),
                is_kept: matches!(kept, Kept::Journal(_)),
            },
            last: 0,
            recovered: found.last,
            ended: ended.clone(),
        };
        tasks.spawn(drain.run());
        Ok(Self {
            is_open: Mutex::new(true),
            queue,
            progress,
            kept,
            counters,
            hurry,
            ended,
        })
    }

    /// Queues notifications, side by side and in order, and answers each when it is kept. Once one
    /// is refused all that follow are, so that a caller who repeats them keeps their order. They
    /// are queued when this returns, and the answers say what became of that.
    pub(crate) fn submit(
        &self,
        all: Vec<Wanted>,
    ) -> impl Future<Output = Vec<Result<NotificationId, NotifyError>>> + Send + use<> {
        let ids: Vec<_> = all.iter().map(|wanted| wanted.outgoing.id).collect();
        let (now, later) = {
            let is_open = self.is_open.lock();
            match &self.kept {
                _ if !*is_open => (ids.iter().map(|_| Err(NotifyError::Closed)).collect(), None),
                Kept::Memory { keys, .. } => (self.queue_up(keys, all), None),
                Kept::Journal(journal) => (Vec::new(), Some(journal.keep(all))),
            }
        };
        self.counters.tell(&ids, &now);
        let counters = Arc::clone(&self.counters);
        async move {
            let Some(later) = later else {
                return now;
            };
            let answers = later.await;
            counters.tell(&ids, &answers);
            answers
        }
    }

    /// Waits until everything accepted so far is with the broker or given up.
    pub(crate) async fn flush(&self) {
        self.progress.reach().await;
    }

    /// Accepts nothing more and flushes. What is left at the deadline stays in the journal; without
    /// one it is tried once more each without pauses and then given up. Whether all went in time.
    pub(crate) async fn close(&self, deadline: Duration) -> bool {
        *self.is_open.lock() = false;
        self.queue.close();
        let in_time = timeout(deadline, self.flush()).await.is_ok();
        self.hurry.cancel();
        if let Kept::Journal(journal) = &self.kept {
            let _ = timeout(LAST_BATCH, self.ended.cancelled()).await;
            journal.close().await;
        }
        in_time
    }

    /// What stands in the way of accepting more, if anything does.
    pub(crate) fn trouble(&self) -> Option<String> {
        match &self.kept {
            Kept::Memory { .. } => None,
            Kept::Journal(journal) => journal.trouble(),
        }
    }

    /// How much waits.
    pub(crate) fn level(&self) -> Level {
        let (held, next) = self.queue.held();
        let (dead_letters, journal) = match &self.kept {
            Kept::Memory { dead, .. } => (dead.count() as u64, None),
            Kept::Journal(journal) => (journal.letter_count(), Some(journal.level())),
        };
        Level {
            waiting: self.progress.waiting(),
            held_bytes: held as u64,
            oldest: next.and_then(NotificationId::age),
            dead_letters,
            journal,
        }
    }

    /// What was given up, by id.
    pub(crate) async fn dead_letters(
        &self,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, NotifyError> {
        match &self.kept {
            Kept::Memory { dead, .. } => Ok(dead.list(after, limit)),
            Kept::Journal(journal) => journal.letters(after, limit).await,
        }
    }

    /// Accepts a dead letter anew; whether there was one.
    pub(crate) async fn revive(&self, id: NotificationId) -> Result<bool, NotifyError> {
        let dead = match &self.kept {
            Kept::Memory { dead, .. } => dead,
            Kept::Journal(journal) => return journal.revive(id).await,
        };
        let Some((letter, outgoing)) = dead.take(id) else {
            return Ok(false);
        };
        let wanted = Wanted::new(outgoing.clone(), None);
        let answer = self.submit(vec![wanted]).await.pop();
        match answer.expect("one notification has one answer") {
            Ok(_) => Ok(true),
            Err(error) => {
                dead.put_back(letter, outgoing);
                Err(error)
            }
        }
    }

    /// Forgets a dead letter; whether there was one.
    pub(crate) async fn discard(&self, id: NotificationId) -> Result<bool, NotifyError> {
        match &self.kept {
            Kept::Memory { dead, .. } => Ok(dead.take(id).is_some()),
            Kept::Journal(journal) => journal.discard(id).await,
        }
    }

    fn queue_up(&self, keys: &Keys, all: Vec<Wanted>) -> Vec<Result<NotificationId, NotifyError>> {
        let mut full = false;
        let mut accept = |wanted: Wanted| {
            if full {
                return Err(NotifyError::Overloaded);
            }
            let (id, key) = (wanted.outgoing.id, wanted.key);
            match keys.take(key.as_ref(), id) {
                Taken::Now => {}
                Taken::Before(id) => return Ok(id),
                Taken::ForOther => return Err(NotifyError::KeyReused),
                Taken::InProgress => return Err(NotifyError::InProgress),
            }
            // Counted first: the task may be done with it before this goes on.
            self.progress.accept(1);
            if self.queue.offer(wanted.outgoing) {
                keys.confirm(key.as_ref());
                return Ok(id);
            }
            self.progress.handle(1);
            keys.give_back(key.as_ref());
            full = true;
            Err(NotifyError::Overloaded)
        };
        all.into_iter().map(&mut accept).collect()
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.queue.close();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::BrokerError;

    use super::*;
    use crate::notification::testing::{Client, Stage, admin, status_event, table_event};
    use crate::notification::{Backlog, Event, HubNotificationService, NotificationService};

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

    async fn dead(service: &HubNotificationService) -> Vec<DeadLetter> {
        service.dead_letters(None, usize::MAX).await.unwrap()
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
        assert!(dead(&service).await.is_empty());
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
        let dead = dead(&service).await;
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].id, dead[0].attempts), (ids[0], 3));
        assert_eq!(dead[0].reason, "the broker is unavailable: away");
        assert_eq!(dead[0].topics, ["notifications:group:tenant:pizza:admins"]);
        assert_eq!(service.counters().given_up.value(), 1);

        assert!(service.revive(ids[0]).await.unwrap());
        assert_eq!(received(&client, 1).await, texts(&ids));
        assert!(!service.revive(ids[0]).await.unwrap());
        assert!(super::tests::dead(&service).await.is_empty());
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
        assert_eq!(dead(&service).await[0].attempts, 1);
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
        let dead: Vec<NotificationId> = dead(&service).await.iter().map(|d| d.id).collect();
        assert_eq!(dead, ids);
        assert!(
            stage.hub.node().stop(Duration::from_secs(5)).await,
            "no task is left"
        );
    }
}
