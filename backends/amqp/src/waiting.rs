//! Who waits for something of their own to come back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Numbers that are on their way, and who waits for each.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    next: AtomicU64,
    by_number: Mutex<HashMap<u64, oneshot::Sender<T>>>,
}

/// One that is waited for. Dropping it ends the wait.
#[derive(Debug)]
pub(crate) struct Awaited<'a, T> {
    pub(crate) number: u64,
    answer: oneshot::Receiver<T>,
    waiting: &'a Waiting<T>,
}

/// The connection on which it would have come was lost.
#[derive(Debug)]
pub(crate) struct Lost;

impl<T> Waiting<T> {
    pub(crate) fn new() -> Self {
        Self {
            next: AtomicU64::new(1),
            by_number: Mutex::new(HashMap::new()),
        }
    }

    /// A number that nobody else has; never zero.
    pub(crate) fn expect(&self) -> Awaited<'_, T> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.by_number.lock().insert(number, sender);
        Awaited {
            number,
            answer,
            waiting: self,
        }
    }

    /// It has come.
    pub(crate) fn resolve(&self, number: u64, value: T) {
        if let Some(sender) = self.by_number.lock().remove(&number) {
            // Whoever no longer waits misses nothing.
            let _ = sender.send(value);
        }
    }

    /// Nothing of what is on its way will come.
    pub(crate) fn give_up(&self) {
        self.by_number.lock().clear();
    }
}

impl<T> Awaited<'_, T> {
    /// Waits for it. Cancel safe.
    pub(crate) async fn come(&mut self) -> Result<T, Lost> {
        (&mut self.answer).await.map_err(|_| Lost)
    }
}

impl<T> Drop for Awaited<'_, T> {
    fn drop(&mut self) {
        self.waiting.by_number.lock().remove(&self.number);
    }
}
