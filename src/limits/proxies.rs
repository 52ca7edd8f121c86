//! Who a request comes from, when it comes through proxies.
//!
//! Each proxy adds the address that it was asked from at the right end of a header. So the header is
//! read from the right, for as long as the address that wrote an entry is of a proxy that is
//! believed; what stands further left may have been written by anybody.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

use super::network::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client: its own, or the one that proxies that are believed tell.
///
/// The accept loop puts it into the extensions of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The header in which proxies tell. Only one is read: of the other nobody knows who wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies that are believed; none by default. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Arc<[Network]>,
    header: ForwardedHeader,
}

impl TrustedProxies {
    /// Believes the proxies in these networks.
    #[must_use]
    pub fn new(networks: impl IntoIterator<Item = Network>, header: ForwardedHeader) -> Self {
        Self {
            networks: networks.into_iter().collect(),
            header,
        }
    }

    /// Who sent a request with these headers over a connection from `peer`.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.to_canonical();
        if !self.believes(client) {
            return ClientAddress(client);
        }
        let name = match self.header {
            ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardedHeader::Forwarded => FORWARDED,
        };
        for value in headers.get_all(name).iter().rev() {
            for entry in value.as_bytes().rsplit(|byte| *byte == b',') {
                let told = std::str::from_utf8(entry)
                    .ok()
                    .and_then(|entry| match self.header {
                        ForwardedHeader::XForwardedFor => address(entry.trim()),
                        ForwardedHeader::Forwarded => address(forwarded_for(entry)?),
                    });
                // Whoever hides the address before it is as far as can be seen.
                let Some(told) = told else {
                    return ClientAddress(client);
                };
                client = told.to_canonical();
                if !self.believes(client) {
                    return ClientAddress(client);
                }
            }
        }
        ClientAddress(client)
    }

    fn believes(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }
}

/// An address as it stands in a header: bare, in brackets, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    let bare = text.strip_prefix('[')?.strip_suffix(']')?;
    bare.parse().ok()
}

/// The value of `for` in one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim();
        let is_it = name.trim().eq_ignore_ascii_case("for");
        is_it.then(|| {
            let quoted = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            quoted.unwrap_or(value)
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn client(header: ForwardedHeader, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap());
        let proxies = TrustedProxies::new(networks, header);
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        proxies
            .client(peer.parse().unwrap(), &headers)
            .0
            .to_string()
    }

    fn x(peer: &str, values: &[&str]) -> String {
        let lines: Vec<_> = values
            .iter()
            .map(|value| ("x-forwarded-for", *value))
            .collect();
        client(ForwardedHeader::XForwardedFor, peer, &lines)
    }

    #[test]
    fn nobody_but_a_proxy_that_is_believed_is_asked() {
        assert_eq!(x("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(x("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(x("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(x("10.0.0.1", &[]), "10.0.0.1");
        let nobody = TrustedProxies::default();
        let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, "198.51.100.1".parse().unwrap())]);
        let peer = "10.0.0.1".parse().unwrap();
        assert_eq!(nobody.client(peer, &headers), ClientAddress(peer));
    }

    #[test]
    fn what_a_client_writes_itself_is_left_of_what_is_believed() {
        assert_eq!(
            x("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.7"]),
            "198.51.100.1"
        );
        assert_eq!(x("10.0.0.1", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(x("10.0.0.1", &["10.0.0.9, 10.0.0.8"]), "10.0.0.9");
        assert_eq!(x("10.0.0.1", &["1.1.1.1, unknown, 10.0.0.7"]), "10.0.0.7");
        assert_eq!(x("10.0.0.1", &["1.1.1.1, "]), "10.0.0.1");
    }

    #[test]
    fn addresses_are_read_in_every_form_they_have() {
        assert_eq!(x("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(x("10.0.0.1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(x("10.0.0.1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(x("fd00::1", &["[2001:db8::7]"]), "2001:db8::7");
        assert_eq!(x("10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn only_the_header_that_is_chosen_is_read() {
        let both = [
            ("x-forwarded-for", "1.1.1.1"),
            (
                "forwarded",
                "for=2.2.2.2, For=\"[2001:db8::7]:4711\";proto=https;by=10.0.0.1",
            ),
        ];
        let read = |header| client(header, "10.0.0.1", &both);
        assert_eq!(read(ForwardedHeader::Forwarded), "2001:db8::7");
        assert_eq!(read(ForwardedHeader::XForwardedFor), "1.1.1.1");
        let hidden = [("forwarded", "for=1.1.1.1, for=_gazonk")];
        assert_eq!(
            client(ForwardedHeader::Forwarded, "10.0.0.1", &hidden),
            "10.0.0.1"
        );
    }
}
