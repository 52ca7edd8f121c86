//! One log line per request.

use std::time::Instant;

use http::Request;
use warp::reply::Response;

use super::peer::PeerAddress;
use super::request_id::RequestId;
use crate::auth::redact_query;
use crate::limits::ClientAddress;

/// Marks a response, in its extensions, that comes every few seconds and that nobody wants to read
/// of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unremarkable;

/// What the log will say of a request, taken before the request is handed over. It holds no
/// token: the query is redacted and no header is kept but the request's id.
pub(super) struct AccessEntry {
    method: http::Method,
    path: String,
    query: String,
    peer: PeerAddress,
    client: ClientAddress,
    id: RequestId,
    begin: Instant,
}

impl AccessEntry {
    pub(super) fn begin<B>(
        request: &Request<B>,
        peer: PeerAddress,
        client: ClientAddress,
        id: RequestId,
    ) -> Self {
        let query = request.uri().query().unwrap_or_default();
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: redact_query(query).into_owned(),
            peer,
            client,
            id,
            begin: Instant::now(),
        }
    }

    /// Writes the line: health probes and what says of itself that it is unremarkable at debug,
    /// failures of the server at warn, all else at info.
    pub(super) fn end(self, response: &Response) {
        let status = response.status();
        let is_unremarkable = response.extensions().get::<Unremarkable>().is_some();
        let Self {
            method,
            path,
            query,
            peer,
            client,
            id,
            begin,
        } = self;
        let milliseconds = begin.elapsed().as_secs_f64() * 1_000.0;
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "mesahub::access",
                    %method, path, query, status = status.as_u16(), milliseconds,
                    peer = %peer.0, client = %client.0, request_id = %id,
                    "request"
                )
            };
        }
        if is_unremarkable || path.starts_with("/health/") {
            line!(debug);
        } else if status.is_server_error() {
            line!(warn);
        } else {
            line!(info);
        }
    }
}
