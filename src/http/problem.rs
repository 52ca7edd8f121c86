//! What a caller is told when a request is not done.

use http::header::{ALLOW, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use warp::reply::{Reply, Response};

use crate::auth::{AuthError, Refusal};
use crate::limits::Exhausted;

/// The media type of a problem (RFC 9457).
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// Seconds after which something retryable may be tried again.
const RETRY_AFTER_SECONDS: u32 = 1;

/// A detail longer than this is cut, in characters: some quote what the caller sent.
const LONGEST_DETAIL: usize = 400;

/// Why a request was not done, as RFC 9457 describes it: `title`, `status` and `detail`, a stable
/// `code` for programs, and the `field` at fault where there is one. `type` is left out and so is
/// `about:blank`.
///
/// It tells what the caller did and what was expected, and nothing of the server's inside: the
/// cause of a failure goes to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<String>,
    hint: Hint,
}

/// What the headers tell beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hint {
    Nothing,
    Challenge(String),
    Allow(String),
    RetryAfter(u32),
}

/// How it is written.
#[derive(Serialize)]
struct Body<'a> {
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

impl Problem {
    /// A problem. `code` is short snake case and never changes; `detail` is for people.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if let Some((end, _)) = detail.char_indices().nth(LONGEST_DETAIL) {
            detail.truncate(end);
            detail.push('…');
        }
        Self {
            status,
            code,
            detail,
            field: None,
            hint: Hint::Nothing,
        }
    }

    /// A request that is malformed at one field, or as a whole where `field` is empty.
    pub(super) fn malformed(field: &str, detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::BAD_REQUEST, "malformed_request", detail);
        if field.is_empty() {
            problem
        } else {
            problem.at(field)
        }
    }

    /// A token that was not accepted, or that cannot be checked at present.
    pub(crate) fn unauthorized(error: &AuthError) -> Self {
        if error.is_unavailable() {
            return Self::unavailable(error.code(), error.to_string());
        }
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, error.code(), error.to_string());
        problem.hint = Hint::Challenge(error.challenge());
        problem
    }

    /// A caller who may not do this.
    pub(crate) fn forbidden(refusal: &Refusal) -> Self {
        if *refusal == Refusal::NotAuthenticated {
            return Self::unauthorized(&AuthError::Missing);
        }
        Self::new(StatusCode::FORBIDDEN, refusal.code(), refusal.to_string())
    }

    /// A path where nothing is.
    pub(super) fn no_such_path() -> Self {
        let detail = "there is nothing at this path; /openapi.json tells what there is";
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// A method that a path does not have.
    pub(super) fn wrong_method(allowed: &str) -> Self {
        let detail = format!("this path takes {allowed}");
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        problem.hint = Hint::Allow(allowed.to_owned());
        problem
    }

    /// Something that may work when it is tried again.
    pub(super) fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.hint = Hint::RetryAfter(RETRY_AFTER_SECONDS);
        problem
    }

    /// Something that was asked for too often.
    pub(super) fn exhausted(code: &'static str, detail: &str, exhausted: Exhausted) -> Self {
        let seconds = exhausted.retry_after();
        let detail = format!("{detail}; try again in {seconds} seconds");
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
        problem.hint = Hint::RetryAfter(seconds);
        problem
    }

    /// A failure whose cause is in the log and nowhere else.
    pub(super) fn internal() -> Self {
        let detail = "the request failed in the server; its log tells why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    /// Names the field at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The field at fault, if there is one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Its detail.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl Reply for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            field: self.field.as_deref(),
        };
        let body = serde_json::to_vec(&body).expect("texts and a number are JSON");
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.extend(self.hint.header());
        response
    }
}

impl Hint {
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let (name, value) = match self {
            Self::Nothing => return None,
            Self::Challenge(challenge) => (WWW_AUTHENTICATE, challenge.as_str()),
            Self::Allow(methods) => (ALLOW, methods.as_str()),
            Self::RetryAfter(seconds) => return Some((RETRY_AFTER, (*seconds).into())),
        };
        Some((name, HeaderValue::from_str(value).ok()?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    use super::*;

    async fn written(problem: Problem) -> (Response, Value) {
        let (parts, body) = problem.into_response().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let response = http::Response::from_parts(parts, "".into());
        (response, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_problem_is_written_as_rfc_9457_says() {
        let problem = Problem::malformed("notifications[3].orderId", "expected a GUID");
        let (response, body) = written(problem).await;
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(
            body,
            json!({
                "title": "Bad Request", "status": 400, "detail": "expected a GUID",
                "code": "malformed_request", "field": "notifications[3].orderId",
            })
        );
    }

    #[tokio::test]
    async fn a_missing_token_is_asked_for_and_a_refused_one_is_explained() {
        let (response, body) = written(Problem::forbidden(&Refusal::NotAuthenticated)).await;
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(body["code"], "token_missing");
        let (response, _) = written(Problem::unauthorized(&AuthError::Expired)).await;
        let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        assert!(challenge.contains("invalid_token"), "{challenge}");
        let (response, body) = written(Problem::unauthorized(&AuthError::KeysUnavailable)).await;
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key(RETRY_AFTER));
        assert_eq!(body["code"], "keys_unavailable");
    }

    #[tokio::test]
    async fn an_overlong_detail_is_cut_between_characters() {
        let problem = Problem::malformed("", "é".repeat(1_000));
        assert_eq!(problem.detail().chars().count(), LONGEST_DETAIL + 1);
        let (_, body) = written(problem).await;
        assert!(body.get("field").is_none());
    }
}
