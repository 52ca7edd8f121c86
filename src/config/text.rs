//! Texts with a shape.

use std::{fmt, str::FromStr};

use serde::Deserialize;

/// The path of the hub: begins with `/`, does not end with it, and is at most 256 bytes of letters,
/// digits and `/ - _ . ~`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HubPath(Box<str>);

/// An origin as browsers send it: scheme, host and, unless it is the usual one, port. Lower case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AllowedOrigin(Box<str>);

/// What a text should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misshapen(&'static str);

impl HubPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AllowedOrigin {
    /// The origin, ready to be compared with an `Origin` header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HubPath {
    type Err = Misshapen;

    fn from_str(text: &str) -> Result<Self, Misshapen> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
        let good = text.len() <= 256
            && text.bytes().all(is_plain)
            && text
                .strip_prefix('/')
                .is_some_and(|rest| rest.split('/').all(|part| !part.is_empty()));
        if good {
            Ok(Self(text.into()))
        } else {
            Err(Misshapen("a path such as /hubs/notifications"))
        }
    }
}

impl FromStr for AllowedOrigin {
    type Err = Misshapen;

    fn from_str(text: &str) -> Result<Self, Misshapen> {
        if text.contains('*') {
            return Err(Misshapen(
                "each origin by its full name: a wildcard would let any site use its visitors' credentials",
            ));
        }
        let lower = text.to_ascii_lowercase();
        match lower.split_once("://") {
            Some((scheme, host)) if is_scheme(scheme) && is_host(host) => {
                let usual = match scheme {
                    "https" => ":443",
                    "http" => ":80",
                    _ => "",
                };
                let host = host.strip_suffix(usual).unwrap_or(host);
                Ok(Self(format!("{scheme}://{host}").into()))
            }
            _ => Err(Misshapen(
                "an origin such as https://app.example.com, without a path or a closing slash",
            )),
        }
    }
}

impl TryFrom<String> for HubPath {
    type Error = Misshapen;

    fn try_from(text: String) -> Result<Self, Misshapen> {
        text.parse()
    }
}

impl TryFrom<String> for AllowedOrigin {
    type Error = Misshapen;

    fn try_from(text: String) -> Result<Self, Misshapen> {
        text.parse()
    }
}

impl fmt::Display for HubPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{AllowedOrigin, HubPath};

    #[test]
    fn origins_are_stored_as_browsers_send_them() {
        for (written, stored) in [
            ("https://App.Example.com", "https://app.example.com"),
            ("https://a.example:443", "https://a.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(written.parse::<AllowedOrigin>().unwrap().as_str(), stored);
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "*",
            "https://*.a.com",
            "a.com",
            "https://a.com/",
            "null",
            "",
            "https://u@a",
        ] {
            assert!(text.parse::<AllowedOrigin>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_hub_path_has_no_empty_part() {
        assert_eq!("/a/b-1".parse::<HubPath>().unwrap().as_str(), "/a/b-1");
        for text in ["", "/", "a", "/a/", "/a//b", "/a?b", "/a b"] {
            assert!(text.parse::<HubPath>().is_err(), "{text}");
        }
    }
}
