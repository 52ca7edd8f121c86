//! Counts of tests, read from what the test runners print.

use std::ops::AddAssign;

/// How many tests did what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) left_out: u64,
    /// Cells of a matrix that cannot be; they are no tests.
    pub(crate) excluded: u64,
}

impl Tally {
    /// How many tests were seen at all.
    pub(crate) fn total(self) -> u64 {
        self.passed + self.failed + self.left_out
    }

    /// Reads one line of `cargo test`; only the `test result:` lines count.
    pub(crate) fn read_cargo_line(&mut self, line: &str) {
        let Some(result) = line.trim().strip_prefix("test result:") else {
            return;
        };
        // `ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.02s`
        let counts = result.split_once(". ").map_or(result, |(_, counts)| counts);
        for part in counts.split(';') {
            let mut words = part.split_whitespace();
            let (Some(number), Some(kind)) = (words.next(), words.next()) else {
                continue;
            };
            self.count(number, kind);
        }
    }

    /// Reads one line of `node --test`; only the summary at the end counts, and of a matrix its
    /// excluded cells, since every other one is a test.
    pub(crate) fn read_node_line(&mut self, line: &str) {
        // `cells in Node: 264, 194 passed, 0 failed, 70 excluded, 0 missing`
        if line.starts_with("cells in ") {
            let excluded = line
                .split(", ")
                .find_map(|part| part.strip_suffix(" excluded"));
            self.excluded += excluded.and_then(|count| count.parse().ok()).unwrap_or(0);
            return;
        }
        // `ℹ pass 12` in the readable form, `# pass 12` in TAP.
        let mut words = line.split_whitespace();
        let (Some("ℹ" | "#"), Some(kind), Some(number), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return;
        };
        self.count(number, kind);
    }

    fn count(&mut self, number: &str, kind: &str) {
        let Ok(number) = number.parse::<u64>() else {
            return;
        };
        match kind {
            "passed" | "pass" => self.passed += number,
            "failed" | "fail" | "cancelled" => self.failed += number,
            "ignored" | "skipped" | "todo" => self.left_out += number,
            _ => {}
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.left_out += other.left_out;
        self.excluded += other.excluded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_line_of_cargo_is_added() {
        let mut tally = Tally::default();
        tally.read_cargo_line("running 3 tests");
        tally.read_cargo_line(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.02s",
        );
        tally.read_cargo_line(
            "test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        );
        assert_eq!(
            tally,
            Tally {
                passed: 14,
                failed: 4,
                left_out: 1,
                excluded: 0
            }
        );
    }

    #[test]
    fn the_summary_of_node_is_read_in_both_of_its_forms() {
        for mark in ["ℹ", "#"] {
            let mut tally = Tally::default();
            for line in [
                "tests 9",
                "pass 5",
                "fail 1",
                "cancelled 1",
                "skipped 2",
                "todo 0",
                "duration_ms 12.5",
            ] {
                tally.read_node_line(&format!("{mark} {line}"));
            }
            assert_eq!(
                tally,
                Tally {
                    passed: 5,
                    failed: 2,
                    left_out: 2,
                    excluded: 0
                }
            );
        }
    }

    #[test]
    fn of_a_matrix_only_the_excluded_cells_are_added() {
        let mut tally = Tally::default();
        for runtime in ["Node", "Chromium"] {
            tally.read_node_line(&format!(
                "cells in {runtime}: 20, 13 passed, 1 failed, 6 excluded, 0 missing"
            ));
        }
        assert_eq!(tally.excluded, 12);
        assert_eq!(tally.total(), 0);
    }

    #[test]
    fn what_a_test_prints_is_not_counted() {
        let mut tally = Tally::default();
        tally.read_node_line("# pass 3 of the exam");
        tally.read_cargo_line("3 passed; 1 failed");
        assert_eq!(tally, Tally::default());
    }
}
