//! `POST {hub}/negotiate`.

use http::StatusCode;
use mesahub_protocol::{NegotiateQuery, NegotiateResponse, TransportKind};
use warp::reply::Response;

use crate::auth::Principal;
use crate::hub::{ConnectionId, ConnectionToken};
use crate::transport::refusal::{busy, json};
use crate::transport::tokens::Tokens;

/// The transports of this server, in order of preference.
const TRANSPORTS: &[TransportKind] = &[TransportKind::WebSockets];

/// The lowest negotiate version that is served.
const MINIMUM_VERSION: i64 = 0;

/// Creates a logical connection and tells its names.
pub(crate) fn negotiate(tokens: &Tokens, query: &str, principal: &Principal) -> Response {
    let version = match NegotiateQuery::parse(query)
        .and_then(|query| query.agreed_version(MINIMUM_VERSION))
    {
        Ok(version) => version,
        Err(error) => return json(StatusCode::OK, error.body()),
    };
    let id = ConnectionId::random();
    let token = if version == 0 {
        ConnectionToken::same_as(id)
    } else {
        ConnectionToken::random()
    };
    if tokens
        .offer(token, id, principal.user_key().map(Into::into))
        .is_err()
    {
        return busy(
            "Too many negotiated connections wait for their transport",
            5,
        );
    }
    let answer = NegotiateResponse::connection(version, id.as_str(), token.as_str(), TRANSPORTS);
    json(StatusCode::OK, answer.body())
}
