//! The secret that signs tokens, and what can be wrong with a key.

use std::{fmt, sync::Arc};

use super::algorithm::{KeyKind, SigningAlgorithm};

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

    /// Checks that the key is long enough for a way of signing that takes secrets.
    pub(super) fn check(&self, algorithm: SigningAlgorithm) -> Result<(), KeyError> {
        let Some(needed) = algorithm.shortest_secret() else {
            return Err(KeyError::NotSymmetric { algorithm });
        };
        let found = self.0.len();
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

/// Why tokens can be neither checked nor signed with the settings given. Nothing of it holds a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No way of signing is allowed, so every token would be refused.
    #[error(
        "no signing algorithm is allowed; expected at least one of {}",
        SigningAlgorithm::NAMES.join(", ")
    )]
    NoAlgorithm,
    /// The name stands for no way of signing that we know.
    #[error(
        "'{name}' is no known signing algorithm; expected one of {}",
        SigningAlgorithm::NAMES.join(", ")
    )]
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
    /// A secret cannot sign in this way.
    #[error("{algorithm} does not sign with a secret; expected HS256, HS384 or HS512")]
    NotSymmetric {
        /// The way of signing.
        algorithm: SigningAlgorithm,
    },
    /// An allowed way of signing has no key, so every token signed in it would be refused.
    #[error("{algorithm} is allowed and there is no {} to check it with", .algorithm.kind())]
    NoKey {
        /// The way of signing.
        algorithm: SigningAlgorithm,
    },
    /// A PEM text is not what it should be.
    #[error("it is {found}; expected keys that begin with -----BEGIN PUBLIC KEY-----")]
    Pem {
        /// What it is instead, with what to do about it where that is known.
        found: String,
    },
    /// A JSON Web Key Set is not what it should be.
    #[error(transparent)]
    Set(#[from] super::jwks::SetError),
    /// A key cannot be used.
    #[error(transparent)]
    Unusable(#[from] KeyProblem),
}

/// Why one key cannot be used. It holds nothing of the key but what its owner publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// It is not for signatures: `use` or `key_ops` says so.
    #[error("it is not for checking signatures")]
    OtherUse,
    /// Its kind is none of those that we know.
    #[error("it is of a kind that is not supported; expected RSA, P-256, P-384, P-521 or Ed25519")]
    UnknownKind,
    /// Its `alg` is none of those that we know.
    #[error("its algorithm is not supported")]
    UnknownAlgorithm,
    /// Its `alg` is one that its kind cannot do.
    #[error("its algorithm {algorithm} takes another kind of key than a {kind}")]
    OtherAlgorithm {
        /// The algorithm that it names.
        algorithm: SigningAlgorithm,
        /// The kind that it is.
        kind: KeyKind,
    },
    /// A part of it is missing, of the wrong length or no number of its kind.
    #[error("it is malformed")]
    Malformed,
    /// It is an RSA key that is too small to be safe, or so large that checking with it is slow.
    #[error("it is an RSA key of a size that is not accepted; expected 2048 to 8192 bits")]
    Size,
    /// It is a secret where everybody can read it.
    #[error("it is a secret, which a published set must not hold")]
    PublishedSecret,
    /// It is the private half of a key.
    #[error("it is a private key; expected the public half alone")]
    Private,
    /// It is a secret too short for any algorithm.
    #[error("it is a secret of {bytes} bytes; expected at least 32")]
    ShortSecret {
        /// Its length.
        bytes: usize,
    },
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
    fn a_secret_signs_in_no_way_that_takes_a_key_pair() {
        let error = SecretKey::new([7; 64]).check(SigningAlgorithm::Rs256);
        let algorithm = SigningAlgorithm::Rs256;
        assert_eq!(error, Err(KeyError::NotSymmetric { algorithm }));
    }
}
