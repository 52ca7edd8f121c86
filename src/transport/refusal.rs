//! The plain answers of the transport layer, word for word those of the official server.

use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use warp::reply::Response;

use crate::auth::AuthError;
use crate::limits::{Exhausted, Refused};

/// Seconds after which keys that could not be had may be there.
const KEYS_RETRY_AFTER: u32 = 5;

/// A `text/plain` answer.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Why a caller is not let in: 401, with the reason also in the header that RFC 6750 gives it, or 503
/// when it is not the caller's fault.
pub(crate) fn unauthorized(error: &AuthError) -> Response {
    if error.is_unavailable() {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let answer = problem(status, error.code(), &error.to_string());
        return later(answer, KEYS_RETRY_AFTER);
    }
    let mut response = problem(StatusCode::UNAUTHORIZED, error.code(), &error.to_string());
    if let Ok(challenge) = HeaderValue::from_str(&error.challenge()) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// 429 for a client with a limit of its own, 503 where the node takes nobody; both with the time
/// after which to come back.
pub(crate) fn refused(refused: Refused) -> Response {
    let status = match refused.is_their_own() {
        true => StatusCode::TOO_MANY_REQUESTS,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    tracing::debug!(%status, code = refused.code(), "refused a connection: {refused}");
    later(
        problem(status, refused.code(), &refused.to_string()),
        refused.retry_after(),
    )
}

/// 429 with the time after which to come back.
pub(crate) fn throttled(exhausted: Exhausted) -> Response {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let answer = problem(status, "too_many_requests", &exhausted.to_string());
    later(answer, exhausted.retry_after())
}

/// 503 with the time after which to come back, in seconds.
pub(crate) fn busy(text: &'static str, seconds: u32) -> Response {
    later(plain(StatusCode::SERVICE_UNAVAILABLE, text), seconds)
}

fn later(mut response: Response, seconds: u32) -> Response {
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// A problem after RFC 9457.
fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    let body = serde_json::json!({
        "title": status.canonical_reason().unwrap_or("Problem"),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
    });
    let mut response = json(status, body.to_string());
    let problem = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(CONTENT_TYPE, problem);
    response
}
