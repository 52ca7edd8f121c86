//! Being seen: the one task that listens, greets and says that this node is alive.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::hub::peers::ask::Peers;
use crate::hub::peers::letter::Head;

/// Signs of life in one lease, so that one or two may be lost.
const BEATS: u32 = 3;

/// How long after a refusal the topics are asked for again.
const RETRY: Duration = Duration::from_millis(500);

/// How long the goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

impl Peers {
    /// Listens to other nodes, and beats until told to stop.
    pub(crate) async fn live(self: Arc<Self>, lease: Option<Duration>, stop: CancellationToken) {
        let stopped = stop.run_until_cancelled(self.listen()).await.is_none();
        let Some(lease) = lease.filter(|_| !stopped) else {
            return;
        };
        self.beat(true).await;
        let mut ticks = tokio::time::interval(lease / BEATS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        loop {
            let greeting = tokio::select! {
                _ = ticks.tick() => false,
                () = self.greeted.notified() => false,
                () = self.interrupted.notified() => true,
                () = stop.cancelled() => return,
            };
            self.beat(greeting).await;
            self.others();
        }
    }

    /// Tells the others that this node goes.
    pub(crate) async fn say_goodbye(&self) {
        if self.leases.is_some() {
            let leaving = Head::Leaving { from: self.me() };
            let told = tokio::time::timeout(GOODBYE, self.announce(&leaving)).await;
            if !matches!(told, Ok(Ok(()))) {
                tracing::debug!("the other nodes could not be told");
            }
        }
    }

    /// The backend keeps the subscription from then on.
    async fn listen(&self) {
        while let Err(error) = self.broker().subscribe(&self.topics()).await {
            tracing::warn!(%error, "other nodes cannot be heard yet");
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn beat(&self, greeting: bool) {
        let beat = Head::Beat {
            from: self.me(),
            greeting,
        };
        if let Err(error) = self.announce(&beat).await {
            tracing::debug!(%error, "a sign of life was not taken");
        }
    }
}
