//! Key pairs for tests, made on the spot.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{KeyKind, SigningAlgorithm};

/// A key pair of any kind but a secret.
pub(crate) enum Pair {
    Rsa(&'static RsaKeyPair),
    Curve(KeyKind, EcdsaKeyPair),
    Edwards(Ed25519KeyPair),
}

/// Two of them, since making one takes a while.
static RSA: LazyLock<[RsaKeyPair; 2]> =
    LazyLock::new(|| [0, 1].map(|_| RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));

impl Pair {
    /// Always the same one.
    pub(crate) fn rsa() -> Self {
        Self::Rsa(&RSA[0])
    }

    /// Another one, always the same.
    pub(crate) fn other_rsa() -> Self {
        Self::Rsa(&RSA[1])
    }

    /// A new one.
    pub(crate) fn p256() -> Self {
        Self::curve(KeyKind::P256)
    }

    pub(crate) fn of_every_kind() -> [Self; 5] {
        [
            Self::rsa(),
            Self::p256(),
            Self::curve(KeyKind::P384),
            Self::curve(KeyKind::P521),
            Self::Edwards(Ed25519KeyPair::generate().unwrap()),
        ]
    }

    fn curve(kind: KeyKind) -> Self {
        let how = match kind {
            KeyKind::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            KeyKind::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            _ => &ECDSA_P521_SHA512_FIXED_SIGNING,
        };
        Self::Curve(kind, EcdsaKeyPair::generate(how).unwrap())
    }

    pub(crate) fn kind(&self) -> KeyKind {
        match self {
            Self::Rsa(_) => KeyKind::Rsa,
            Self::Curve(kind, _) => *kind,
            Self::Edwards(_) => KeyKind::Ed25519,
        }
    }

    /// The public half as a `SubjectPublicKeyInfo`.
    pub(crate) fn spki(&self) -> Vec<u8> {
        let der = match self {
            Self::Rsa(pair) => pair.public_key().as_der(),
            Self::Curve(_, pair) => pair.public_key().as_der(),
            Self::Edwards(pair) => pair.public_key().as_der(),
        };
        der.unwrap().as_ref().to_vec()
    }

    /// The public half in PEM.
    pub(crate) fn pem(&self) -> String {
        let text = STANDARD.encode(self.spki());
        let lines: Vec<_> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    /// The public half as a JSON Web Key.
    pub(crate) fn jwk(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                let (modulus, exponent) = numbers(pair.public_key().as_ref());
                json!({ "kty": "RSA", "kid": id, "n": text(&modulus), "e": text(&exponent) })
            }
            Self::Curve(kind, pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match kind {
                    KeyKind::P256 => "P-256",
                    KeyKind::P384 => "P-384",
                    _ => "P-521",
                };
                json!({ "kty": "EC", "crv": curve, "kid": id, "x": text(x), "y": text(y) })
            }
            Self::Edwards(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": text(point) })
            }
        }
    }

    /// The algorithm that this kind usually signs with.
    pub(crate) fn usual(&self) -> SigningAlgorithm {
        let all = SigningAlgorithm::ALL.iter().copied();
        let kind = self.kind();
        all.clone()
            .find(|algorithm| algorithm.kind() == kind)
            .unwrap()
    }

    pub(crate) fn sign(&self, algorithm: SigningAlgorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let how: &'static dyn RsaEncoding = match algorithm {
                    SigningAlgorithm::Rs256 => &RSA_PKCS1_SHA256,
                    SigningAlgorithm::Rs384 => &RSA_PKCS1_SHA384,
                    SigningAlgorithm::Rs512 => &RSA_PKCS1_SHA512,
                    SigningAlgorithm::Ps256 => &RSA_PSS_SHA256,
                    SigningAlgorithm::Ps384 => &RSA_PSS_SHA384,
                    _ => &RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(how, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Curve(_, pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Edwards(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with this header and these claims, whatever they say.
    pub(crate) fn token(
        &self,
        algorithm: SigningAlgorithm,
        header: &Value,
        claims: &Value,
    ) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.sign(algorithm, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token that names this key, of a user, good for an hour from now.
    pub(crate) fn token_of(&self, id: &str, user: &str) -> String {
        let algorithm = self.usual();
        let end = jiff::Timestamp::now().as_second() + 3600;
        let header = json!({ "alg": algorithm.as_str(), "kid": id });
        self.token(algorithm, &header, &json!({ "userId": user, "exp": end }))
    }
}

/// The modulus and the exponent in an `RSAPublicKey`: a sequence of two integers.
fn numbers(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (_, sequence) = contents(der);
    let (rest, modulus) = contents(sequence);
    let (_, exponent) = contents(rest);
    let bare = |number: &[u8]| number.iter().copied().skip_while(|b| *b == 0).collect();
    (bare(modulus), bare(exponent))
}

/// What stands behind the first element, and what stands in it.
fn contents(der: &[u8]) -> (&[u8], &[u8]) {
    let (length, head) = match der[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let digits = usize::from(long & 0x7f);
            let number = &der[2..2 + digits];
            let length = number.iter().fold(0, |sum, b| (sum << 8) | usize::from(*b));
            (length, 2 + digits)
        }
    };
    (&der[head + length..], &der[head..head + length])
}
