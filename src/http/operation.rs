//! What an operation is: the one description that routing and the OpenAPI document share.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use warp::reply::Response;

use super::api::Api;
use super::call::Call;
use super::problem::Problem;

/// One method of one path.
pub(super) struct Operation {
    pub(super) verb: Verb,
    /// The path, with `{name}` for a segment that varies.
    pub(super) path: &'static str,
    /// Its unique name, for generated clients.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) access: Access,
    /// What the query may hold.
    pub(super) query: &'static [Asked],
    /// Whether it may be made safe to repeat by an `Idempotency-Key`.
    pub(super) keyed: bool,
    /// The schema of the body, if it has one.
    pub(super) request: Option<&'static str>,
    /// What it answers beside the problems that follow from the fields above.
    pub(super) answers: &'static [Answer],
    pub(super) handle: Handle,
}

/// Something that a query may hold.
pub(super) struct Asked {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    /// The name of its schema.
    pub(super) schema: &'static str,
}

/// The methods that operations have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anyone.
    Open,
    /// A service, by its bearer token; which tenants, the handler checks.
    Service,
}

/// One thing that an operation answers.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) meaning: &'static str,
    /// The schema of the body, if it has one.
    pub(super) schema: Option<&'static str>,
}

pub(super) type Handle = fn(Arc<Api>, Call) -> BoxFuture<'static, Result<Response, Problem>>;

impl Verb {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl Operation {
    /// The names that vary in its path, in order.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(variable)
    }
}

/// The name of a segment that varies.
pub(super) fn variable(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}
