//! Where the keys come from that check tokens.

use std::sync::Arc;

use super::{
    algorithm::SigningAlgorithm,
    jwks::{KeySet, Origin, RemoteKeys, Verdict},
    jws::Jws,
    key::{KeyError, SecretKey},
    pem,
    verifying_key::VerifyingKey,
};

/// The keys that check tokens: of a secret, of PEM texts, of key sets, of an address; of any of
/// these together. Cloning it shares the keys.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    secret: Option<SecretKey>,
    local: Vec<Arc<KeySet>>,
    remote: Option<Arc<RemoteKeys>>,
}

impl Keys {
    /// No keys yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a shared secret, for the algorithms that it is long enough for.
    #[must_use]
    pub fn secret(mut self, secret: SecretKey) -> Self {
        let key = VerifyingKey::secret(&secret).ok();
        self.secret = Some(secret);
        self.with(key)
    }

    /// Adds the public keys of a PEM text. They have no ids, so each checks any token.
    ///
    /// # Errors
    ///
    /// [`KeyError::Pem`] or [`KeyError::Unusable`] when the text holds anything but public keys
    /// that can be used.
    pub fn pem(self, text: &str) -> Result<Self, KeyError> {
        let keys = pem::public_keys(text)?;
        Ok(self.with(keys))
    }

    /// Adds a JSON Web Key Set that nobody else can read, so that it may hold secrets.
    ///
    /// # Errors
    ///
    /// [`KeyError::Set`] when it is no set or holds no key that can be used.
    pub fn set(mut self, json: &[u8]) -> Result<Self, KeyError> {
        let set = KeySet::read(json, Origin::Private)?;
        self.local.push(Arc::new(set));
        Ok(self)
    }

    /// Adds the keys of an address, as they change. Somebody has to
    /// [keep them fresh](RemoteKeys::keep_fresh).
    #[must_use]
    pub fn remote(mut self, remote: Arc<RemoteKeys>) -> Self {
        self.remote = Some(remote);
        self
    }

    /// Whether there is a key for this algorithm, or may be one at the address.
    #[must_use]
    pub fn may_check(&self, algorithm: SigningAlgorithm) -> bool {
        let mut local = self.local.iter().flat_map(|set| set.keys());
        local.any(|key| key.fits(algorithm)) || self.is_published(algorithm)
    }

    /// Checks that there is, or may be, a key for this algorithm.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`] when there is a secret that is too short for it, else
    /// [`KeyError::NoKey`].
    pub(super) fn check(&self, algorithm: SigningAlgorithm) -> Result<(), KeyError> {
        if self.may_check(algorithm) {
            return Ok(());
        }
        match &self.secret {
            Some(secret) if algorithm.is_symmetric() => secret.check(algorithm),
            _ => Err(KeyError::NoKey { algorithm }),
        }
    }

    pub(super) fn source(&self) -> Option<&Arc<RemoteKeys>> {
        self.remote.as_ref()
    }

    /// What the keys say of a token. The keys of the address are asked last.
    pub(super) fn judge(&self, token: &Jws<'_>) -> Judgement {
        let mut verdict = Verdict::Unknown;
        for set in &self.local {
            verdict = verdict.max(set.judge(token));
            if verdict == Verdict::Signed {
                return Judgement::Signed;
            }
        }
        let Some(remote) = &self.remote else {
            return Judgement::local(verdict);
        };
        if !self.is_published(token.algorithm) {
            return Judgement::local(verdict);
        }
        let Some(set) = remote.usable() else {
            return match verdict {
                Verdict::Forged => Judgement::Forged,
                _ => Judgement::Unavailable,
            };
        };
        let found = set.judge(token);
        match found.max(verdict) {
            Verdict::Signed => Judgement::Signed,
            Verdict::Forged => Judgement::Forged,
            // A key that we do not have yet may bear the name.
            _ if token.key_id.is_some() && found == Verdict::Unknown => Judgement::Unknown,
            others => Judgement::local(others),
        }
    }

    /// Whether keys for it may be at the address, where there are no secrets.
    fn is_published(&self, algorithm: SigningAlgorithm) -> bool {
        self.remote.is_some() && !algorithm.is_symmetric()
    }

    fn with(mut self, keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        let mut set = KeySet::default();
        set.add(keys);
        self.local.push(Arc::new(set));
        self
    }
}

/// What all keys together say of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Signed,
    Forged,
    /// No key that we have is the one that it is signed with.
    Unknown,
    /// The key that it is signed with may be among those that cannot be had.
    Unavailable,
}

impl Judgement {
    fn local(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Signed => Self::Signed,
            Verdict::Forged | Verdict::NotOurs => Self::Forged,
            Verdict::Unknown => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    fn judged(jwk: &Value, token: &str) -> Judgement {
        let set = json!({ "keys": [jwk] }).to_string();
        let keys = Keys::none().set(set.as_bytes()).unwrap();
        keys.judge(&Jws::read(token).unwrap())
    }

    /// The examples of RFC 7515, appendices A.1 and A.3, and RFC 8037, appendix A.4.
    #[test]
    fn the_examples_of_the_standards_are_genuine() {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        for (jwk, header, payload, signature) in [
            (
                json!({ "kty": "oct", "k": secret }),
                "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
                CLAIMS,
                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            ),
            (
                json!({
                    "kty": "EC", "crv": "P-256",
                    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                }),
                "eyJhbGciOiJFUzI1NiJ9",
                CLAIMS,
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
            (
                json!({
                    "kty": "OKP", "crv": "Ed25519",
                    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                }),
                "eyJhbGciOiJFZERTQSJ9",
                "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
        ] {
            let genuine = format!("{header}.{payload}.{signature}");
            assert_eq!(judged(&jwk, &genuine), Judgement::Signed, "{header}");
            let forged = format!("{header}.e30.{signature}");
            assert_eq!(judged(&jwk, &forged), Judgement::Forged, "{header}");
        }
    }

    #[test]
    fn a_secret_that_is_too_short_is_told_from_one_that_is_missing() {
        let keys = Keys::none().secret(SecretKey::new([7; 40]));
        assert_eq!(keys.check(SigningAlgorithm::Hs256), Ok(()));
        let refused = keys.check(SigningAlgorithm::Hs384);
        assert!(matches!(refused, Err(KeyError::TooShort { found: 40, .. })));
        let algorithm = SigningAlgorithm::Es256;
        assert_eq!(keys.check(algorithm), Err(KeyError::NoKey { algorithm }));
    }
}
