//! `POST {hub}/negotiate`.

use std::fmt;

use http::StatusCode;
use mesahub_protocol::{NegotiateQuery, NegotiateResponse, TransportKind};
use warp::reply::Response;

use crate::auth::Principal;
use crate::hub::{ConnectionId, ConnectionToken};
use crate::limits::{Place, Refused};
use crate::transport::refusal::{busy, json, refused};
use crate::transport::tokens::Tokens;

/// The lowest negotiate version that is served.
const MINIMUM_VERSION: i64 = 0;

/// Where a client is to negotiate instead.
#[derive(Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The URL of the other endpoint, without `/negotiate`; its path and query are kept.
    pub url: String,
    /// The bearer token to use there, if not the client's own.
    pub access_token: Option<String>,
}

/// Decides who is sent elsewhere, given who asks and the query string of the request.
pub(crate) type Redirection = dyn Fn(&Principal, &str) -> Option<Redirect> + Send + Sync;

/// Creates a logical connection and tells its names, or tells where to go instead. `enter` gives it
/// its place.
pub(crate) fn negotiate(
    tokens: &Tokens,
    transports: &[TransportKind],
    redirection: Option<&Redirection>,
    query: &str,
    principal: &Principal,
    id: ConnectionId,
    enter: impl FnOnce() -> Result<Option<Place>, Refused>,
) -> Response {
    let asked = NegotiateQuery::parse(query)
        .and_then(|asked| Ok((asked.agreed_version(MINIMUM_VERSION)?, asked)));
    let (version, asked) = match asked {
        Ok(asked) => asked,
        Err(error) => return json(StatusCode::OK, error.body()),
    };
    if let Some(redirect) = redirection.and_then(|redirection| redirection(principal, query)) {
        let answer = NegotiateResponse::redirect(redirect.url, redirect.access_token);
        return json(StatusCode::OK, answer.body());
    }
    tokens.forget_stale();
    let place = match enter() {
        Ok(place) => place,
        Err(refusal) => return refused(refusal),
    };
    let token = if version == 0 {
        ConnectionToken::same_as(id)
    } else {
        ConnectionToken::random()
    };
    let stateful = asked.use_stateful_reconnect && version > 0 && tokens.allow_stateful();
    let user = principal.user_key().map(Into::into);
    if tokens.offer(token, id, user, stateful, place).is_err() {
        return busy(
            "Too many negotiated connections wait for their transport",
            5,
        );
    }
    let answer = NegotiateResponse {
        use_stateful_reconnect: stateful,
        ..NegotiateResponse::connection(version, id.as_str(), token.as_str(), transports)
    };
    json(StatusCode::OK, answer.body())
}

impl fmt::Debug for Redirect {
    /// Hides the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
