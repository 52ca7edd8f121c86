//! Both sides in turns, and a table of what came out.
#![expect(clippy::print_stdout, reason = "a bench reports to a person")]

use std::time::{Duration, Instant};

use crate::ALLOCATOR;
use crate::client::Client;
use crate::measure::{Pair, Work, fresh};
use crate::stage::Stage;
use crate::support::table::median;

/// Turns of the comparison.
const TURNS: usize = 7;

/// Topics whose cost on one node is measured.
const TOPICS: usize = 10_000;

/// How much is measured: a trial only proves that it can be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    turns: usize,
    share: usize,
}

/// A figure of both sides in each turn.
struct Row {
    title: &'static str,
    unit: &'static str,
    turns: Vec<(f64, f64)>,
    is_latency: bool,
}

impl Extent {
    pub(crate) fn new(is_trial: bool) -> Self {
        match is_trial {
            true => Self {
                turns: 1,
                share: 100,
            },
            false => Self {
                turns: TURNS,
                share: 1,
            },
        }
    }
}

/// Compares a backplane with the bare client of it, and prints the table.
pub(crate) async fn compare<S: Stage>(stage: &S, bare: &Pair, ours: &Pair, extent: Extent) {
    let mut rows = Vec::new();
    for work in Work::ALL {
        let rounds = work.rounds() / extent.share;
        if work == Work::RoundTrip {
            rows.extend(round_trips(bare, ours, rounds, extent.turns).await);
            continue;
        }
        let mut turns = Vec::new();
        for _ in 0..extent.turns {
            let figure = |took: Duration| match work.is_latency() {
                true => took.as_secs_f64() * 1e6 / rounds as f64,
                false => rounds as f64 / took.as_secs_f64(),
            };
            let floor = figure(work.run(bare, rounds).await);
            turns.push((floor, figure(work.run(ours, rounds).await)));
        }
        rows.push(Row {
            title: work.title(),
            unit: work.unit(),
            turns,
            is_latency: work.is_latency(),
        });
    }
    rows.extend(topics(stage, TOPICS / extent.share, extent.turns.min(3)).await);
    println!("\n| {} | {} | ours | ours/bare | aim |", S::NAME, S::FLOOR);
    println!("| --- | --- | --- | --- | --- |");
    rows.iter().for_each(Row::print);
}

async fn round_trips(bare: &Pair, ours: &Pair, rounds: usize, turns: usize) -> [Row; 2] {
    let (mut middle, mut worst) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let mut both = [
            bare.round_trips(rounds).await,
            ours.round_trips(rounds).await,
        ];
        let [floor, ours] = &mut both;
        for (turns, percent) in [(&mut middle, 50), (&mut worst, 99)] {
            turns.push((percentile(floor, percent), percentile(ours, percent)));
        }
    }
    let row = |title, turns| Row {
        title,
        unit: Work::RoundTrip.unit(),
        turns,
        is_latency: true,
    };
    [
        row("round trip node to node, p50", middle),
        row("round trip node to node, p99", worst),
    ]
}

/// In microseconds.
fn percentile(took: &mut [Duration], percent: usize) -> f64 {
    took.sort_unstable();
    let place = (took.len() * percent / 100).min(took.len() - 1);
    took[place].as_secs_f64() * 1e6
}

/// What many topics cost on one node, named in one call.
async fn topics<S: Stage>(stage: &S, count: usize, turns: usize) -> [Row; 2] {
    let (mut time, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let (bare, ours) = (
            cost(&*stage.bare().await, count).await,
            cost(&*stage.ours().await, count).await,
        );
        time.push((bare.0, ours.0));
        memory.push((bare.1, ours.1));
    }
    let row = |title, unit, turns| Row {
        title,
        unit,
        turns,
        is_latency: true,
    };
    [
        row("10,000 topics on a node, time to subscribe", "ms", time),
        row(
            "10,000 topics on a node, live heap a topic",
            "bytes",
            memory,
        ),
    ]
}

/// Milliseconds, and bytes of each topic.
async fn cost(node: &dyn Client, count: usize) -> (f64, f64) {
    let before = heap();
    let topics = fresh(count);
    let begin = Instant::now();
    node.subscribe(&topics).await;
    let took = begin.elapsed();
    drop(topics);
    let bytes = heap().saturating_sub(before);
    (took.as_secs_f64() * 1e3, bytes as f64 / count as f64)
}

fn heap() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

impl Row {
    /// As `features.md` has it.
    fn print(&self) {
        let bare = median(self.turns.iter().map(|(bare, _)| *bare));
        let ours = median(self.turns.iter().map(|(_, ours)| *ours));
        let ratio = median(self.turns.iter().map(|(bare, ours)| ours / bare));
        let aim = match self.is_latency {
            true => "at most 1.3",
            false => "at least 0.8",
        };
        println!(
            "| {}, {} | {} | {} | {ratio:.2} | {aim} |",
            self.title,
            self.unit,
            spell(bare),
            spell(ours)
        );
    }
}

/// Three digits that count, with thousands apart.
fn spell(figure: f64) -> String {
    if figure < 100.0 {
        return format!("{figure:.1}");
    }
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
