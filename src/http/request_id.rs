//! The name of one request, for logs on both sides.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries it, both ways.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 128;

/// The name of one request: the caller's own `x-request-id` where it is 1 to 128 letters, digits,
/// `.`, `_` or `-`, else a new UUIDv7. [`serve`](super::serve) puts it into the request's
/// extensions and into the response's headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id that the headers ask for, or a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let named = headers.get(HEADER).filter(|value| is_acceptable(value));
        named.map_or_else(Self::random, |value| Self(value.clone()))
    }

    /// The id as the value of a header.
    pub(super) fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }

    fn random() -> Self {
        let text = Uuid::now_v7().to_string();
        Self(HeaderValue::try_from(text).expect("a UUID is visible ASCII"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().expect("only visible ASCII is accepted"))
    }
}

/// What may go into a log line as it is.
fn is_acceptable(value: &HeaderValue) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    (1..=LONGEST).contains(&value.len()) && value.as_bytes().iter().all(allowed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(text: &str) -> RequestId {
        let value = HeaderValue::from_str(text).unwrap();
        RequestId::of(&HeaderMap::from_iter([(HEADER, value)]))
    }

    #[test]
    fn a_sensible_id_of_the_caller_is_kept() {
        assert_eq!(of("order-7.retry_2").to_string(), "order-7.retry_2");
        assert_eq!(of(&"x".repeat(128)).to_string().len(), 128);
    }

    #[test]
    fn what_could_forge_a_log_line_is_replaced() {
        for hostile in ["", "a b", "a\tb", "x=\"1\"", &"x".repeat(129)] {
            assert_ne!(of(hostile).to_string(), hostile);
        }
        let new = RequestId::of(&HeaderMap::new()).to_string();
        assert_eq!(new.parse::<Uuid>().unwrap().get_version_num(), 7);
    }
}
