//! What can be wrong with an identity that came from outside.

use std::fmt;

/// Why a text is not the identity it was read as.
///
/// The message says what was found and what was expected. It holds at most one character of
/// the text, escaped, so it is safe to log and to send back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There is no text at all.
    #[error("the {kind} is empty; expected {}", kind.rule())]
    Empty {
        /// What was being read.
        kind: IdentityKind,
    },
    /// The text is longer than its kind allows.
    #[error("the {kind} has {found} characters; expected {}", kind.rule())]
    TooLong {
        /// What was being read.
        kind: IdentityKind,
        /// Its length in characters.
        found: usize,
    },
    /// A character stands where its kind does not allow it.
    #[error(
        "the {kind} has {character:?} as character {position}; expected {}",
        kind.rule()
    )]
    Character {
        /// What was being read.
        kind: IdentityKind,
        /// The first character at fault.
        character: char,
        /// Where it stands, counted in characters from 1.
        position: usize,
    },
    /// The text does not have the shape of a GUID.
    #[error("the {kind} is no GUID; expected {}", kind.rule())]
    NotAGuid {
        /// What was being read.
        kind: IdentityKind,
    },
}

/// The kinds of identity that are read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentityKind {
    /// A [`TenantKey`](super::TenantKey).
    TenantKey,
    /// A [`UserId`](super::UserId).
    UserId,
    /// A [`Role`](super::Role).
    Role,
    /// A [`SessionId`](super::SessionId).
    SessionId,
    /// An [`OrderId`](super::OrderId).
    OrderId,
}

impl IdentityKind {
    /// What a valid text of this kind looks like, as the tail of a sentence.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::TenantKey => "1 to 64 ASCII letters, digits, '.', '_' or '-'",
            Self::UserId => {
                "1 to 256 characters without control, line-breaking or direction-changing \
                 characters and without white space at either end"
            }
            Self::Role => "1 to 64 characters without control characters",
            Self::SessionId | Self::OrderId => {
                "a GUID such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301"
            }
        }
    }
}

impl fmt::Display for IdentityKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TenantKey => "tenant key",
            Self::UserId => "user id",
            Self::Role => "role",
            Self::SessionId => "session id",
            Self::OrderId => "order id",
        })
    }
}

/// Checks length and characters; `allowed` is asked once per character.
///
/// # Errors
///
/// The first of empty, too long and a character not allowed, in that order.
pub(super) fn check_text(
    kind: IdentityKind,
    text: &str,
    longest: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<(), IdentityError> {
    if text.is_empty() {
        return Err(IdentityError::Empty { kind });
    }
    let found = text.chars().count();
    if found > longest {
        return Err(IdentityError::TooLong { kind, found });
    }
    match text.chars().enumerate().find(|(_, c)| !allowed(*c)) {
        None => Ok(()),
        Some((index, character)) => Err(IdentityError::Character {
            kind,
            character,
            position: index + 1,
        }),
    }
}
