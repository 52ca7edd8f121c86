//! How far the queue has come.

use tokio::sync::watch;

/// How many notifications were accepted and how many of them are with the broker or given up.
#[derive(Debug)]
pub(crate) struct Progress {
    counts: watch::Sender<Counts>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    accepted: u64,
    handled: u64,
}

impl Progress {
    /// So many wait already.
    pub(crate) fn behind(accepted: u64) -> Self {
        let counts = Counts {
            accepted,
            handled: 0,
        };
        Self {
            counts: watch::Sender::new(counts),
        }
    }

    pub(crate) fn accept(&self, count: u64) {
        self.counts.send_modify(|counts| counts.accepted += count);
    }

    pub(crate) fn handle(&self, count: u64) {
        self.counts.send_modify(|counts| counts.handled += count);
    }

    /// How many were accepted and are not handled.
    pub(crate) fn waiting(&self) -> u64 {
        let counts = self.counts.borrow();
        counts.accepted.saturating_sub(counts.handled)
    }

    /// Waits until everything accepted so far is handled.
    pub(crate) async fn reach(&self) {
        let mut counts = self.counts.subscribe();
        let target = counts.borrow().accepted;
        // There is a sender: this one.
        let _ = counts.wait_for(|counts| counts.handled >= target).await;
    }
}
