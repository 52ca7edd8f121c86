//! A signed token in its compact form (RFC 7515): what it says of itself, before it is believed.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::{
    algorithm::SigningAlgorithm,
    error::{AuthError, TokenPart},
};

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;

/// A token whose header is understood, and nothing else of it. Of the header only `alg`, `kid` and
/// `crit` are looked at: no key comes out of a token or from where one points to.
pub(super) struct Jws<'a> {
    pub(super) algorithm: SigningAlgorithm,
    pub(super) key_id: Option<Box<str>>,
    /// What was signed.
    pub(super) message: &'a str,
    pub(super) signature: Vec<u8>,
    payload: &'a str,
}

impl<'a> Jws<'a> {
    /// Reads the header and the signature.
    pub(super) fn read(token: &'a str) -> Result<Self, AuthError> {
        if token.len() > LONGEST_TOKEN {
            return Err(malformed(TokenPart::Shape));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed(TokenPart::Shape));
        };
        let header = object(header).ok_or(malformed(TokenPart::Header))?;
        let algorithm = algorithm(&header)?;
        if header.contains_key("crit") {
            return Err(AuthError::CriticalExtension);
        }
        let key_id = match header.get("kid") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.as_str().into()),
            Some(_) => return Err(malformed(TokenPart::Header)),
        };
        let message = &token[..token.len() - signature.len() - 1];
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| malformed(TokenPart::Signature))?;
        Ok(Self {
            algorithm,
            key_id,
            message,
            signature,
            payload,
        })
    }

    /// The claims. For whoever has checked the signature.
    pub(super) fn claims(&self) -> Result<Map<String, Value>, AuthError> {
        object(self.payload).ok_or(malformed(TokenPart::Payload))
    }
}

fn algorithm(header: &Map<String, Value>) -> Result<SigningAlgorithm, AuthError> {
    let Some(Value::String(name)) = header.get("alg") else {
        return Err(malformed(TokenPart::Header));
    };
    name.parse().map_err(|_| not_allowed(name))
}

/// The refusal of an algorithm that is not among the allowed ones.
pub(super) fn not_allowed(name: &str) -> AuthError {
    let graphic = name.chars().filter(char::is_ascii_graphic);
    AuthError::AlgorithmNotAllowed {
        alg: graphic.take(16).collect(),
    }
}

fn malformed(part: TokenPart) -> AuthError {
    AuthError::Malformed { part }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    let Members(members) = serde_json::from_slice(&json).ok()?;
    Some(members)
}

/// A JSON object that has each name once: of two, another reader might take the other one.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object with each name once")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name is there twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(header: &str) -> Result<Box<str>, AuthError> {
        let token = format!("{}.e30.", URL_SAFE_NO_PAD.encode(header));
        Jws::read(&token).map(|jws| jws.key_id.unwrap_or_default())
    }

    #[test]
    fn a_header_names_its_key_or_none() {
        assert_eq!(
            &*read(r#"{"alg":"ES256","kid":"a/../b"}"#).unwrap(),
            "a/../b"
        );
        assert_eq!(&*read(r#"{"alg":"ES256"}"#).unwrap(), "");
        assert_eq!(&*read(r#"{"alg":"ES256","kid":null}"#).unwrap(), "");
    }

    #[test]
    fn a_header_that_could_be_read_in_two_ways_is_malformed() {
        for header in [
            r#"{"alg":"HS256","alg":"none"}"#,
            r#"{"alg":"ES256","kid":"a","kid":"b"}"#,
            r#"{"alg":"ES256","jku":"a","jku":"b"}"#,
            r#"{"alg":"ES256","kid":7}"#,
            r#"{"alg":["ES256"]}"#,
            r#"{"ALG":"ES256"}"#,
            r#"["ES256"]"#,
            r#"{"alg":"ES256"} {}"#,
            r#"{"alg":"ES256",}"#,
            "",
        ] {
            let part = TokenPart::Header;
            assert_eq!(read(header), Err(AuthError::Malformed { part }), "{header}");
        }
    }

    #[test]
    fn anything_critical_is_refused_whatever_it_is() {
        for crit in ["[\"exp\"]", "[]", "null", "\"b64\""] {
            let header = format!("{{\"alg\":\"ES256\",\"crit\":{crit}}}");
            assert_eq!(read(&header), Err(AuthError::CriticalExtension), "{crit}");
        }
    }

    #[test]
    fn claims_that_are_there_twice_are_malformed() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#);
        let payload = URL_SAFE_NO_PAD.encode(r#"{"role":"Customer","role":"Admin"}"#);
        let token = format!("{header}.{payload}.");
        let part = TokenPart::Payload;
        let claims = Jws::read(&token).unwrap().claims();
        assert_eq!(claims, Err(AuthError::Malformed { part }));
    }
}
