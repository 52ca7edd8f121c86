//! The ways of signing a token, and the kind of key that each one takes.

use std::{fmt, str::FromStr};

use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::key::KeyError;

/// Declares the algorithms together with the list of their names, so that the two cannot differ.
macro_rules! algorithms {
    ($($(#[$docs:meta])* $variant:ident = $name:literal of $kind:ident,)+) => {
        /// A way of signing (RFC 7518, section 3, and RFC 8037).
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
        #[non_exhaustive]
        pub enum SigningAlgorithm {
            $($(#[$docs])* #[serde(rename = $name)] $variant,)+
        }

        impl SigningAlgorithm {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The names of all.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name that a token's header gives it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The kind of key that it takes, and no other.
            #[must_use]
            pub fn kind(self) -> KeyKind {
                match self {
                    $(Self::$variant => KeyKind::$kind,)+
                }
            }
        }
    };
}

algorithms! {
    /// HMAC with SHA-256, the usual one for a shared secret.
    #[default]
    Hs256 = "HS256" of Secret,
    /// HMAC with SHA-384.
    Hs384 = "HS384" of Secret,
    /// HMAC with SHA-512.
    Hs512 = "HS512" of Secret,
    /// RSA with PKCS #1 v1.5 padding and SHA-256, the usual one of identity providers.
    Rs256 = "RS256" of Rsa,
    /// RSA with PKCS #1 v1.5 padding and SHA-384.
    Rs384 = "RS384" of Rsa,
    /// RSA with PKCS #1 v1.5 padding and SHA-512.
    Rs512 = "RS512" of Rsa,
    /// RSA with PSS padding and SHA-256.
    Ps256 = "PS256" of Rsa,
    /// RSA with PSS padding and SHA-384.
    Ps384 = "PS384" of Rsa,
    /// RSA with PSS padding and SHA-512.
    Ps512 = "PS512" of Rsa,
    /// ECDSA on P-256 with SHA-256.
    Es256 = "ES256" of P256,
    /// ECDSA on P-384 with SHA-384.
    Es384 = "ES384" of P384,
    /// ECDSA on P-521 with SHA-512.
    Es512 = "ES512" of P521,
    /// EdDSA on Ed25519; Ed448 is not supported.
    EdDsa = "EdDSA" of Ed25519,
}

/// A kind of key. An algorithm takes keys of one kind, so that a token cannot have the public half
/// of one key taken for the secret of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// A secret that issuer and server share.
    Secret,
    /// An RSA key of 2048 to 8192 bits.
    Rsa,
    /// A key on the curve P-256.
    P256,
    /// A key on the curve P-384.
    P384,
    /// A key on the curve P-521.
    P521,
    /// An Ed25519 key.
    Ed25519,
}

impl SigningAlgorithm {
    /// The fewest bytes that a secret for it may have: as many as its hash. `None` when it does
    /// not take a secret.
    #[must_use]
    pub fn shortest_secret(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            _ => None,
        }
    }

    /// What `jsonwebtoken` calls it; `None` for what it does not do.
    pub(super) fn in_library(self) -> Option<Algorithm> {
        self.as_str().parse().ok()
    }

    /// Whether it takes a secret, so that whoever checks a token could also have signed it.
    #[must_use]
    pub fn is_symmetric(self) -> bool {
        self.kind() == KeyKind::Secret
    }
}

impl FromStr for SigningAlgorithm {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.iter().copied();
        all.find(|algorithm| algorithm.as_str() == name)
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

impl fmt::Display for KeyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Secret => "secret",
            Self::Rsa => "RSA key",
            Self::P256 => "P-256 key",
            Self::P384 => "P-384 key",
            Self::P521 => "P-521 key",
            Self::Ed25519 => "Ed25519 key",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_of_algorithms_read_back() {
        assert_eq!(
            SigningAlgorithm::ALL.len(),
            SigningAlgorithm::NAMES.len(),
            "each has a name"
        );
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

    #[test]
    fn the_library_does_all_but_p521() {
        for algorithm in SigningAlgorithm::ALL {
            let is_done = algorithm.in_library().is_some();
            assert_eq!(
                is_done,
                *algorithm != SigningAlgorithm::Es512,
                "{algorithm}"
            );
        }
    }

    #[test]
    fn only_hmac_takes_a_secret() {
        for algorithm in SigningAlgorithm::ALL {
            let is_hmac = algorithm.as_str().starts_with("HS");
            assert_eq!(algorithm.is_symmetric(), is_hmac, "{algorithm}");
            assert_eq!(algorithm.shortest_secret().is_some(), is_hmac);
        }
    }
}
