//! Which web pages may talk to a hub: CORS for requests, the `Origin` check for WebSockets.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HOST,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use thiserror::Error;
use warp::reply::Response;

/// The origins that may talk to a hub beside the hub's own. The same list serves CORS and the
/// check of a WebSocket upgrade, which browsers do not subject to CORS.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    listed: Vec<HeaderValue>,
}

/// A listed origin is not usable.
#[derive(Debug, Error)]
#[error(
    "{0:?} is no origin: expected a scheme, a host and perhaps a port, such as https://app.example.com; '*' cannot be used with credentials"
)]
pub struct InvalidOrigin(pub String);

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// No browser page, or a page of this very host.
    Own,
    /// A page of a listed origin.
    Listed(HeaderValue),
    /// A page of another origin.
    Foreign,
}

impl Origins {
    /// Parses a list of origins.
    ///
    /// # Errors
    /// For an entry that is not `scheme://host[:port]`; `*` is refused, since hubs use credentials.
    pub fn new<S: AsRef<str>>(origins: impl IntoIterator<Item = S>) -> Result<Self, InvalidOrigin> {
        let listed = origins
            .into_iter()
            .map(|origin| parse(origin.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self { listed })
    }

    pub(crate) fn source(&self, headers: &HeaderMap) -> Source {
        let Some(origin) = headers.get(ORIGIN) else {
            return Source::Own;
        };
        if self
            .listed
            .iter()
            .any(|listed| listed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
        {
            return Source::Listed(origin.clone());
        }
        let own = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.split_once("://"));
        match (own, headers.get(HOST)) {
            (Some((_, authority)), Some(host)) if authority.as_bytes() == host.as_bytes() => {
                Source::Own
            }
            _ => Source::Foreign,
        }
    }

    /// The answer to a preflight request, which is never authenticated.
    pub(crate) fn preflight(&self, headers: &HeaderMap) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        let source = self.source(headers);
        let Source::Listed(_) = source else {
            return source.allow(response);
        };
        let answer = response.headers_mut();
        answer.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, DELETE"),
        );
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        if let Some(asked) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        source.allow(response)
    }
}

impl Source {
    /// Lets a page of a listed origin read the response, whatever its status.
    pub(crate) fn allow(self, mut response: Response) -> Response {
        let answer = response.headers_mut();
        answer.append(VARY, HeaderValue::from_static("Origin"));
        if let Self::Listed(origin) = self {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
        response
    }
}

fn parse(origin: &str) -> Result<HeaderValue, InvalidOrigin> {
    let invalid = || InvalidOrigin(origin.to_owned());
    let trimmed = origin.trim_end_matches('/');
    let (scheme, authority) = trimmed.split_once("://").ok_or_else(invalid)?;
    let usable = matches!(scheme, "http" | "https")
        && !authority.is_empty()
        && authority.parse::<http::uri::Authority>().is_ok()
        && !authority.contains(['@', '*']);
    if !usable {
        return Err(invalid());
    }
    HeaderValue::from_str(trimmed).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::header::{HOST, ORIGIN};
    use http::{HeaderMap, HeaderValue};

    use super::{Origins, Source};

    fn request(origin: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("hub.example.com"));
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        headers
    }

    #[test]
    fn a_star_is_refused_with_the_reason() {
        let error = Origins::new(["*"]).unwrap_err();
        assert!(error.to_string().contains("credentials"), "{error}");
        assert!(Origins::new(["https://*.example.com"]).is_err());
        assert!(Origins::new(["app.example.com"]).is_err());
    }

    #[test]
    fn only_listed_and_own_origins_pass() {
        let origins = Origins::new(["https://app.example.com/"]).unwrap();
        let listed = HeaderValue::from_static("https://app.example.com");
        assert_eq!(
            origins.source(&request("https://app.example.com")),
            Source::Listed(listed)
        );
        assert_eq!(
            origins.source(&request("https://hub.example.com")),
            Source::Own
        );
        for foreign in [
            "https://evil.example.com",
            "http://app.example.com",
            "null",
            "https://hub.example.com.evil.net",
        ] {
            assert_eq!(
                origins.source(&request(foreign)),
                Source::Foreign,
                "{foreign}"
            );
        }
        assert_eq!(origins.source(&HeaderMap::new()), Source::Own);
    }
}
