//! A hub mapped at a path: its routes as a warp filter.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::auth::{AuthError, Authenticator, Principal, bearer_token};
use crate::hub::{ConnectionId, ConnectionToken, Hub};
use crate::transport::negotiate::negotiate;
use crate::transport::origin::{Origins, Source};
use crate::transport::refusal::{plain, unauthorized};
use crate::transport::tokens::{Attachment, Denied, Tokens};
use crate::transport::upgrade;

/// What a hub needs to be reached: who may come, and from which pages.
#[derive(Clone)]
pub struct Endpoint {
    hub: Hub,
    authenticator: Arc<dyn Authenticator>,
    origins: Origins,
    tokens: Arc<Tokens>,
}

/// One request to a hub's path, or to its negotiate path.
struct Request {
    method: Method,
    headers: HeaderMap,
    query: String,
    upgrade: Option<OnUpgrade>,
}

impl Endpoint {
    /// An endpoint for a hub. Every request is authenticated by `authenticator`; give it
    /// [`crate::auth::AllowAnonymous`] for an open hub.
    pub fn new(hub: Hub, authenticator: Arc<dyn Authenticator>) -> Self {
        Self {
            hub,
            authenticator,
            origins: Origins::default(),
            tokens: Arc::default(),
        }
    }

    /// Lets pages of these origins in, beside those of the host itself.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// The hub that it serves.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }
}

/// The routes of an endpoint at a path such as `/hubs/chat`, to be mounted beside a host's own.
/// Requests to other paths are rejected as not found, so that other filters can have them.
#[must_use]
pub fn routes(endpoint: Endpoint, path: &str) -> BoxedFilter<(Response,)> {
    let mut at = warp::any().boxed();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        at = at.and(warp::path(segment.to_owned())).boxed();
    }
    let negotiating = endpoint.clone();
    let negotiate = at
        .clone()
        .and(warp::path("negotiate"))
        .and(warp::path::end())
        .and(request())
        .map(move |request| {
            negotiating.answer(request, |endpoint, request| endpoint.negotiate(&request))
        });
    let connect = at
        .and(warp::path::end())
        .and(request())
        .map(move |request| endpoint.answer(request, Endpoint::connect));
    negotiate.or(connect).unify().boxed()
}

fn request() -> impl Filter<Extract = (Request,), Error = Infallible> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::header::headers_cloned())
        .and(query)
        .and(warp::ext::optional::<OnUpgrade>())
        .map(|method, headers, query, upgrade| Request {
            method,
            headers,
            query,
            upgrade,
        })
}

impl Endpoint {
    /// What both routes have in common: preflight, and the CORS headers on every answer.
    fn answer(&self, request: Request, respond: fn(&Self, Request) -> Response) -> Response {
        let headers = request.headers.clone();
        if request.method == Method::OPTIONS {
            return self.origins.preflight(&headers);
        }
        self.origins.allow(&headers, respond(self, request))
    }

    fn negotiate(&self, request: &Request) -> Response {
        if request.method != Method::POST {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "");
        }
        match self.authenticate(request) {
            Ok(principal) => negotiate(&self.tokens, &request.query, &principal),
            Err(error) => refuse(&error),
        }
    }

    fn connect(&self, request: Request) -> Response {
        match self.authenticate(&request) {
            Ok(principal) if request.method == Method::GET => self.get(request, principal),
            Ok(_) if request.method == Method::POST => self.post(&request),
            Ok(_) if request.method == Method::DELETE => self.delete(&request),
            Ok(_) => plain(StatusCode::METHOD_NOT_ALLOWED, ""),
            Err(error) => refuse(&error),
        }
    }

    fn get(&self, request: Request, principal: Principal) -> Response {
        if request
            .headers
            .get(ACCEPT)
            .is_some_and(|accept| accept == "text/event-stream")
        {
            return plain(
                StatusCode::NOT_FOUND,
                "ServerSentEvents transport not supported by this end point type",
            );
        }
        if !upgrade::is_asked_for(&request.headers) {
            return plain(
                StatusCode::NOT_FOUND,
                "LongPolling transport not supported by this end point type",
            );
        }
        if self.origins.source(&request.headers) == Source::Foreign {
            tracing::info!(
                hub = self.hub.name(),
                "refused a WebSocket from a foreign origin"
            );
            return plain(StatusCode::FORBIDDEN, "This origin may not connect");
        }
        let accepted = match upgrade::accept(&request.headers) {
            Ok(accepted) => accepted,
            Err(refusal) => return *refusal,
        };
        let Some(upgrade) = request.upgrade else {
            return plain(
                StatusCode::BAD_REQUEST,
                "This connection cannot be upgraded",
            );
        };
        let (id, attachment) = match token(&request.query) {
            None => {
                let id = ConnectionId::random();
                (id, self.tokens.claim(id))
            }
            Some(token) => match self.attach(&token, &principal) {
                Ok(attached) => attached,
                Err(refusal) => return *refusal,
            },
        };
        let work = upgrade::run(self.hub.clone(), upgrade, id, principal, attachment);
        self.hub.node().tasks().spawn(work);
        accepted
    }

    fn attach(
        &self,
        token: &str,
        principal: &Principal,
    ) -> Result<(ConnectionId, Attachment), Box<Response>> {
        let user = principal.user_key();
        let denied = match token.parse::<ConnectionToken>() {
            Ok(token) => match self.tokens.attach(token, user.as_deref()) {
                Ok(attached) => return Ok(attached),
                Err(denied) => denied,
            },
            Err(_) => Denied::Unknown,
        };
        Err(Box::new(match denied {
            Denied::Unknown => plain(StatusCode::NOT_FOUND, "No Connection with that ID"),
            Denied::InUse => plain(StatusCode::CONFLICT, ""),
            Denied::OtherUser => plain(
                StatusCode::FORBIDDEN,
                "This connection belongs to another user",
            ),
        }))
    }

    fn post(&self, request: &Request) -> Response {
        match self.attached(request) {
            Err(refusal) => *refusal,
            Ok(_) => plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "POST requests are not allowed for WebSocket connections.",
            ),
        }
    }

    fn delete(&self, request: &Request) -> Response {
        match self.attached(request) {
            Err(refusal) => *refusal,
            Ok(_) => plain(
                StatusCode::BAD_REQUEST,
                "Cannot terminate this connection using the DELETE endpoint.",
            ),
        }
    }

    fn attached(&self, request: &Request) -> Result<bool, Box<Response>> {
        let Some(token) = token(&request.query) else {
            let refusal = plain(StatusCode::BAD_REQUEST, "Connection ID required");
            return Err(Box::new(refusal));
        };
        token
            .parse::<ConnectionToken>()
            .ok()
            .and_then(|token| self.tokens.is_attached(token))
            .ok_or_else(|| Box::new(plain(StatusCode::NOT_FOUND, "No Connection with that ID")))
    }

    fn authenticate(&self, request: &Request) -> Result<Principal, AuthError> {
        let header = request
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        match bearer_token(header, Some(&request.query)) {
            Some(token) => self.authenticator.authenticate(&token),
            None => self.authenticator.without_token(),
        }
    }
}

fn refuse(error: &AuthError) -> Response {
    tracing::info!(code = error.code(), "refused a request to a hub: {error}");
    unauthorized(error)
}

/// The `id` of a query, if it has one that is not empty. Tokens are URL-safe, so nothing needs
/// decoding.
fn token(query: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, value)| key.eq_ignore_ascii_case("id") && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}
