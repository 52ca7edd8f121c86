//! The plain answers of the transport layer, word for word those of the official server.

use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use warp::reply::Response;

use crate::auth::AuthError;

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

/// Why a caller is not let in, in a body after RFC 9457: 401, with the reason also in the header that
/// RFC 6750 gives it, or 503 when it is not the caller's fault.
pub(crate) fn refused(error: &AuthError) -> Response {
    let status = match error.is_unavailable() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::UNAUTHORIZED,
    };
    let body = serde_json::json!({
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "code": error.code(),
        "detail": error.to_string(),
    });
    let mut response = json(status, body.to_string());
    let problem = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(CONTENT_TYPE, problem);
    if error.is_unavailable() {
        let seconds = HeaderValue::from(KEYS_RETRY_AFTER);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    } else if let Ok(challenge) = HeaderValue::from_str(&error.challenge()) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// 503 with the time after which to come back, in seconds.
pub(crate) fn busy(text: &'static str, seconds: u32) -> Response {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, text);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
