//! What an examination of a backplane tells.

/// What was seen of one thing when a backplane was examined, and what that means.
///
/// It is for people: short, in plain words, without a full stop, and it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in a word or three, such as `login` or `right to publish`.
    pub check: &'static str,
    /// What was seen.
    pub seen: String,
    /// What that means.
    pub verdict: Verdict,
}

/// What a [`Finding`] means. Whatever is not good comes with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It could not be looked at, so nothing is known.
    Unknown,
    /// It works, and will not always or not well.
    Warning {
        /// What to do about it.
        mend: String,
    },
    /// It does not work.
    Failed {
        /// What to do about it.
        mend: String,
    },
}

impl Finding {
    /// It is as it should be.
    pub fn good(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(check, seen, Verdict::Good)
    }

    /// It could not be looked at.
    pub fn unknown(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(check, seen, Verdict::Unknown)
    }

    /// It will not always work, or not well.
    pub fn warning(check: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        let mend = mend.into();
        Self::new(check, seen, Verdict::Warning { mend })
    }

    /// It does not work.
    pub fn failed(check: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        let mend = mend.into();
        Self::new(check, seen, Verdict::Failed { mend })
    }

    /// Whether it does not work.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self.verdict, Verdict::Failed { .. })
    }

    fn new(check: &'static str, seen: impl Into<String>, verdict: Verdict) -> Self {
        let seen = seen.into();
        Self {
            check,
            seen,
            verdict,
        }
    }
}
