//! Why a backplane payload could not be read.

/// A backplane payload that is not what its topic carries. It is dropped; retrying cannot help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The payload ends inside a value.
    #[error("the payload ends inside {0}")]
    Truncated(&'static str),
    /// A value has the wrong type or is out of range.
    #[error("{what} must be {expected}")]
    Unexpected {
        /// The value.
        what: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// An array has too few elements.
    #[error("{what} needs {needed} elements and has {found}")]
    TooShort {
        /// The array.
        what: &'static str,
        /// How many elements it needs.
        needed: u32,
        /// How many it has.
        found: u32,
    },
    /// A string is not UTF-8.
    #[error("{what} is not UTF-8: {source}")]
    NotUtf8 {
        /// The string.
        what: &'static str,
        /// Where it goes wrong.
        source: std::str::Utf8Error,
    },
}
