//! The key of one tenant.

use std::{fmt, str::FromStr, sync::Arc};

use super::{
    identity::{IdentityError, IdentityKind, check_text},
    text::serde_as_text,
};

/// The key of one tenant: 1 to 64 ASCII letters, digits, `.`, `_` or `-`; case matters.
///
/// It can hold no `:`, so a channel name built from it has one reading only. Cloning it
/// shares the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantKey(Arc<str>);

impl TenantKey {
    /// The most characters that a key may have.
    pub const LONGEST: usize = 64;

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantKey {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        check_text(IdentityKind::TenantKey, text, Self::LONGEST, allowed)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for TenantKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

serde_as_text!(TenantKey, "a tenant key");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_allowed_character_is_accepted() {
        let key: TenantKey = "Pizza_Place-9.eu".parse().unwrap();
        assert_eq!(key.as_str(), "Pizza_Place-9.eu");
        assert!("x".repeat(64).parse::<TenantKey>().is_ok());
    }

    #[test]
    fn a_refusal_names_what_was_wrong() {
        let refused = |text: &str| text.parse::<TenantKey>().unwrap_err().to_string();
        assert!(refused("").starts_with("the tenant key is empty; expected 1 to 64"));
        assert!(refused(&"x".repeat(65)).starts_with("the tenant key has 65 characters"));
        assert!(refused("a:admins").starts_with("the tenant key has ':' as character 2"));
        for hostile in [
            "a*", "a b", "a\n", "ä", "a>", "a?", "tenant:a", "a/b", "a\0",
        ] {
            assert!(hostile.parse::<TenantKey>().is_err(), "{hostile:?}");
        }
    }

    #[test]
    fn json_goes_through_the_same_checks() {
        let key: TenantKey = serde_json::from_str("\"demo\"").unwrap();
        assert_eq!(serde_json::to_string(&key).unwrap(), "\"demo\"");
        let error = serde_json::from_str::<TenantKey>("\"a:admins\"").unwrap_err();
        assert!(error.to_string().contains("':' as character 2"), "{error}");
        let error = serde_json::from_str::<TenantKey>("7").unwrap_err();
        assert!(error.to_string().contains("a tenant key"), "{error}");
    }
}
