//! What can be wrong with MessagePack.

/// MessagePack that is not what it should be: a backplane payload, a hub message, or a value of
/// the application. The same bytes fail again, so retrying cannot help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The bytes end inside this value.
    #[error("the input ends inside {0}")]
    Truncated(&'static str),
    /// A value has the wrong form.
    #[error("{what} must be {expected}")]
    Unexpected {
        /// The value.
        what: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// An array has fewer elements than it needs.
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
    /// The byte 0xC1, which begins no value.
    #[error("{0} holds the byte 0xC1, which begins no value")]
    Reserved(&'static str),
    /// Bytes follow where the input should end.
    #[error("bytes follow after {0}")]
    Surplus(&'static str),
    /// Arrays and maps are nested deeper than this many levels.
    #[error("the value nests deeper than {0} levels")]
    TooDeep(u32),
    /// An extension type without a meaning here; only timestamps (-1) have one.
    #[error("the extension type {0} has no meaning here")]
    Extension(i8),
    /// A timestamp outside the years -9999 to 9999, or with too many nanoseconds.
    #[error("a timestamp is out of range")]
    Timestamp,
    /// A string, byte string, array or map for whose length MessagePack has no form: 4 GiB.
    #[error("a string or list is longer than MessagePack can say")]
    TooLong,
    /// What the type being read or written says itself.
    #[error("{0}")]
    Message(String),
}

#[cfg(feature = "messagepack")]
impl serde::de::Error for PackError {
    fn custom<T: std::fmt::Display>(text: T) -> Self {
        Self::Message(text.to_string())
    }
}

#[cfg(feature = "messagepack")]
impl serde::ser::Error for PackError {
    fn custom<T: std::fmt::Display>(text: T) -> Self {
        Self::Message(text.to_string())
    }
}
