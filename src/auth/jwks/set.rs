//! The keys of one source, and what they say of a token.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{error::SetError, jwk};
use crate::auth::{jws::Jws, key::KeyProblem, verifying_key::VerifyingKey};

/// The most keys that a set may hold: a token without `kid` is tried with each that fits.
const MOST_KEYS: usize = 64;

/// Who can read a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) enum Origin {
    /// We alone: it may hold secrets.
    Private,
    /// Everybody.
    Published,
}

/// Keys that check tokens.
#[derive(Debug, Default)]
pub(in crate::auth) struct KeySet(Vec<VerifyingKey>);

/// What a set says of a token. The order is that of how much it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::auth) enum Verdict {
    /// No key of it fits the token.
    Unknown,
    /// Keys without an id fit, and none has signed it.
    NotOurs,
    /// The key that the token names has not signed it.
    Forged,
    /// It is genuine.
    Signed,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl KeySet {
    /// Reads a set. Keys that cannot be used are passed over, as RFC 7517, section 5, has it, and
    /// the log tells why.
    pub(in crate::auth) fn read(json: &[u8], origin: Origin) -> Result<Self, SetError> {
        let document = std::str::from_utf8(json).map_err(|_| SetError::NotASet)?;
        let document: Document<'_> =
            serde_json::from_str(document).map_err(|_| SetError::NotASet)?;
        let found = document.keys.len();
        if found > MOST_KEYS {
            let most = MOST_KEYS;
            return Err(SetError::TooMany { found, most });
        }
        let mut set = Self::default();
        let mut first = None;
        for (index, key) in document.keys.iter().enumerate() {
            match jwk::read(key.get(), origin) {
                Ok(key) => set.insert(key)?,
                Err(problem) => {
                    passed_over(index, problem);
                    first.get_or_insert(problem);
                }
            }
        }
        match set.0.is_empty() {
            true => Err(SetError::NoUsableKey {
                found,
                first: first.map(|problem| problem.to_string()),
            }),
            false => Ok(set),
        }
    }

    /// Adds a key, unless it is there. An id tells one key of a kind.
    fn insert(&mut self, key: VerifyingKey) -> Result<(), SetError> {
        let rival = self.0.iter().find(|known| {
            known.id().is_some() && known.id() == key.id() && known.kind() == key.kind()
        });
        match rival {
            None => self.0.push(key),
            Some(rival) if rival.is_same(&key) => {}
            Some(rival) => {
                let id = rival.id().unwrap_or_default();
                let id = id.escape_debug().take(40).collect();
                return Err(SetError::DuplicateId { id });
            }
        }
        Ok(())
    }

    /// Adds keys that have no id.
    pub(in crate::auth) fn add(&mut self, keys: impl IntoIterator<Item = VerifyingKey>) {
        self.0.extend(keys);
    }

    /// The keys.
    pub(in crate::auth) fn keys(&self) -> &[VerifyingKey] {
        &self.0
    }

    /// What it says of a token. A key with an id checks only tokens that name it or name none; a
    /// key without one checks any.
    pub(in crate::auth) fn judge(&self, token: &Jws<'_>) -> Verdict {
        let mut verdict = Verdict::Unknown;
        for key in self.0.iter().filter(|key| key.fits(token.algorithm)) {
            let is_named = match (key.id(), token.key_id.as_deref()) {
                (Some(id), Some(wanted)) if id == wanted => true,
                (Some(_), Some(_)) => continue,
                (None, _) | (_, None) => false,
            };
            if key.verifies(token.algorithm, token.message.as_bytes(), &token.signature) {
                return Verdict::Signed;
            }
            let failed = match is_named {
                true => Verdict::Forged,
                false => Verdict::NotOurs,
            };
            verdict = verdict.max(failed);
        }
        verdict
    }
}

