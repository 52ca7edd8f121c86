//! The name of a method on the client.

use std::{fmt, str::FromStr, sync::Arc};

use crate::auth::serde_as_text;
use crate::notification::error::ContentError;

/// The client method that a broadcast calls: 1 to 100 ASCII letters, digits, `_`, `.` or `-`.
/// `SystemAlert` unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventName(Arc<str>);

impl EventName {
    /// The most characters that a name may have.
    pub const LONGEST: usize = 100;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for EventName {
    fn default() -> Self {
        Self("SystemAlert".into())
    }
}

impl FromStr for EventName {
    type Err = ContentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        match text.len() {
            1..=Self::LONGEST if text.chars().all(allowed) => Ok(Self(text.into())),
            _ => Err(ContentError::EventName),
        }
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(EventName, "the name of a client method");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_letters_digits_and_three_signs() {
        for name in ["SystemAlert", "kitchen.closed-early_2", "x"] {
            assert_eq!(
                name.parse::<EventName>().map(|n| n.to_string()),
                Ok(name.into())
            );
        }
        for name in ["", "two words", "a:b", "é", "a\n", &"x".repeat(101)] {
            assert_eq!(name.parse::<EventName>(), Err(ContentError::EventName));
        }
    }
}
