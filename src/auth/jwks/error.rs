//! What can be wrong with a key set, and with fetching one.

use std::time::Duration;

/// Why a key set cannot be used at all. One key that cannot be used is passed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// It is not a set.
    #[error("it is not a JSON Web Key Set; expected JSON with a list `keys`")]
    NotASet,
    /// It holds too many keys.
    #[error("it has {found} keys; expected at most {most}")]
    TooMany {
        /// How many it holds.
        found: usize,
        /// How many it may hold.
        most: usize,
    },
    /// Two different keys share an id, so that a token could mean either.
    #[error("two different keys of it have the id '{id}'; expected each id once")]
    DuplicateId {
        /// The id, escaped and cut to 40 characters.
        id: String,
    },
    /// None of its keys can be used.
    #[error("none of its {found} keys can be used to check signatures{}", of_the_first(.first.as_deref()))]
    NoUsableKey {
        /// How many keys it holds.
        found: usize,
        /// Why the first of them cannot be used.
        first: Option<String>,
    },
}

/// Why a key set could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The client for it cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
    /// Nobody answered, or the answer broke off.
    #[error("there was no answer: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the answer was not complete within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The answer sends us elsewhere, where we do not go.
    #[error("the answer redirects elsewhere, which is not followed; expected the set itself")]
    Redirected,
    /// The answer is no success.
    #[error("the answer has the status {0}; expected 200")]
    Status(u16),
    /// The answer is too large.
    #[error("the answer has more than {most} bytes")]
    TooLarge {
        /// How many it may have.
        most: usize,
    },
    /// The answer is no set that can be used.
    #[error(transparent)]
    Set(#[from] SetError),
}

fn of_the_first(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!("; of the first, {reason}"))
}
