//! The id of one user within a tenant.

use std::{fmt, str::FromStr, sync::Arc};

use super::{
    identity::{IdentityError, IdentityKind, check_text},
    text::serde_as_text,
};

/// The id of one user within a tenant, as the token issuer chose it.
///
/// 1 to 256 characters of any script, so that e-mail addresses, numbers and the ids of
/// identity providers all fit. Refused are control characters, line and paragraph
/// separators, characters that change the direction of text, the byte order mark, and white
/// space at either end: they would let two ids look alike in a log. Ids are compared
/// byte for byte; no normalisation takes place. An id may hold `:`, therefore it is always
/// the last part of a name. Cloning shares the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Arc<str>);

impl UserId {
    /// The most characters that an id may have.
    pub const LONGEST: usize = 256;

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_text(IdentityKind::UserId, text, Self::LONGEST, is_visible)?;
        let first = text.chars().next().map(|c| (c, 1));
        let last = text.chars().next_back().map(|c| (c, text.chars().count()));
        let space = first
            .into_iter()
            .chain(last)
            .find(|(c, _)| c.is_whitespace());
        match space {
            None => Ok(Self(text.into())),
            Some((character, position)) => Err(IdentityError::Character {
                kind: IdentityKind::UserId,
                character,
                position,
            }),
        }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

serde_as_text!(UserId, "a user id");

fn is_visible(c: char) -> bool {
    let hidden = matches!(
        c,
        '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{2028}'
            ..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    );
    !c.is_control() && !hidden
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn ids_of_common_issuers_are_accepted() {
        for text in [
            "42",
            "ann@example.org",
            "auth0|5f7c",
            "CN=Ann, O=Mesa",
            "安娜",
            "a:b",
        ] {
            assert_eq!(text.parse::<UserId>().unwrap().as_str(), text);
        }
        assert!("é".repeat(256).parse::<UserId>().is_ok());
    }

    #[test]
    fn ids_that_could_pass_for_another_are_refused() {
        let position = |text: &str| match text.parse::<UserId>().unwrap_err() {
            IdentityError::Character { position, .. } => position,
            other => unreachable!("{other}"),
        };
        assert_eq!(position(" ann"), 1);
        assert_eq!(position("ann "), 4);
        assert_eq!(position("a\nn"), 2);
        assert_eq!(position("an\0"), 3);
        assert_eq!(position("a\u{202E}n"), 2);
        assert_eq!(position("a\u{2028}n"), 2);
    }

    #[test]
    fn an_empty_or_overlong_id_is_refused() {
        assert!(matches!(
            "".parse::<UserId>(),
            Err(IdentityError::Empty { .. })
        ));
        assert!(matches!(
            "é".repeat(257).parse::<UserId>(),
            Err(IdentityError::TooLong { found: 257, .. })
        ));
    }
}
