//! The name the backplane routes by.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

/// The name of a topic: 1 to [`Topic::MAX_BYTES`] bytes of any UTF-8.
///
/// A clone shares the text. Two topics are the same only when their bytes are: there is no case
/// folding, no normalisation, and no character means anything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(Arc<str>);

/// Why a text cannot be a topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// The text is empty.
    #[error("a topic needs a name")]
    Empty,
    /// The text is longer than [`Topic::MAX_BYTES`].
    #[error("a topic of {size} bytes is over the limit of {max}")]
    TooLong {
        /// Bytes in the text.
        size: usize,
        /// Bytes allowed.
        max: usize,
    },
}

impl Topic {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a name.
    ///
    /// # Errors
    /// When it is empty or longer than [`Topic::MAX_BYTES`].
    pub fn new(name: impl AsRef<str> + Into<Arc<str>>) -> Result<Self, TopicError> {
        match name.as_ref().len() {
            0 => Err(TopicError::Empty),
            size if size > Self::MAX_BYTES => Err(TopicError::TooLong {
                size,
                max: Self::MAX_BYTES,
            }),
            _ => Ok(Self(name.into())),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Topic {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Topic {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({:?})", &*self.0)
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(name: &str) -> Result<Self, TopicError> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;

    use super::{Topic, TopicError};

    #[test]
    fn an_empty_name_is_refused() {
        assert_eq!(Topic::new(""), Err(TopicError::Empty));
    }

    #[test]
    fn the_limit_counts_bytes_and_includes_itself() {
        assert!(Topic::new("é".repeat(512)).is_ok());
        assert_eq!(
            Topic::new("é".repeat(513)),
            Err(TopicError::TooLong {
                size: 1026,
                max: 1024
            })
        );
    }

    #[test]
    fn a_map_keyed_by_topic_is_searched_by_text() {
        let map = HashMap::from([(Topic::new("a").unwrap(), 1)]);
        assert_eq!(map.get("a"), Some(&1));
        assert_eq!(map.get("A"), None);
    }
}
