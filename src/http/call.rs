//! One request, as a handler sees it.

use std::fmt::Display;
use std::str::FromStr;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use warp::reply::{Reply, Response};

use super::body;
use super::problem::Problem;
use super::schema::LARGEST_PAGE;
use crate::auth::{Policy, Principal, TenantKey};
use crate::notification::IdempotencyKey;
use crate::telemetry::TraceParent;

/// A request whose operation is known and whose caller was let in.
pub(super) struct Call {
    /// Who asks; anonymous for an operation that needs no token.
    pub(super) principal: Principal,
    /// The values in the path, decoded.
    pub(super) path: Vec<(&'static str, String)>,
    /// The values in the query, decoded; only those that the operation knows.
    pub(super) query: Vec<(&'static str, String)>,
    /// The key that makes the call safe to repeat, of an operation that knows it.
    pub(super) key: Option<IdempotencyKey>,
    /// Where it belongs in its caller's trace, if it says so.
    pub(super) trace: Option<TraceParent>,
    /// The body, empty for an operation without one.
    pub(super) body: Bytes,
}

impl Call {
    /// A value of the path.
    ///
    /// # Errors
    /// 400 when it is not what it should be.
    pub(super) fn parameter<T>(&self, name: &'static str) -> Result<T, Problem>
    where
        T: FromStr<Err: Display>,
    {
        self.text(name)
            .parse()
            .map_err(|error: T::Err| Problem::malformed(name, error.to_string()))
    }

    /// A value of the path, unread.
    pub(super) fn text(&self, name: &'static str) -> &str {
        let found = self.path.iter().find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value)
    }

    /// A yes or no of the query; no when it is not there.
    ///
    /// # Errors
    /// 400 when it is neither `true` nor `false`.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, Problem> {
        match self.query.iter().find(|(key, _)| *key == name) {
            None => Ok(false),
            Some((_, value)) => value
                .parse()
                .map_err(|_| Problem::malformed(name, "expected true or false")),
        }
    }

    /// A value of the query, if it is there.
    ///
    /// # Errors
    /// 400 when it is not what it should be.
    pub(super) fn asked<T>(&self, name: &'static str) -> Result<Option<T>, Problem>
    where
        T: FromStr<Err: Display>,
    {
        let found = self.query.iter().find(|(key, _)| *key == name);
        let read = |(_, value): &(_, String)| value.parse();
        found
            .map(read)
            .transpose()
            .map_err(|error: T::Err| Problem::malformed(name, error.to_string()))
    }

    /// The page of a list: behind what, and how many; [`LARGEST_PAGE`] by default.
    ///
    /// # Errors
    /// 400 when either is not what it should be.
    pub(super) fn page<T>(&self) -> Result<(Option<T>, usize), Problem>
    where
        T: FromStr<Err: Display>,
    {
        let after = self.asked("after")?;
        let limit = self.asked("limit")?.unwrap_or(LARGEST_PAGE);
        match (1..=LARGEST_PAGE).contains(&limit) {
            true => Ok((after, limit)),
            false => {
                let detail = format!("expected 1 to {LARGEST_PAGE}");
                Err(Problem::malformed("limit", detail))
            }
        }
    }

    /// The body, read as a value.
    ///
    /// # Errors
    /// 400 with the field at fault.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        body::parse(&self.body)
    }

    /// Lets only those go on who may publish for the tenant, or for all at once with `None`.
    ///
    /// # Errors
    /// 401 or 403 with the reason.
    pub(super) fn permit(&self, tenant: Option<&TenantKey>) -> Result<(), Problem> {
        Policy::may_publish(&self.principal, tenant).map_err(|refusal| Problem::forbidden(&refusal))
    }
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    warp::reply::with_status(warp::reply::json(body), status).into_response()
}

/// 204.
pub(super) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
