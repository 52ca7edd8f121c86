//! Figures, side by side.
#![expect(clippy::print_stdout, reason = "a bench reports to a person")]

use std::time::{Duration, Instant};

use crate::support::process;

/// What some work took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) processor: Duration,
    pub(crate) wall: Duration,
    pub(crate) messages: usize,
}

impl Cost {
    /// Processor time of the server for one message, in nanoseconds.
    pub(crate) fn nanoseconds(self) -> f64 {
        self.processor.as_secs_f64() * 1e9 / self.messages as f64
    }

    /// Messages per second of the clock on the wall.
    pub(crate) fn rate(self) -> f64 {
        self.messages as f64 / self.wall.as_secs_f64()
    }
}

/// The moment a measurement begins.
pub(crate) struct Begin {
    processor: Duration,
    wall: Instant,
}

impl Begin {
    pub(crate) fn now() -> Self {
        Self {
            processor: process::processor_time(),
            wall: Instant::now(),
        }
    }

    pub(crate) fn cost(self, messages: usize) -> Cost {
        Cost {
            processor: process::processor_time() - self.processor,
            wall: self.wall.elapsed(),
            messages,
        }
    }
}

/// The floor and ours, taken in turns, so that whatever else the machine does hits both.
pub(crate) struct Comparison {
    pub(crate) title: String,
    pub(crate) turns: Vec<(Cost, Cost)>,
}

impl Comparison {
    /// Prints the medians of both and of their ratios.
    pub(crate) fn print(&self) {
        let by = |figure: fn(Cost) -> f64| {
            let floor = median(self.turns.iter().map(|(floor, _)| figure(*floor)));
            let ours = median(self.turns.iter().map(|(_, ours)| figure(*ours)));
            let ratio = median(
                self.turns
                    .iter()
                    .map(|(floor, ours)| figure(*ours) / figure(*floor)),
            );
            (floor, ours, ratio)
        };
        println!("\n{} (medians of {} turns)", self.title, self.turns.len());
        println!("{:28}{:>14}{:>14}{:>10}", "", "floor", "hub", "hub/floor");
        let (floor, ours, ratio) = by(Cost::nanoseconds);
        println!(
            "{:28}{floor:>11.0} ns{ours:>11.0} ns{ratio:>10.3}",
            "server CPU per message"
        );
        let (floor, ours, ratio) = by(Cost::rate);
        println!(
            "{:28}{floor:>14.0}{ours:>14.0}{ratio:>10.3}",
            "messages per second"
        );
    }
}

/// Prints what the machine was doing meanwhile.
pub(crate) fn print_load() {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "\nload average {} on {processors} processors",
        process::load_average()
    );
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}
