//! The one task that empties the queue.
//!
//! Whatever has come while the broker was busy leaves together, up to a batch; with an idle broker a
//! notification leaves at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::journal::Stored;
use crate::notification::{
    batch::Kept,
    dead_letter::DeadLetter,
    id::NotificationId,
    journalled::Journalled,
    linger::Linger,
    outgoing::Outgoing,
    progress::Progress,
    queue::{Item, Next, Queue},
    record,
    retry::{Remains, Retry},
};

/// The pause after each batch of what a restart has found in the journal: it comes back to clients
/// that do other things too.
const RECOVERY_PAUSE: Duration = Duration::from_millis(10);

/// The pause before a journal that could not be read is read again.
const READING_PAUSE: Duration = Duration::from_secs(1);

/// What it takes to empty the queue.
pub(crate) struct Drain {
    pub(crate) queue: Arc<Queue>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) kept: Kept,
    pub(crate) batch_size: usize,
    pub(crate) retry: Retry,
    /// The place in the journal behind which the next is.
    pub(crate) last: u64,
    /// What is through here was in the journal when it was opened.
    pub(crate) recovered: u64,
    pub(crate) ended: CancellationToken,
}

impl Drain {
    /// Works until the queue is closed and empty, or what is left is on disk and there is no time.
    pub(crate) async fn run(mut self) {
        let mut linger = Linger::new(self.batch_size);
        loop {
            if let Some(pause) = linger.pause() {
                let _ = timeout(pause, self.queue.fills(self.batch_size)).await;
            }
            match self.queue.next(self.batch_size).await {
                Next::Items(items) => {
                    linger.observe(items.len(), Instant::now());
                    let held = items.iter().map(|item| item.bytes).sum();
                    self.deliver(items).await;
                    self.queue.free(held);
                }
                Next::Behind => self.catch_up().await,
                Next::Nothing => break,
            }
            // What is kept on disk is left there.
            if matches!(self.kept, Kept::Journal(_)) && self.retry.hurry.is_cancelled() {
                break;
            }
        }
        self.ended.cancel();
    }

    async fn deliver(&mut self, items: Vec<Item>) {
        let count = items.len() as u64;
        if let Some(first) = items.first() {
            self.queue.begin(first.outgoing.id);
        }
        let places: HashMap<_, _> = items
            .iter()
            .filter_map(|item| Some((item.outgoing.id, (item.sequence?, item.bytes as u64))))
            .collect();
        self.last = items
            .iter()
            .filter_map(|item| item.sequence)
            .fold(self.last, u64::max);
        let batch = items.into_iter().map(|item| item.outgoing).collect();
        let remains = self.retry.deliver(batch).await;
        self.queue.end();
        for one in &remains.given_up {
            DeadLetter::of(one).announce();
        }
        let left = remains.left.len() as u64;
        match &self.kept {
            Kept::Memory { dead, .. } => {
                remains.given_up.into_iter().for_each(|one| dead.add(one));
            }
            Kept::Journal(journal) => settle(journal, places, &remains),
        }
        self.progress.handle(count - left);
    }

    /// Publishes what is in the journal alone.
    async fn catch_up(&mut self) {
        let Kept::Journal(journal) = &self.kept else {
            return;
        };
        let page = match journal.read(self.last, self.batch_size).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the journal cannot be read; trying again"
                );
                tokio::select! {
                    () = sleep(READING_PAUSE) => {}
                    () = self.retry.hurry.cancelled() => {}
                }
                return;
            }
        };
        let Some(last) = page.last().map(|stored| stored.sequence) else {
            return;
        };
        let journal = Arc::clone(journal);
        let mut items = Vec::with_capacity(page.len());
        for stored in page {
            match readable(&stored) {
                Some(item) => items.push(item),
                None => {
                    tracing::error!(id = %stored.id, "a notification in the journal is unreadable");
                    journal.bury_unread(stored);
                    self.progress.handle(1);
                }
            }
        }
        self.deliver(items).await;
        if last <= self.recovered {
            tokio::select! {
                () = sleep(RECOVERY_PAUSE) => {}
                () = self.retry.hurry.cancelled() => {}
            }
        }
        self.last = last;
    }
}

/// Tells the journal what is done with.
fn settle(
    journal: &Journalled,
    mut places: HashMap<NotificationId, (u64, u64)>,
    remains: &Remains,
) {
    for id in &remains.left {
        places.remove(id);
    }
    for one in &remains.given_up {
        if let Some((sequence, bytes)) = places.remove(&one.rest.id) {
            journal.bury(sequence, bytes, one);
        }
    }
    journal.settle(places.into_values());
}

fn readable(stored: &Stored) -> Option<Item> {
    let id = NotificationId::from_bytes(stored.id.into_bytes());
    let outgoing: Outgoing = record::read(id, stored.body.clone()).ok()?;
    Some(Item {
        outgoing,
        bytes: stored.body.len(),
        sequence: Some(stored.sequence),
    })
}
