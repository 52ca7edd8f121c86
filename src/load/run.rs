//! A run from its beginning to its report.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, interval, interval_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::descriptors;
use super::door::Door;
use super::error::LoadError;
use super::fleet::{Fleet, World};
use super::plan::Plan;
use super::publisher::publishers;
use super::report::{Lasted, Report};
use super::tally::Tally;
use super::wire::Dial;

/// How often progress is told.
const TELL: Duration = Duration::from_secs(1);

/// How often is looked whether everything has been heard.
const LOOK: Duration = Duration::from_millis(50);

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What is being done.
    pub doing: &'static str,
    /// How many clients are connected.
    pub connected: usize,
    /// How many there should be.
    pub connections: usize,
    /// How many messages the server has taken.
    pub published: u64,
    /// How often one has been heard.
    pub heard: u64,
    /// How often one should have been.
    pub expected: u64,
}

/// Does what a plan says, and tells once a second, and after each part, how far it has come. Needs a Tokio runtime with
/// time and network. Dropping the future ends every connection.
///
/// # Errors
/// [`LoadError`] when it cannot begin. Whatever fails later is in the report.
pub async fn run(
    plan: Plan,
    tell: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Report, LoadError> {
    plan.check()?;
    // The publishers have connections too, no more than there are channels.
    descriptors::allow(plan.connections + plan.channels.count.min(1_000))?;
    let over = CancellationToken::new();
    let _ends = over.clone().drop_guard();
    let door = Door {
        dial: Dial::new(&plan.hub)?,
        negotiate: plan.negotiate,
        protocol: plan.protocol,
    };
    let run = Uuid::new_v4().as_u64_pair().0;
    let tally = Tally::new(run, plan.channels.count);
    let world = Arc::new(World {
        plan,
        door,
        tally,
        over,
    });
    let publishers = publishers(&world)?;
    let fleet = Fleet::new(&world);

    let began = Instant::now();
    watched(&world, "connecting", fleet.begin(), tell).await;
    let mut lasted = Lasted {
        connecting: began.elapsed(),
        storm: None,
        publishing: Duration::ZERO,
    };
    if world.plan.storm {
        let began = Instant::now();
        watched(&world, "reconnecting", fleet.storm(), tell).await;
        lasted.storm = Some((began.elapsed(), world.tally.standing().back));
    }
    if !world.plan.duration.is_zero() {
        let began = Instant::now();
        let tasks = TaskTracker::new();
        for publisher in publishers {
            tasks.spawn(publisher.publish());
        }
        tasks.close();
        watched(&world, "publishing", tasks.wait(), tell).await;
        lasted.publishing = began.elapsed();
        watched(&world, "waiting", all_heard(&world), tell).await;
    }
    watched(&world, "leaving", fleet.end(), tell).await;
    Ok(Report::of(&world, &lasted))
}

/// Waits until everything has been heard, or nothing has for as long as patience lasts.
async fn all_heard(world: &World) {
    let expected = world.tally.expected(&world.plan.members());
    let (mut heard, mut since) = (0, Instant::now());
    let mut looks = interval(LOOK);
    loop {
        looks.tick().await;
        let now = world.tally.heard.load(Relaxed);
        if now >= expected || now == heard && since.elapsed() > world.plan.patience {
            return;
        }
        if now != heard {
            (heard, since) = (now, Instant::now());
        }
    }
}

/// Does something, and tells how far it is, also at its end.
async fn watched<T>(
    world: &World,
    doing: &'static str,
    work: impl Future<Output = T>,
    tell: &mut (dyn FnMut(&Progress) + Send),
) -> T {
    let mut work = pin!(work);
    let mut ticks = interval_at(Instant::now() + TELL, TELL);
    loop {
        let done = tokio::select! {
            done = work.as_mut() => Some(done),
            _ = ticks.tick() => None,
        };
        tell(&Progress {
            doing,
            connected: world.tally.standing().up,
            connections: world.plan.connections,
            published: world.tally.published().0,
            heard: world.tally.heard.load(Relaxed),
            expected: world.tally.expected(&world.plan.members()),
        });
        if let Some(done) = done {
            return done;
        }
    }
}
