//! The day of all tenants.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::dice::Dice;
use crate::fleet::Fleet;
use crate::outage::Outage;
use crate::tenant::{Tenant, Told};

const TENANTS: usize = 20;

/// Steps of each tenant.
const STEPS: usize = 60;

/// What each tenant publishes while the backplane is away.
const AWAY: usize = 2;

/// The most that each publishes while it comes back.
const RETURNING: usize = 20;

/// Lets all tenants live their lives on the fleet at once, and compares.
pub(crate) async fn live(fleet: Fleet, seed: u64) {
    println!("seed {seed}");
    let fleet = Arc::new(fleet);
    let mut tenants = JoinSet::new();
    for number in 0..TENANTS {
        let fleet = Arc::clone(&fleet);
        tenants.spawn(async move {
            let mut tenant = Tenant::open(&fleet, number, dice(seed, number as u64)).await;
            for _ in 0..STEPS {
                tenant.step().await;
            }
            tenant.settle().await;
            tenant.close().await
        });
    }
    end(fleet, tenants.join_all().await).await;
}

/// The same with the backplane cut off in the middle.
pub(crate) async fn live_through<O: Outage>(outage: &O, fleet: Fleet, seed: u64) {
    println!("seed {seed}");
    let fleet = Arc::new(fleet);
    let (healed, steps) = (
        Arc::<AtomicBool>::default(),
        Arc::new(Barrier::new(TENANTS + 1)),
    );
    let mut tenants = JoinSet::new();
    for number in 0..TENANTS {
        let (fleet, healed, steps) = (fleet.clone(), healed.clone(), steps.clone());
        tenants.spawn(async move {
            let mut tenant = Tenant::open(&fleet, number, dice(seed, number as u64)).await;
            for _ in 0..STEPS / 2 {
                tenant.step().await;
            }
            tenant.settle().await;
            steps.wait().await;
            // The backplane goes.
            steps.wait().await;
            tenant.cut_somebody_off().await;
            for _ in 0..AWAY {
                tenant.publish().await;
            }
            let away = tenant.published();
            steps.wait().await;
            // It comes back.
            for _ in 0..RETURNING {
                tenant.publish().await;
                if healed.load(Ordering::SeqCst) {
                    break;
                }
            }
            steps.wait().await;
            tenant.catch_up().await;
            for _ in 0..STEPS / 2 {
                tenant.step().await;
            }
            tenant.settle().await;
            let told = tenant.published().1;
            (away.1, told, tenant.close().await)
        });
    }
    together(&steps, &mut tenants).await;
    let gaps = O::IS_NOTICED.then(|| fleet.gaps());
    outage.begin().await;
    if O::FORGETS {
        fleet.was_restarted();
    }
    together(&steps, &mut tenants).await;
    together(&steps, &mut tenants).await;
    outage.end().await;
    println!("healed in {:?}", fleet.heal(gaps).await);
    healed.store(true, Ordering::SeqCst);
    together(&steps, &mut tenants).await;
    let (mut ends, mut away, mut told) = (Vec::new(), 0, 0);
    for tenant in tenants.join_all().await {
        away += tenant.0;
        told += tenant.1;
        ends.push(tenant.2);
    }
    println!("{told} publications refused to their publishers, {away} of them while it was away");
    assert!(!O::IS_AWAY || away == TENANTS * AWAY, "it was not away");
    end(fleet, ends).await;
}

/// Waits until all tenants are here. None has an end before that, unless it fails.
async fn together<T: 'static>(steps: &Barrier, tenants: &mut JoinSet<T>) {
    tokio::select! {
        _ = steps.wait() => {}
        Some(ended) = tenants.join_next() => match ended {
            Ok(_) => unreachable!("a tenant has gone home early"),
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        },
    }
}

async fn end(fleet: Arc<Fleet>, tenants: Vec<Told>) {
    let received: usize = tenants.iter().map(|told| told.received).sum();
    let lost: usize = tenants.iter().map(|told| told.lost).sum();
    println!("{received} notifications received, each of them owed, once and in order");
    let nodes = fleet.nodes.iter();
    let mended = nodes.map(|node| node.hub.node().counters().mended.value());
    let mended: u64 = mended.sum();
    println!("{mended} were made up for by a node; somebody was told of a loss {lost} times");
    assert!(received > 1_000, "the seed makes too quiet a day");
    let fleet = Arc::into_inner(fleet).expect("all tenants have gone home");
    fleet.stop().await;
}

fn dice(seed: u64, tenant: u64) -> Dice {
    Dice::new(seed.wrapping_mul(1_000).wrapping_add(tenant))
}
