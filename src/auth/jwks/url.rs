//! The address of a key set.

use std::{fmt, net::IpAddr, str::FromStr};

use reqwest::Url;
use serde::Deserialize;

/// The address of a JSON Web Key Set: `https`, or `http` on this machine alone, since whoever can
/// change the keys on their way can sign tokens. It holds no name, password or fragment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct KeySetUrl(Url);

/// What the address should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKeySetUrl(&'static str);

impl KeySetUrl {
    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// Whether it is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_local = |address: IpAddr| address.is_loopback();
        host == "localhost" || bare.parse().is_ok_and(is_local)
    }
}

impl FromStr for KeySetUrl {
    type Err = InvalidKeySetUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let example = "an address such as https://login.example.com/.well-known/jwks.json";
        let url = Url::parse(text.trim()).map_err(|_| InvalidKeySetUrl(example))?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(InvalidKeySetUrl(
                "an address without a name, a password or a fragment",
            ));
        }
        let url = Self(url);
        match url.0.scheme() {
            "https" => Ok(url),
            "http" if url.is_loopback() => Ok(url),
            "http" => Err(InvalidKeySetUrl(
                "https, since whoever can change the keys on their way can sign tokens; http is for localhost alone",
            )),
            _ => Err(InvalidKeySetUrl(example)),
        }
    }
}

impl TryFrom<String> for KeySetUrl {
    type Error = InvalidKeySetUrl;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for KeySetUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_this_machine_may_do_without_tls() {
        for good in [
            "https://login.example.com/keys",
            "https://10.0.0.7:8443/keys?tenant=1",
            "http://localhost:8080/keys",
            "http://127.0.0.1/keys",
            "http://127.9.9.9:1/keys",
            "http://[::1]:8080/keys",
        ] {
            assert!(good.parse::<KeySetUrl>().is_ok(), "{good}");
        }
        for bad in [
            "http://login.example.com/keys",
            "http://localhost.example.com/keys",
            "http://127.0.0.1.example.com/keys",
            "http://10.0.0.7/keys",
            "http://[::ffff:10.0.0.7]/keys",
            "http://0.0.0.0/keys",
            "https://user:password@login.example.com/keys",
            "https://login.example.com/keys#x",
            "http://localhost@evil.example.com/keys",
            "file:///etc/passwd",
            "ftp://localhost/keys",
            "login.example.com/keys",
            "",
        ] {
            assert!(bad.parse::<KeySetUrl>().is_err(), "{bad}");
        }
    }
}
