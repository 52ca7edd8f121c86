//! When each fan-out worker is at work, so that another task can wait until what it sees in a
//! table is also what the workers go by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// The turns of all workers.
#[derive(Default)]
pub(crate) struct Turns {
    workers: Mutex<Vec<Arc<AtomicU64>>>,
}

/// The turns of one worker: odd while it has one.
pub(crate) struct Worker(Arc<AtomicU64>);

/// A turn, which ends when it is dropped.
pub(crate) struct Turn<'worker>(&'worker AtomicU64);

impl Turns {
    /// Another worker.
    pub(crate) fn join(&self) -> Worker {
        let turns = Arc::<AtomicU64>::default();
        self.workers.lock().push(Arc::clone(&turns));
        Worker(turns)
    }

    /// Waits until every turn that is under way has ended. A turn is short: it waits for nobody.
    pub(crate) async fn settle(&self) {
        let now = |worker: &Arc<AtomicU64>| (Arc::clone(worker), worker.load(Ordering::SeqCst));
        let workers: Vec<_> = self.workers.lock().iter().map(now).collect();
        for (worker, seen) in workers {
            while seen % 2 == 1 && worker.load(Ordering::SeqCst) == seen {
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Worker {
    /// Begins a turn.
    pub(crate) fn begin(&self) -> Turn<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Turn(&self.0)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::Turns;

    #[test]
    fn settling_waits_for_turns_that_are_under_way_and_for_no_later_ones() {
        let turns = Turns::default();
        let (one, other) = (turns.join(), turns.join());
        let turn = one.begin();
        let mut settled = pin!(turns.settle());
        let context = &mut Context::from_waker(Waker::noop());
        assert!(settled.as_mut().poll(context).is_pending());
        drop(turn);
        let _later = (one.begin(), other.begin());
        assert!(settled.as_mut().poll(context).is_ready());
    }
}
