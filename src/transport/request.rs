//! One request to an endpoint.

use std::convert::Infallible;
use std::net::IpAddr;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use hyper::upgrade::OnUpgrade;
use warp::Filter;

use crate::auth::{AuthError, Authenticator, Principal, bearer_token};
use crate::limits::ClientAddress;

/// All of a request but its path and its body.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) query: String,
    pub(crate) upgrade: Option<OnUpgrade>,
    /// Whence it comes, where the server tells.
    pub(crate) address: Option<IpAddr>,
}

/// Takes a request as it is; rejects none.
pub(crate) fn request() -> impl Filter<Extract = (Request,), Error = Infallible> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::header::headers_cloned())
        .and(query)
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::ext::optional::<ClientAddress>())
        .map(
            |method, headers, query, upgrade, client: Option<ClientAddress>| Request {
                method,
                headers,
                query,
                upgrade,
                address: client.map(|client| client.0),
            },
        )
}

impl Request {
    /// Who sent it: each request shows its own credential, in the header or in the query. It may
    /// wait for keys that are newer than those we have.
    pub(crate) async fn authenticate(
        &self,
        authenticator: &dyn Authenticator,
    ) -> Result<Principal, AuthError> {
        let header = self
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = bearer_token(header, Some(&self.query));
        authenticator.admit(token.as_deref()).await
    }

    /// Whether the client wants to resume before it hears anything new: `resume=true`.
    pub(crate) fn resumes_first(&self) -> bool {
        let mut pairs = self.query.split('&');
        pairs.any(|pair| pair.eq_ignore_ascii_case("resume=true"))
    }

    /// The `id` of the query, if it has one that is not empty. Tokens are URL-safe, so nothing
    /// needs decoding.
    pub(crate) fn id(&self) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, value)| key.eq_ignore_ascii_case("id") && !value.is_empty())
            .map(|(_, value)| value)
    }
}