fn passed_over(index: usize, problem: KeyProblem) {
    match problem {
        // Quite usual: keys for encryption stand beside those for signatures.
        KeyProblem::OtherUse => tracing::debug!(index, "passed over a key of a set: {problem}"),
        _ => tracing::warn!(index, "passed over a key of a set: {problem}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::auth::testing::Pair;

    fn published(keys: &[Value]) -> Result<KeySet, SetError> {
        KeySet::read(
            json!({ "keys": keys }).to_string().as_bytes(),
            Origin::Published,
        )
    }

    fn verdict(set: &KeySet, token: &str) -> Verdict {
        set.judge(&Jws::read(token).unwrap())
    }

    #[test]
    fn a_key_that_cannot_be_used_is_passed_over_and_the_others_serve() {
        let pair = Pair::p256();
        let secret = json!({ "kty": "oct", "kid": "s", "k": "AAAA" });
        let encryption = json!({ "kty": "RSA", "use": "enc", "n": "AA", "e": "AQAB" });
        let future = json!({ "kty": "AKP", "alg": "ML-DSA-65", "pub": "AA" });
        let set = published(&[secret, encryption, future, pair.jwk("k")]).unwrap();
        assert_eq!(set.keys().len(), 1);
        assert_eq!(verdict(&set, &pair.token_of("k", "ann")), Verdict::Signed);
    }

    #[test]
    fn what_is_no_set_or_has_no_use_is_refused() {
        let read = |text: &str| KeySet::read(text.as_bytes(), Origin::Published).unwrap_err();
        for text in [
            "",
            "<!doctype html><html></html>",
            "null",
            "[]",
            "{}",
            "{\"keys\": {}}",
            "{\"keys\": [",
            "{\"keys\": [], \"keys\": []}",
            "\u{feff}{\"keys\": []}",
        ] {
            assert_eq!(read(text), SetError::NotASet, "{text:?}");
        }
        let empty = SetError::NoUsableKey {
            found: 0,
            first: None,
        };
        assert_eq!(read("{\"keys\": []}"), empty);
        let secret = published(&[json!({ "kty": "oct", "k": "AAAA" })]).unwrap_err();
        let text = secret.to_string();
        assert!(text.contains("of the first, it is a secret"), "{text}");
        let many = vec![json!({ "kty": "oct" }); MOST_KEYS + 1];
        let refused = published(&many).unwrap_err();
        assert!(matches!(refused, SetError::TooMany { found: 65, .. }));
    }

    #[test]
    fn an_id_of_two_keys_refuses_the_set_unless_they_are_the_same_one() {
        let (one, two) = (Pair::p256(), Pair::p256());
        let refused = published(&[one.jwk("k"), two.jwk("k")]).unwrap_err();
        let id = "k".to_owned();
        assert_eq!(refused, SetError::DuplicateId { id });
        assert_eq!(published(&[one.jwk("k"), one.jwk("k")]).unwrap().0.len(), 1);
        let kinds = published(&[one.jwk("k"), Pair::rsa().jwk("k")]);
        assert_eq!(kinds.unwrap().0.len(), 2);
    }

    #[test]
    fn a_token_is_checked_with_the_key_that_it_names() {
        let (one, two) = (Pair::rsa(), Pair::other_rsa());
        let set = published(&[one.jwk("one"), two.jwk("two")]).unwrap();
        assert_eq!(verdict(&set, &one.token_of("one", "ann")), Verdict::Signed);
        assert_eq!(verdict(&set, &one.token_of("two", "ann")), Verdict::Forged);
        assert_eq!(
            verdict(&set, &one.token_of("three", "ann")),
            Verdict::Unknown
        );
        let header = json!({ "alg": "RS256" });
        let unnamed = two.token(two.usual(), &header, &json!({}));
        assert_eq!(verdict(&set, &unnamed), Verdict::Signed);
        let strange = Pair::p256().token_of("one", "ann");
        assert_eq!(verdict(&set, &strange), Verdict::Unknown);
    }

    #[test]
    fn a_key_without_an_id_checks_any_token() {
        let pair = Pair::p256();
        let mut jwk = pair.jwk("k");
        jwk.as_object_mut().unwrap().remove("kid");
        let set = published(&[jwk]).unwrap();
        assert_eq!(verdict(&set, &pair.token_of("any", "ann")), Verdict::Signed);
        let other = Pair::p256().token_of("any", "ann");
        assert_eq!(verdict(&set, &other), Verdict::NotOurs);
    }
}
