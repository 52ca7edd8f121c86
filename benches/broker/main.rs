//! Every backplane against the bare client library of it doing the same, in the same run and on the
//! same private server; the in-memory one against a plain Tokio channel and locked maps.
//!
//! Run it with `cargo bench --all-features --bench broker`, or for one backplane with its name:
//! `cargo bench --all-features --bench broker -- redis`. Criterion keeps the history of each figure;
//! the tables at the end compare both sides in turns, so that whatever else the machine does hits
//! both. They are printed as `features.md` has them.

#[cfg(feature = "amqp")]
mod amqp;
mod client;
mod measure;
mod memory;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "redis")]
mod redis;
mod report;
mod stage;
#[path = "../support"]
mod support {
    #![allow(dead_code, reason = "the other benches use the rest")]
    pub(crate) mod process;
    pub(crate) mod table;
}

use std::alloc::System;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::runtime::Runtime;

use crate::measure::{Pair, Work};
use crate::report::{Extent, compare};
use crate::stage::Stage;
use crate::support::table;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> std::io::Result<()> {
    let runtime = Runtime::new()?;
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    bench::<memory::Memory>(&mut criterion, &runtime);
    #[cfg(feature = "redis")]
    bench::<crate::redis::Redis>(&mut criterion, &runtime);
    #[cfg(feature = "nats")]
    bench::<nats::Nats>(&mut criterion, &runtime);
    #[cfg(feature = "amqp")]
    bench::<amqp::Amqp>(&mut criterion, &runtime);
    criterion.final_summary();
    table::print_load();
    Ok(())
}

/// Measures a backplane, unless others are named on the command line.
fn bench<S: Stage>(criterion: &mut Criterion, runtime: &Runtime) {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut names = words
        .iter()
        .filter(|word| !word.starts_with('-'))
        .peekable();
    if names.peek().is_some() && !names.any(|name| name == S::NAME) {
        return;
    }
    let stage = runtime.block_on(S::start());
    let [bare, ours] = runtime.block_on(async {
        let bare = Pair::new("bare", stage.bare().await, stage.bare().await).await;
        let ours = Pair::new("ours", stage.ours().await, stage.ours().await).await;
        [bare, ours]
    });
    for work in Work::ALL {
        let mut group = criterion.benchmark_group(format!("{}: {}", S::NAME, work.title()));
        group.sampling_mode(SamplingMode::Flat);
        group.warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(1));
        group.throughput(Throughput::Elements(1));
        for (name, pair) in [("bare", &bare), ("ours", &ours)] {
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|rounds| {
                    let rounds = usize::try_from(rounds).expect("fewer rounds than memory");
                    runtime.block_on(work.run(pair, rounds))
                });
            });
        }
        group.finish();
    }
    let is_trial = words.iter().any(|word| word == "--test");
    runtime.block_on(compare(&stage, &bare, &ours, Extent::new(is_trial)));
}
