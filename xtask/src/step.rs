//! One step of a task: announced, run, timed.

use std::time::{Duration, Instant};

use crate::error::TaskError;

/// Prints what is about to happen, does it, and prints how long it took and how it ended.
pub(crate) fn step<T>(
    title: &str,
    work: impl FnOnce() -> Result<T, TaskError>,
) -> Result<T, TaskError> {
    println!("── {title}");
    let started = Instant::now();
    let outcome = work();
    let verdict = if outcome.is_ok() { "done" } else { "FAILED" };
    println!("   {verdict} after {}", spell(started.elapsed()));
    outcome
}

/// A duration as people say it: `340 ms`, `12.4 s`, `3 min 07 s`.
pub(crate) fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 60 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else if seconds >= 1 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spelled_in_the_unit_that_fits() {
        assert_eq!(spell(Duration::from_millis(340)), "340 ms");
        assert_eq!(spell(Duration::from_millis(12_400)), "12.4 s");
        assert_eq!(spell(Duration::from_secs(187)), "3 min 07 s");
    }
}
