//! One key that checks signatures.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};

use super::{
    algorithm::{KeyKind, SigningAlgorithm},
    key::{KeyProblem, SecretKey},
};

/// A key, ready for each algorithm of its kind. What stands in `ways` is all that it can do: a
/// token that asks for another algorithm finds no key here.
pub(super) struct VerifyingKey {
    id: Option<Box<str>>,
    kind: KeyKind,
    ways: Vec<(SigningAlgorithm, Way)>,
    /// What tells it from another key; of a secret nothing.
    print: Box<[u8]>,
}

enum Way {
    /// As `jsonwebtoken` does it.
    Library(Algorithm, DecodingKey),
    /// On P-521, which it does not know.
    P521(ParsedPublicKey),
}

impl VerifyingKey {
    /// A shared secret, for the algorithms that it is long enough for.
    pub(super) fn secret(secret: &SecretKey) -> Result<Self, KeyProblem> {
        let bytes = secret.bytes();
        let fits = |algorithm: &SigningAlgorithm| secret.check(*algorithm).is_ok();
        let key = DecodingKey::from_secret(bytes);
        let ways: Vec<_> = SigningAlgorithm::ALL
            .iter()
            .copied()
            .filter(fits)
            .filter_map(|able| Some((able, Way::Library(able.in_library()?, key.clone()))))
            .collect();
        if ways.is_empty() {
            return Err(KeyProblem::ShortSecret { bytes: bytes.len() });
        }
        Ok(Self {
            id: None,
            kind: KeyKind::Secret,
            ways,
            print: Box::default(),
        })
    }

    /// A public key as a `SubjectPublicKeyInfo` in DER, which says what kind it is.
    pub(super) fn from_spki(der: &[u8]) -> Result<Self, KeyProblem> {
        const KINDS: [KeyKind; 5] = [
            KeyKind::Rsa,
            KeyKind::P256,
            KeyKind::P384,
            KeyKind::P521,
            KeyKind::Ed25519,
        ];
        let read = |kind: &KeyKind| Self::of_kind(*kind, der).ok();
        let key = KINDS.iter().find_map(read).ok_or(KeyProblem::UnknownKind)?;
        if key.kind == KeyKind::Rsa {
            PublicEncryptingKey::from_der(der).map_err(|_| KeyProblem::Size)?;
        }
        Ok(key)
    }

