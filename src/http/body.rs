//! Reading the body of a request, within its bounds.

use std::error::Error;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::problem::Problem;

/// The most bytes that a body may have.
pub(super) const LARGEST: usize = 1024 * 1024;

/// Reads a JSON body as bytes.
///
/// # Errors
/// 415 for another media type or an encoded body, 413 for more than [`LARGEST`] bytes, 408 when it
/// takes longer than the deadline, and 400 when it breaks off.
pub(super) async fn read<S, B, E>(
    headers: &HeaderMap,
    body: S,
    deadline: Duration,
) -> Result<Bytes, Problem>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
    E: Error,
{
    if !is_json(headers) {
        let detail = "the body must be application/json in UTF-8, without an encoding";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "unsupported_media_type", detail));
    }
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let announced = announced.and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LARGEST as u64) {
        return Err(too_large());
    }
    match timeout(deadline, collect(body)).await {
        Ok(read) => read,
        Err(_) => {
            let seconds = deadline.as_secs_f64();
            let detail = format!("the body did not arrive within {seconds} seconds");
            Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                detail,
            ))
        }
    }
}

/// Reads the text of a JSON object as a value.
///
/// # Errors
/// 400 with the path of the field at fault.
pub(super) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    // Serde would take an array for an object whose fields come in order.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::malformed("", "expected a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = checked(&mut json)?;
    json.end()
        .map_err(|error| Problem::malformed("", error.to_string()))?;
    Ok(value)
}

/// Reads the fields of an object as a value.
///
/// # Errors
/// 400 with the path of the field at fault.
pub(super) fn from_fields<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Problem> {
    checked(Value::Object(fields))
}

fn checked<'de, D, T>(json: D) -> Result<T, Problem>
where
    D: Deserializer<'de, Error = serde_json::Error>,
    T: Deserialize<'de>,
{
    serde_path_to_error::deserialize(json).map_err(|error| {
        let message = error.inner().to_string();
        Problem::malformed(
            &field_at_fault(&error.path().to_string(), &message),
            message,
        )
    })
}

async fn collect<S, B, E>(body: S) -> Result<Bytes, Problem>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
    E: Error,
{
    let mut body = std::pin::pin!(body);
    let mut collected = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| {
            tracing::debug!(%error, "a request's body broke off");
            Problem::malformed("", "the body broke off")
        })?;
        if collected.len() + piece.remaining() > LARGEST {
            return Err(too_large());
        }
        collected.put(piece);
    }
    Ok(collected.freeze())
}

/// The field that an error is about: where serde stood, and the field that the message names
/// where it stood at a whole object.
fn field_at_fault(path: &str, message: &str) -> String {
    let quoted = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split_once('`'));
    let is_path = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']'))
    };
    let named = quoted.or_else(|| message.split_once(": ").filter(|(name, _)| is_path(name)));
    let path = path.trim_end_matches(['?', '.']);
    match named {
        None => path.to_owned(),
        Some((name, _)) if path.is_empty() => name.to_owned(),
        // At an unknown field serde has already stepped into it.
        Some((name, _)) if path.rsplit('.').next() == Some(name) => path.to_owned(),
        Some((name, _)) => format!("{path}.{name}"),
    }
}

fn too_large() -> Problem {
    let detail = format!("the body has more than {LARGEST} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
}

fn is_json(headers: &HeaderMap) -> bool {
    let plain = headers
        .get(CONTENT_ENCODING)
        .is_none_or(|encoding| encoding == "identity");
    let Some(Ok(kind)) = headers.get(CONTENT_TYPE).map(|kind| kind.to_str()) else {
        return false;
    };
    let mut parts = kind.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    plain && is_json && parts.all(is_utf8)
}

/// Whether a parameter of a media type leaves the text in UTF-8.
fn is_utf8(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io;

    use futures_util::stream;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(30);

    fn headers(kind: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())])
    }

    fn pieces(pieces: Vec<Vec<u8>>) -> impl Stream<Item = io::Result<Bytes>> {
        stream::iter(pieces.into_iter().map(|piece| Ok(piece.into())))
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_read_up_to_the_limit_exactly() {
        let read = |last| {
            let body = pieces(vec![vec![b'a'; LARGEST - 1], vec![b'b'; last]]);
            async move { super::read(&headers("application/json"), body, DEADLINE).await }
        };
        assert_eq!(read(1).await.unwrap().len(), LARGEST);
        assert_eq!(read(2).await.unwrap_err().status(), 413);
    }

    #[tokio::test]
    async fn an_announced_length_over_the_limit_is_refused_unread() {
        let mut headers = headers("application/json");
        headers.insert(CONTENT_LENGTH, (LARGEST + 1).into());
        let body = stream::pending::<io::Result<Bytes>>();
        assert_eq!(
            read(&headers, body, DEADLINE).await.unwrap_err().status(),
            413
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let body = stream::pending::<io::Result<Bytes>>();
        let headers = headers("application/json");
        let refused = read(&headers, body, DEADLINE).await.unwrap_err();
        assert_eq!(refused.status(), 408);
    }

    #[tokio::test]
    async fn only_json_in_utf_8_is_read() {
        for kind in [
            "text/plain",
            "application/jsonp",
            "application/json; charset=latin1",
            "",
        ] {
            let refused = read(&headers(kind), pieces(vec![]), DEADLINE)
                .await
                .unwrap_err();
            assert_eq!(refused.status(), 415, "{kind}");
        }
        for kind in [
            "application/json",
            "Application/JSON; charset=\"UTF-8\"; x=1",
        ] {
            assert!(
                read(&headers(kind), pieces(vec![]), DEADLINE).await.is_ok(),
                "{kind}"
            );
        }
        let mut packed = headers("application/json");
        packed.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(
            read(&packed, pieces(vec![]), DEADLINE)
                .await
                .unwrap_err()
                .status(),
            415
        );
    }

    #[test]
    fn a_wrong_field_is_named_by_its_path() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Outer {
            #[expect(dead_code, reason = "only its reading matters")]
            inner: Vec<Inner>,
        }
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Inner {
            #[expect(dead_code, reason = "only its reading matters")]
            flag: bool,
        }
        let field = |text: &str| {
            let problem = parse::<Outer>(text.as_bytes()).unwrap_err();
            problem.field().map(str::to_owned)
        };
        assert_eq!(
            field(r#"{"inner":[{"flag":7}]}"#).as_deref(),
            Some("inner[0].flag")
        );
        assert_eq!(
            field(r#"{"inner":[{"flag":true},{}]}"#).as_deref(),
            Some("inner[1].flag")
        );
        assert_eq!(
            field(r#"{"inner":[{"no":1}]}"#).as_deref(),
            Some("inner[0].no")
        );
        assert_eq!(field(r#"{"inner":[],"outer":1}"#).as_deref(), Some("outer"));
        assert_eq!(field("{}").as_deref(), Some("inner"));
        assert_eq!(field(r#"{"inner":[]} x"#), None);
        assert_eq!(field("{"), None);
        assert_eq!(field("[1]"), None);
    }

    #[test]
    fn a_message_that_begins_with_a_path_says_where() {
        assert_eq!(
            field_at_fault("items[2]", "orderId: not a GUID"),
            "items[2].orderId"
        );
        assert_eq!(field_at_fault(".", "metadata.a: too long"), "metadata.a");
        assert_eq!(
            field_at_fault("data", "invalid type: null, expected text"),
            "data"
        );
    }
}
