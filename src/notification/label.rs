//! A short text about something.

use std::{fmt, str::FromStr, sync::Arc};

use crate::auth::serde_as_text;
use crate::notification::error::ContentError;

/// A status, the number of a table, a reason: 1 to 200 characters without control characters.
/// Cloning it shares the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(Arc<str>);

impl Label {
    /// The most characters that a label may have.
    pub const LONGEST: usize = 200;

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = ContentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        let control = text.chars().any(char::is_control);
        match length {
            1..=Self::LONGEST if !control => Ok(Self(text.into())),
            _ => Err(ContentError::Label { length, control }),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(
    Label,
    "a text of 1 to 200 characters without control characters"
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_label_has_between_one_and_two_hundred_characters() {
        assert!("é".repeat(200).parse::<Label>().is_ok());
        for text in [String::new(), "x".repeat(201), "a\nb".to_owned()] {
            let error = text.parse::<Label>().unwrap_err().to_string();
            assert!(error.contains("1 to 200 characters"), "{error}");
        }
    }
}
