//! What a run of the suite has shown.

use std::fmt;

/// What a run of the suite has shown. A broken promise is a panic and never gets here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a report tells what was left out"]
pub struct Report {
    /// The promises that were put to the test and kept.
    pub kept: Vec<&'static str>,
    /// The promises that this backend does not make.
    pub excluded: Vec<Excluded>,
}

/// A promise that was not put to the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excluded {
    /// The name of its function.
    pub promise: &'static str,
    /// The capability that rules it out, such as `log: false`.
    pub because: &'static str,
}

impl Report {
    /// The capabilities that ruled something out, each once, in the order of their appearance.
    #[must_use]
    pub fn reasons(&self) -> Vec<&'static str> {
        let mut reasons = Vec::new();
        for excluded in &self.excluded {
            if !reasons.contains(&excluded.because) {
                reasons.push(excluded.because);
            }
        }
        reasons
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for promise in &self.kept {
            writeln!(f, "kept      {promise}")?;
        }
        for Excluded { promise, because } in &self.excluded {
            writeln!(f, "excluded  {promise} ({because})")?;
        }
        Ok(())
    }
}
