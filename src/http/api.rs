//! The parts that the HTTP API works with, and the filter that answers for it.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes};
use futures_util::Stream;
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, Method};
use tokio::sync::watch;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use super::body;
use super::call::Call;
use super::counters::RequestCounters;
use super::escape;
use super::limits::ApiLimits;
use super::operation::{Access, Operation};
use super::problem::Problem;
use super::router::{Found, find};
use super::table::OPERATIONS;
use crate::auth::{Authenticator, Policy, Principal, bearer_token};
use crate::hub::Hub;
use crate::limits::ClientAddress;
use crate::notification::{Backlog, IdempotencyKey, InvalidIdempotencyKey, NotificationService};
use crate::session::DiningSessions;
use crate::telemetry::TraceParent;

/// The header by which a call is made safe to repeat.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What the HTTP API works with.
#[derive(Clone)]
pub struct Api {
    /// Whose connections are counted, grouped and ended.
    pub hub: Hub,
    /// Where notifications go.
    pub service: Arc<dyn NotificationService>,
    /// What was accepted and has not been published, where that is known.
    pub backlog: Option<Arc<dyn Backlog>>,
    /// The dining sessions, if any are kept.
    pub sessions: Option<Arc<DiningSessions>>,
    /// Who reads the tokens.
    pub authenticator: Arc<dyn Authenticator>,
    /// What limits those who call.
    pub limits: ApiLimits,
    /// Whether the server takes traffic, for `/health/ready`.
    pub ready: watch::Receiver<bool>,
    /// What the backplane is called in `/health/signalr`, such as `memory`.
    pub backplane: String,
    /// Where requests are counted.
    pub counters: Arc<RequestCounters>,
}

/// The routes of the API: `/api/v1/…`, `/health/…` and `/openapi.json`, to be mounted beside
/// others. A path that is none of ours is rejected as not found before the body is touched, so
/// that other filters can have it.
#[must_use]
pub fn routes(api: Api) -> BoxedFilter<(Response,)> {
    let api = Arc::new(api);
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and_then(|method: Method, path: FullPath| async move { claim(&method, &path) })
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<ClientAddress>())
        .and(warp::body::stream())
        .then(
            move |found: Claimed, query: String, headers, client, body| {
                let api = Arc::clone(&api);
                async move {
                    let begin = Instant::now();
                    let asked = found.as_ref().ok().map(|(operation, _)| *operation);
                    let answer = match found {
                        Ok((operation, path)) => {
                            let unread = Unread {
                                operation,
                                path,
                                query,
                                headers,
                                client,
                            };
                            answer(Arc::clone(&api), unread, body).await
                        }
                        Err(problem) => Err(problem),
                    };
                    let response = finished(answer);
                    api.counters
                        .record(asked, response.status(), begin.elapsed());
                    response
                }
            },
        )
        .boxed()
}

/// Answers whatever no other filter took with a 404 in the API's own form. To be mounted last.
#[must_use]
pub fn not_found() -> BoxedFilter<(Response,)> {
    warp::any()
        .map(|| finished(Err(Problem::no_such_path())))
        .boxed()
}

type Claimed = Result<(&'static Operation, Vec<(&'static str, String)>), Problem>;

fn claim(method: &Method, path: &FullPath) -> Result<Claimed, Rejection> {
    match find(&OPERATIONS, method, path.as_str()) {
        Found::Operation(operation, values) => Ok(Ok((operation, values))),
        Found::Problem(problem) => Ok(Err(problem)),
        Found::Elsewhere => Err(warp::reject::not_found()),
    }
}

/// A request whose operation is known, but for its body.
struct Unread {
    operation: &'static Operation,
    path: Vec<(&'static str, String)>,
    query: String,
    headers: HeaderMap,
    client: Option<ClientAddress>,
}

/// Lets the caller in, reads what was sent and hands it to the operation, in this order: nobody
/// without a token, or who publishes too much, makes the server read a body.
async fn answer<S, B>(api: Arc<Api>, asked: Unread, body: S) -> Result<Response, Problem>
where
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    let Unread {
        operation,
        path,
        query,
        headers,
        client,
    } = asked;
    let (principal, query) = match operation.access {
        Access::Open => (Principal::anonymous(), Vec::new()),
        Access::Service => (
            admit(&api, &headers, client).await?,
            known(operation, &query)?,
        ),
    };
    let key = match operation.keyed {
        true => {
            api.limits.publish(&principal, 1)?;
            key(&headers)?
        }
        false => None,
    };
    let body = match operation.request {
        Some(_) => body::read(&headers, body, api.limits.body_timeout).await?,
        None => Bytes::new(),
    };
    (operation.handle)(
        api,
        Call {
            principal,
            path,
            query,
            key,
            trace: TraceParent::of(&headers),
            body,
        },
    )
    .await
}

/// Who asks, by the `Authorization` header alone: a back end has no reason to put a token where
/// logs on its way could keep it.
async fn admit(
    api: &Api,
    headers: &HeaderMap,
    client: Option<ClientAddress>,
) -> Result<Principal, Problem> {
    let header = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = bearer_token(header, None);
    let admitted = api.authenticator.admit(token.as_deref()).await;
    let principal = admitted.map_err(|error| {
        if error.is_unavailable() {
            return Problem::unauthorized(&error);
        }
        let counted = api.limits.failed(client.map(|client| client.0));
        counted
            .err()
            .unwrap_or_else(|| Problem::unauthorized(&error))
    })?;
    Policy::Service
        .allows(&principal)
        .map_err(|refusal| Problem::forbidden(&refusal))?;
    Ok(principal)
}

/// What makes the call safe to repeat, if the caller wants that.
fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default().parse();
    let malformed = |error: InvalidIdempotencyKey| {
        Problem::malformed("", format!("the header Idempotency-Key: {error}"))
    };
    key.map(Some).map_err(malformed)
}

/// The query, decoded. What the operation does not know is refused: a misspelt flag must not be
/// taken for its default.
fn known(operation: &Operation, query: &str) -> Result<Vec<(&'static str, String)>, Problem> {
    let mut values = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = escape::decode(name, true).unwrap_or_default();
        let Some(asked) = operation.query.iter().find(|asked| asked.name == name) else {
            let expected: Vec<&str> = operation.query.iter().map(|asked| asked.name).collect();
            let detail = match expected.as_slice() {
                [] => "this operation takes nothing in the query".to_owned(),
                names => format!("the query may hold only {}", names.join(", ")),
            };
            return Err(Problem::malformed("", detail));
        };
        values.push((asked.name, escape::decode(value, true).unwrap_or_default()));
    }
    Ok(values)
}

fn finished(answer: Result<Response, Problem>) -> Response {
    let mut response = answer.unwrap_or_else(|problem| {
        tracing::debug!(status = %problem.status(), code = problem.code(), "{}", problem.detail());
        problem.into_response()
    });
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
