//! Three nodes on one backplane, and many people on them: a model says who must have received
//! what, and in what order.
//!
//! ```text
//!   seed ──► tenants, each doing one thing after the other ──► three whole servers
//!              │                                                    │ backplane
//!              └──► model: owed to whom ◄── compared ◄── 300 SignalR connections
//! ```

#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "a day that goes wrong has to be told")]

mod client;
mod dice;
mod fleet;
mod memory;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "redis")]
mod redis;
mod tenant;

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::dice::Dice;
use crate::fleet::Fleet;
use crate::tenant::Tenant;

const TENANTS: u64 = 20;

/// Steps of each tenant.
const STEPS: usize = 60;

/// Lets all tenants live their lives on the fleet at once, and compares.
async fn live(fleet: Fleet, seed: u64) {
    println!("seed {seed}");
    let fleet = Arc::new(fleet);
    let mut tenants = JoinSet::new();
    for number in 0..TENANTS {
        let fleet = Arc::clone(&fleet);
        tenants.spawn(async move {
            let dice = Dice::new(seed.wrapping_mul(1_000).wrapping_add(number));
            let mut tenant = Tenant::open(&fleet, number, dice).await;
            for _ in 0..STEPS {
                tenant.step().await;
            }
            tenant.settle().await;
            tenant.close().await
        });
    }
    let received: usize = tenants.join_all().await.into_iter().sum();
    println!("{received} notifications received, each of them owed, once and in order");
    assert!(received > 1_000, "the seed makes too quiet a day");
    let fleet = Arc::into_inner(fleet).expect("all tenants have gone home");
    fleet.stop().await;
}
