//! Where a request carries its token, and how to keep it out of logs.

use std::borrow::Cow;

/// The query keys whose values are secrets: the bearer token, and the connection token,
/// which lets its holder act as the connection.
const SECRET_KEYS: [&str; 2] = [TOKEN_KEY, "id"];
const TOKEN_KEY: &str = "access_token";

/// Takes the bearer token from the value of an `Authorization` header or, because browsers
/// cannot set that header on a WebSocket or an event stream, from `access_token` in the raw
/// query string. The header wins. A header of another scheme, and an empty token anywhere,
/// count as none. The key matches in any case; its value is percent-decoded.
#[must_use]
pub fn bearer_token<'a>(
    authorization: Option<&'a str>,
    query: Option<&'a str>,
) -> Option<Cow<'a, str>> {
    let header = authorization.and_then(bearer).map(Cow::Borrowed);
    header.or_else(|| query.and_then(token_in_query))
}

/// Replaces, in a query string or a whole address, the values of `access_token` and `id`
/// (the connection token) by `***`, so that it can be logged. Keys match in any case and
/// percent-encoded; everything else stays as it was.
#[must_use]
pub fn redact_query(query: &str) -> Cow<'_, str> {
    let is_secret = |pair: &str| {
        pair.split_once('=')
            .is_some_and(|(key, value)| !value.is_empty() && is_secret_key(key))
    };
    if !query.split(['&', ';']).any(is_secret) {
        return Cow::Borrowed(query);
    }
    let mut shown = String::with_capacity(query.len());
    for piece in query.split_inclusive(['&', ';']) {
        let pair = piece.trim_end_matches(['&', ';']);
        match pair.split_once('=') {
            Some((key, _)) if is_secret(pair) => {
                shown.push_str(key);
                shown.push_str("=***");
                shown.push_str(&piece[pair.len()..]);
            }
            _ => shown.push_str(piece),
        }
    }
    Cow::Owned(shown)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
}

fn token_in_query(query: &str) -> Option<Cow<'_, str>> {
    let query = query.strip_prefix('?').unwrap_or(query);
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, value)| !value.is_empty() && decode(key).eq_ignore_ascii_case(TOKEN_KEY))
        .map(|(_, value)| decode(value))
}

fn is_secret_key(key: &str) -> bool {
    // In a whole address the path stands before the first key.
    let key = key.rsplit('?').next().unwrap_or(key);
    let key = decode(key);
    SECRET_KEYS.iter().any(|s| key.eq_ignore_ascii_case(s))
}

/// Undoes percent-encoding and `+`; what is no valid escape stays as it is, and what is no
/// UTF-8 afterwards becomes replacement characters, which no token holds.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, escaped(tail)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn escaped(after_percent: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (high, low) = (after_percent.first()?, after_percent.get(1)?);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::{prop_assert, proptest};

    use super::*;

    #[test]
    fn the_header_wins_over_the_query() {
        let token = bearer_token(Some("Bearer head"), Some("access_token=query"));
        assert_eq!(token.unwrap(), "head");
        assert_eq!(bearer_token(Some("bearer  head "), None).unwrap(), "head");
    }

    #[test]
    fn a_header_without_a_bearer_token_leaves_it_to_the_query() {
        for header in ["Basic dTpw", "Bearer", "Bearer  ", "", "Bearerx y"] {
            let token = bearer_token(Some(header), Some("id=1&access_token=query"));
            assert_eq!(token.unwrap(), "query", "{header:?}");
            assert_eq!(bearer_token(Some(header), None), None, "{header:?}");
        }
    }

    #[test]
    fn the_query_is_decoded_and_its_key_matches_in_any_case() {
        let token = |query| bearer_token(None, Some(query));
        assert_eq!(token("id=x&access_token=a%2Eb%2ec").unwrap(), "a.b.c");
        assert_eq!(token("Access_Token=a%2").unwrap(), "a%2");
        assert_eq!(token("access%5Ftoken=%zz").unwrap(), "%zz");
        assert_eq!(token("?access_token=a").unwrap(), "a");
        assert_eq!(token("access_token=&access_token=b").unwrap(), "b");
        assert_eq!(token("access_token"), None);
        assert_eq!(token("xaccess_token=a"), None);
        assert_eq!(token("access_token=%ff").unwrap(), "\u{FFFD}");
    }

    #[test]
    fn secrets_in_a_query_are_replaced_and_the_rest_stays() {
        assert_eq!(
            redact_query("id=conn&transport=webSockets&ACCESS_TOKEN=a.b.c"),
            "id=***&transport=webSockets&ACCESS_TOKEN=***"
        );
        assert_eq!(
            redact_query("access%5ftoken=s&a=b=c"),
            "access%5ftoken=***&a=b=c"
        );
        assert_eq!(redact_query("?access_token=s"), "?access_token=***");
        assert_eq!(redact_query("/hubs/x?id=s&y=1"), "/hubs/x?id=***&y=1");
        assert_eq!(redact_query("a=1;access_token=s"), "a=1;access_token=***");
        assert_eq!(redact_query("access_token=s=t"), "access_token=***");
    }

    #[test]
    fn a_query_without_secrets_is_not_copied() {
        for query in ["", "negotiateVersion=1", "valid=1&hidden=2", "id=", "id"] {
            assert!(matches!(redact_query(query), Cow::Borrowed(q) if q == query));
        }
    }

    proptest! {
        #[test]
        fn a_token_that_can_be_taken_is_redacted(
            before in "[a-z=&;%?]{0,8}",
            key in "[aA]cces[sS](_|%5[fF])to[kK]en",
            after in "[a-z=&;%?]{0,8}",
        ) {
            let query = format!("{before}&{key}=SECRET{after}");
            prop_assert!(bearer_token(None, Some(&query)).is_some());
            prop_assert!(!redact_query(&query).contains("SECRET"));
        }
    }
}
