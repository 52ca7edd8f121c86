//! The suite itself: what is a broker passes, and what is not is caught.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use mesahub_broker::{
    Broker,
    conformance::{Harness, Report, Wrapped, run_all},
};
use support::{Flaw, Liar, Lie, Memory, Simulated};
use tokio::task::JoinSet;

const FLAWS: &[Flaw] = &[
    Flaw::Forgets,
    Flaw::HidesTheGap,
    Flaw::Revives,
    Flaw::Discourages,
];

const LIES: &[Lie] = &[
    Lie::Repeats,
    Lie::Loses,
    Lie::Reverses,
    Lie::Truncates,
    Lie::TakesAnything,
    Lie::FoldsCase,
    Lie::NeverUnsubscribes,
    Lie::NeverSubscribes,
    Lie::CountsAloud,
    Lie::CountsItself,
    Lie::NeverCloses,
    Lie::ForgetsToKeep,
    Lie::KeepsAll,
    Lie::ForgetsKeys,
    Lie::SharesKeys,
    Lie::HidesDuplicates,
    Lie::SpendsKeys,
    Lie::Guesses,
    Lie::OffByOne,
    Lie::NeverMore,
];

#[tokio::test(start_paused = true)]
async fn a_shared_dyn_broker_is_a_broker() {
    let shared = Wrapped::new(Memory::default(), |broker| -> Arc<dyn Broker> { broker });
    let bare = run_all(&Memory::default()).await;
    assert_eq!(run_all(&shared).await, bare);
}

#[tokio::test(start_paused = true)]
async fn a_wrapper_that_changes_nothing_is_a_broker() {
    let bare = run_all(&Memory::default()).await;
    assert_eq!(run_all(&lying(Lie::Nothing)).await, bare);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_heals_keeps_every_promise() {
    let report = run_all(&Simulated::new(Flaw::Nothing)).await;
    assert_eq!(report.reasons(), ["log: true"]);
}

#[tokio::test(start_paused = true)]
async fn each_lie_is_caught() {
    for lie in LIES {
        assert!(outcome(lying(*lie)).await.is_none(), "{lie:?} got through");
    }
}

#[tokio::test(start_paused = true)]
async fn each_flaw_of_a_restart_is_caught() {
    for flaw in FLAWS {
        let simulated = Simulated::new(*flaw);
        assert!(outcome(simulated).await.is_none(), "{flaw:?} got through");
    }
}

fn lying(lie: Lie) -> impl Harness + 'static {
    Wrapped::new(Memory::default(), move |broker| Liar::new(broker, lie))
}

/// The report, or nothing when the suite panicked.
async fn outcome(harness: impl Harness + 'static) -> Option<Report> {
    let mut runs = JoinSet::new();
    runs.spawn(async move { run_all(&harness).await });
    runs.join_next().await.unwrap().ok()
}
