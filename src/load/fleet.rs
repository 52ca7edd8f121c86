//! All clients together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::Client;
use super::door::Door;
use super::plan::Plan;
use super::tally::Tally;

/// How often clients begin.
const STEP: Duration = Duration::from_millis(10);

/// What all clients share.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) door: Door,
    pub(super) tally: Tally,
    /// The run is over.
    pub(super) over: CancellationToken,
}

/// The last time when all connections were cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// How often they have been.
    pub(super) count: u64,
    pub(super) at: Instant,
}

/// All clients.
pub(super) struct Fleet {
    world: Arc<World>,
    cuts: watch::Sender<Cut>,
    tasks: TaskTracker,
}

impl Fleet {
    pub(super) fn new(world: &Arc<World>) -> Self {
        let never = Cut {
            count: 0,
            at: Instant::now(),
        };
        Self {
            world: Arc::clone(world),
            cuts: watch::Sender::new(never),
            tasks: TaskTracker::new(),
        }
    }

    /// Has all clients begin, so many a second, and waits until each is connected or has given up.
    pub(super) async fn begin(&self) {
        let (all, ramp) = (self.world.plan.connections, f64::from(self.world.plan.ramp));
        let began = Instant::now();
        let mut steps = interval(STEP);
        let mut begun = 0;
        while begun < all {
            steps.tick().await;
            // At the first step one begins, and not none.
            let due = (began.elapsed().as_secs_f64() * ramp) as usize + 1;
            while begun < due.min(all) {
                let client = Client {
                    index: begun,
                    world: Arc::clone(&self.world),
                    cuts: self.cuts.subscribe(),
                };
                self.tasks.spawn(client.live());
                begun += 1;
            }
        }
        self.until_back().await;
    }

    /// Cuts every connection at once, and waits until each client is back or has given up.
    pub(super) async fn storm(&self) {
        self.world.tally.absence.lock().reset();
        self.world.tally.stand(|standing| standing.back = 0);
        self.cuts.send_modify(|cut| {
            *cut = Cut {
                count: cut.count + 1,
                at: Instant::now(),
            };
        });
        self.until_back().await;
    }

    async fn until_back(&self) {
        let all = self.world.plan.connections;
        let tally = &self.world.tally;
        tally.until(|it| it.back + it.given_up >= all).await;
        tally.until(|it| it.up + it.given_up >= all).await;
    }

    /// Ends the run for all clients, and waits for them.
    pub(super) async fn end(&self) {
        self.world.over.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
