//! Where the hub is.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// The URL of a hub, such as `https://hub.example.com/hubs/notifications`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
    path: String,
    has_tls: bool,
}

/// A URL is no hub's.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{text:?} is no URL of a hub; expected http:// or https://, a host and a path")]
pub struct AddressError {
    text: String,
}

impl Address {
    /// The name or address of the server, IPv6 without brackets: what TLS and the resolver know.
    pub(super) fn name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn has_tls(&self) -> bool {
        self.has_tls
    }

    /// What stands in the header `Host`.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The server without its path, such as `http://127.0.0.1:5080`.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.has_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.origin(), self.path)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// `ws` and `wss` are taken for `http` and `https`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError {
            text: text.to_owned(),
        };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let has_tls = match uri.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            _ => return Err(wrong()),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let port = uri.port_u16().unwrap_or(if has_tls { 443 } else { 80 });
        if uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self {
            host: host.ok_or_else(wrong)?.to_owned(),
            port,
            path: uri.path().trim_end_matches('/').to_owned(),
            has_tls,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Address;

    #[test]
    fn a_url_is_taken_apart_and_put_together_again() {
        for (text, same) in [
            (
                "http://hub.example.com/hubs/a/",
                "http://hub.example.com:80/hubs/a",
            ),
            ("wss://hub.example.com/a", "https://hub.example.com:443/a"),
            ("http://[::1]:5080/a", "http://[::1]:5080/a"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), same);
        }
        assert_eq!(
            "http://[::1]:5080/a".parse::<Address>().unwrap().name(),
            "::1"
        );
    }

    #[test]
    fn what_is_no_url_of_a_hub_is_refused() {
        for text in ["", "hub", "ftp://a/b", "http:///a", "http://a/b?c=d"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
