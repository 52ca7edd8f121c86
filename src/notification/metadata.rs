//! What a publisher adds to a notification for its own purposes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::notification::error::ContentError;

/// Texts by name, handed on to clients untouched: at most 32 entries, names of 1 to 64 characters,
/// texts of at most 1,024.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// The most entries.
    pub const MOST: usize = 32;
    /// The most characters in a name.
    pub const LONGEST_NAME: usize = 64;
    /// The most characters in a text.
    pub const LONGEST_TEXT: usize = 1_024;

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl TryFrom<BTreeMap<String, String>> for Metadata {
    type Error = ContentError;

    fn try_from(entries: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        let fits = |(name, text): (&String, &String)| {
            (1..=Self::LONGEST_NAME).contains(&name.chars().count())
                && text.chars().count() <= Self::LONGEST_TEXT
        };
        if entries.len() <= Self::MOST && entries.iter().all(fits) {
            Ok(Self(entries))
        } else {
            Err(ContentError::Metadata)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn entry(name: &str, text: &str) -> Result<Metadata, ContentError> {
        BTreeMap::from([(name.to_owned(), text.to_owned())]).try_into()
    }

    #[test]
    fn number_and_length_of_entries_are_bounded() {
        assert_eq!(
            entry("source", "till").unwrap().find("source"),
            Some("till")
        );
        assert!(entry(&"n".repeat(64), &"t".repeat(1_024)).is_ok());
        assert_eq!(entry("", ""), Err(ContentError::Metadata));
        assert_eq!(entry(&"n".repeat(65), ""), Err(ContentError::Metadata));
        assert_eq!(entry("n", &"t".repeat(1_025)), Err(ContentError::Metadata));
        let many: BTreeMap<_, _> = (0..33).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(Metadata::try_from(many), Err(ContentError::Metadata));
    }
}
