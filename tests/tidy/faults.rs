//! What a rule found.

use crate::source::SourceFile;

/// Places that break one rule.
pub(crate) struct Faults {
    rule: &'static str,
    found: Vec<String>,
}

impl Faults {
    /// None yet, of a rule that is told as advice: what to do instead.
    pub(crate) fn of(rule: &'static str) -> Self {
        Self {
            rule,
            found: Vec::new(),
        }
    }

    /// Notes a line, counted from one.
    pub(crate) fn at(&mut self, file: &SourceFile, line: usize, what: &str) {
        self.found
            .push(format!("{}:{line}: {}", file.path, what.trim()));
    }

    /// Notes a whole file, or something without a place.
    pub(crate) fn note(&mut self, what: String) {
        self.found.push(what);
    }

    /// Fails the test if anything was noted.
    #[track_caller]
    pub(crate) fn report(self) {
        assert!(
            self.found.is_empty(),
            "{}\n  {}\n",
            self.rule,
            self.found.join("\n  ")
        );
    }
}
