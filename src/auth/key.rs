//! The secret that signs tokens, and the ways of signing with it.

use std::{fmt, str::FromStr, sync::Arc};

use jsonwebtoken::Algorithm;
use serde::Deserialize;

/// A way of signing with a shared secret (RFC 7518, section 3.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// HMAC with SHA-256, the usual one.
    #[default]
    #[serde(rename = "HS256")]
    Hs256,
    /// HMAC with SHA-384.
    #[serde(rename = "HS384")]
    Hs384,
    /// HMAC with SHA-512.
    #[serde(rename = "HS512")]
    Hs512,
}

impl SigningAlgorithm {
    /// The names of all.
    pub const NAMES: &'static [&'static str] = &["HS256", "HS384", "HS512"];

    /// The name that a token's header gives it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// The fewest bytes that a key for it may have: as many as its hash.
    #[must_use]
    pub fn shortest_key(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }

    pub(super) fn in_jsonwebtoken(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::Hs384 => Algorithm::HS384,
            Self::Hs512 => Algorithm::HS512,
        }
    }
}

impl FromStr for SigningAlgorithm {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Hs256, Self::Hs384, Self::Hs512]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or_else(|| KeyError::UnknownAlgorithm {
                name: name.escape_debug().take(16).collect(),
            })
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The bytes of a shared secret. `Debug` never shows them, and there is no `Display`.
#[derive(Clone)]
pub struct SecretKey(Arc<[u8]>);

impl SecretKey {
    /// Takes the bytes as they are; a secret given as text is its UTF-8, as in .NET.
    #[must_use]
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Checks that the key is long enough for a way of signing.
    pub(super) fn check(&self, algorithm: SigningAlgorithm) -> Result<(), KeyError> {
        let (needed, found) = (algorithm.shortest_key(), self.0.len());
        if found < needed {
            return Err(KeyError::TooShort {
                algorithm,
                needed,
                found,
            });
        }
        Ok(())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(***)")
    }
}

/// Why tokens can be neither checked nor signed with the settings given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No way of signing is allowed, so every token would be refused.
    #[error("no signing algorithm is allowed; expected at least one of HS256, HS384, HS512")]
    NoAlgorithm,
    /// The name stands for no way of signing that we know.
    #[error("'{name}' is no known signing algorithm; expected HS256, HS384 or HS512")]
    UnknownAlgorithm {
        /// The name, escaped and cut to 16 characters.
        name: String,
    },
    /// The key is shorter than the hash (RFC 7518, section 3.2, forbids it).
    #[error("the signing key has {found} bytes; {algorithm} needs at least {needed}")]
    TooShort {
        /// The way of signing that asks for more.
        algorithm: SigningAlgorithm,
        /// The fewest bytes that will do.
        needed: usize,
        /// The bytes there are.
        found: usize,
    },
    /// The library that signs has failed.
    #[error("the token could not be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_key_never_shows_its_bytes() {
        let shown = format!("{:?}", SecretKey::new(*b"hunter2"));
        assert_eq!(shown, "SecretKey(***)");
    }

    #[test]
    fn a_key_shorter_than_the_hash_is_refused() {
        let key = SecretKey::new([7; 47]);
        assert!(key.check(SigningAlgorithm::Hs256).is_ok());
        let error = key.check(SigningAlgorithm::Hs384).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the signing key has 47 bytes; HS384 needs at least 48"
        );
    }

    #[test]
    fn names_of_algorithms_read_back() {
        for name in SigningAlgorithm::NAMES {
            let algorithm: SigningAlgorithm = name.parse().unwrap();
            assert_eq!(algorithm.as_str(), *name);
            let text = format!("\"{name}\"");
            let read: SigningAlgorithm = serde_json::from_str(&text).unwrap();
            assert_eq!(read, algorithm);
        }
        let error = "none".parse::<SigningAlgorithm>().unwrap_err();
        assert!(
            error.to_string().starts_with("'none' is no known"),
            "{error}"
        );
    }
}
