//! The path where metrics are read, and who may.

use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use crate::auth::{Authenticator, Policy, bearer_token};
use crate::http::{Problem, Unremarkable};
use crate::metrics::accept;
use crate::metrics::sources::Sources;

/// Who may read metrics.
#[derive(Clone)]
pub enum Readers {
    /// Whoever reaches the path: for an address of its own that others do not reach.
    Anyone,
    /// Services whose token covers every tenant.
    Services(Arc<dyn Authenticator>),
}

/// `GET` of a path such as `/metrics`, to be mounted beside others. Requests to other paths are
/// rejected as not found, so that other filters can have them.
#[must_use]
pub fn routes(sources: Sources, readers: Readers, path: &str) -> BoxedFilter<(Response,)> {
    let mut at = warp::any().boxed();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        at = at.and(warp::path(segment.to_owned())).boxed();
    }
    let (sources, readers) = (Arc::new(sources), Arc::new(readers));
    at.and(warp::path::end())
        .and(warp::get().or(warp::head()).unify())
        .and(warp::header::headers_cloned())
        .then(move |headers: HeaderMap| {
            let (sources, readers) = (Arc::clone(&sources), Arc::clone(&readers));
            async move {
                match readers.admit(&headers) {
                    Ok(()) => sheet(&sources, &headers).await,
                    Err(problem) => problem.into_response(),
                }
            }
        })
        .boxed()
}

async fn sheet(sources: &Sources, headers: &HeaderMap) -> Response {
    let format = accept::format(text(headers, &ACCEPT).unwrap_or_default());
    let mut response = sources.read(format).await.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.extensions_mut().insert(Unremarkable);
    response
}

impl Readers {
    /// By the `Authorization` header alone: a query ends up in logs.
    fn admit(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Self::Services(authenticator) = self else {
            return Ok(());
        };
        let principal = match bearer_token(text(headers, &AUTHORIZATION), None) {
            Some(token) => authenticator.authenticate(&token),
            None => authenticator.without_token(),
        };
        let principal = principal.map_err(|error| Problem::unauthorized(&error))?;
        Policy::may_publish(&principal, None).map_err(|refusal| Problem::forbidden(&refusal))
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
