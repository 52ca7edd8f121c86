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