    /// An RSA key by its modulus and its exponent, big-endian without leading zeros.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyProblem> {
        let parts = RsaPublicKeyComponents {
            n: modulus,
            e: exponent,
        };
        let der = parts.as_der().map_err(|_| KeyProblem::Malformed)?;
        let der = der.as_ref();
        PublicEncryptingKey::from_der(der).map_err(|_| KeyProblem::Size)?;
        Self::of_kind(KeyKind::Rsa, der)
    }

    /// A point on a curve, or the bytes of an Ed25519 key. What is not on the curve is malformed.
    pub(super) fn of_kind(kind: KeyKind, bytes: &[u8]) -> Result<Self, KeyProblem> {
        let mut ways = Vec::new();
        for algorithm in SigningAlgorithm::ALL {
            if algorithm.kind() != kind {
                continue;
            }
            let Some(how) = verification(*algorithm) else {
                continue;
            };
            let parsed = ParsedPublicKey::new(how, bytes).map_err(|_| KeyProblem::Malformed)?;
            let key = match kind {
                KeyKind::Rsa => DecodingKey::from_rsa_der(bytes),
                KeyKind::Ed25519 => DecodingKey::from_ed_der(bytes),
                _ => DecodingKey::from_ec_der(bytes),
            };
            let way = match algorithm.in_library() {
                Some(able) => Way::Library(able, key),
                None => Way::P521(parsed),
            };
            ways.push((*algorithm, way));
        }
        Ok(Self {
            id: None,
            kind,
            ways,
            print: bytes.into(),
        })
    }

    /// The same under an id.
    pub(super) fn named(mut self, id: Option<Box<str>>) -> Self {
        self.id = id;
        self
    }

    /// The same for one algorithm alone.
    pub(super) fn only(mut self, algorithm: SigningAlgorithm) -> Result<Self, KeyProblem> {
        let kind = self.kind;
        if algorithm.kind() != kind {
            return Err(KeyProblem::OtherAlgorithm { algorithm, kind });
        }
        self.ways.retain(|(able, _)| *able == algorithm);
        match self.ways.is_empty() {
            true => Err(KeyProblem::Malformed),
            false => Ok(self),
        }
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(super) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Whether both are one and the same public key for the same use.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let able = |key: &Self| key.ways.iter().map(|(able, _)| *able).collect::<Vec<_>>();
        !self.print.is_empty() && self.print == other.print && able(self) == able(other)
    }

    /// Whether it can check this algorithm.
    pub(super) fn fits(&self, algorithm: SigningAlgorithm) -> bool {
        self.ways.iter().any(|(able, _)| *able == algorithm)
    }

    /// Whether the signature is that of this key, in this algorithm, under the message.
    pub(super) fn verifies(
        &self,
        algorithm: SigningAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let way = self.ways.iter().find(|(able, _)| *able == algorithm);
        way.is_some_and(|(_, way)| match way {
            Way::Library(algorithm, key) => {
                let signature = URL_SAFE_NO_PAD.encode(signature);
                let checked = jsonwebtoken::crypto::verify(&signature, message, key, *algorithm);
                checked.is_ok_and(|is_good| is_good)
            }
            Way::P521(key) => key.verify_sig(message, signature).is_ok(),
        })
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerifyingKey")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// How an algorithm that takes a public key is checked. Signatures on curves are two numbers of
/// fixed length (RFC 7518, section 3.4), and PSS has a salt as long as its hash (section 3.5).
fn verification(algorithm: SigningAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        SigningAlgorithm::Hs256 | SigningAlgorithm::Hs384 | SigningAlgorithm::Hs512 => return None,
        SigningAlgorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        SigningAlgorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        SigningAlgorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        SigningAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        SigningAlgorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        SigningAlgorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        SigningAlgorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        SigningAlgorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
        SigningAlgorithm::Es512 => &ECDSA_P521_SHA512_FIXED,
        SigningAlgorithm::EdDsa => &ED25519,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jsonwebtoken::EncodingKey;

    use super::*;
    use crate::auth::testing::Pair;

    #[test]
    fn each_algorithm_is_checked_with_a_key_of_its_kind_and_no_other() {
        let pairs = Pair::of_every_kind();
        for pair in pairs {
            let key = VerifyingKey::from_spki(&pair.spki()).unwrap();
            assert_eq!(key.kind(), pair.kind());
            for algorithm in SigningAlgorithm::ALL {
                assert_eq!(key.fits(*algorithm), algorithm.kind() == pair.kind());
                if !key.fits(*algorithm) {
                    continue;
                }
                let signature = pair.sign(*algorithm, b"message");
                assert!(
                    key.verifies(*algorithm, b"message", &signature),
                    "{algorithm}"
                );
                assert!(
                    !key.verifies(*algorithm, b"massage", &signature),
                    "{algorithm}"
                );
                for other in SigningAlgorithm::ALL.iter().filter(|it| *it != algorithm) {
                    assert!(
                        !key.verifies(*other, b"message", &signature),
                        "{algorithm} as {other}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_public_key_as_a_secret_checks_nothing_it_should_not() {
        let pair = Pair::rsa();
        let key = VerifyingKey::from_spki(&pair.spki()).unwrap();
        for algorithm in [SigningAlgorithm::Hs256, SigningAlgorithm::Hs512] {
            let forged = EncodingKey::from_secret(&pair.spki());
            let able = algorithm.in_library().unwrap();
            let tag = jsonwebtoken::crypto::sign(b"message", &forged, able).unwrap();
            let tag = URL_SAFE_NO_PAD.decode(tag).unwrap();
            assert!(!key.verifies(algorithm, b"message", &tag));
        }
    }

    #[test]
    fn a_secret_checks_what_it_is_long_enough_for() {
        let secret = VerifyingKey::secret(&SecretKey::new([7; 48])).unwrap();
        assert!(secret.fits(SigningAlgorithm::Hs384));
        assert!(!secret.fits(SigningAlgorithm::Hs512));
        let short = VerifyingKey::secret(&SecretKey::new([7; 31]));
        assert_eq!(short.err(), Some(KeyProblem::ShortSecret { bytes: 31 }));
    }

    #[test]
    fn a_key_can_be_kept_to_one_algorithm() {
        let key = || VerifyingKey::from_spki(&Pair::rsa().spki()).unwrap();
        let kept = key().only(SigningAlgorithm::Ps256).unwrap();
        assert!(kept.fits(SigningAlgorithm::Ps256));
        assert!(!kept.fits(SigningAlgorithm::Rs256));
        let refused = key().only(SigningAlgorithm::Es256);
        assert!(matches!(refused, Err(KeyProblem::OtherAlgorithm { .. })));
    }

    #[test]
    fn what_is_no_key_is_no_key() {
        assert!(VerifyingKey::from_spki(b"").is_err());
        assert!(VerifyingKey::from_spki(&[0x30; 64]).is_err());
        let off_the_curve = [&[4_u8][..], &[7; 64]].concat();
        let refused = VerifyingKey::of_kind(KeyKind::P256, &off_the_curve);
        assert_eq!(refused.err(), Some(KeyProblem::Malformed));
        let small = VerifyingKey::rsa(&[0xff; 128], &[1, 0, 1]);
        assert_eq!(small.err(), Some(KeyProblem::Size));
    }
}
