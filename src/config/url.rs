//! Reads and writes the addresses of servers.

use std::fmt::Write;

use super::{backplane::Address, secret::Secret};

/// A URL of one or several servers.
#[derive(Debug, Default)]
pub(super) struct ServerUrl {
    pub(super) scheme: String,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) addresses: Vec<Address>,
    /// What follows the addresses, without its first `/` and not decoded.
    pub(super) path: String,
    /// What follows `?`.
    pub(super) query: String,
}

/// Reads `scheme://user:password@host:port,host:port/path?query`, or several of that form with
/// commas between, of which the first gives everything but the addresses.
///
/// The error says what is wrong without showing any of the text, which may hold a password.
pub(super) fn parse(text: &str, default_port: u16) -> Result<ServerUrl, &'static str> {
    let (scheme, rest) = text
        .split_once("://")
        .ok_or("must begin with a scheme, such as redis://")?;
    let next = format!(",{scheme}://");
    let mut urls = rest.split(next.as_str());
    let mut url = parse_one(urls.next().unwrap_or_default(), default_port)?;
    for more in urls {
        url.addresses
            .extend(parse_one(more, default_port)?.addresses);
    }
    url.scheme = scheme.to_ascii_lowercase();
    Ok(url)
}

/// Reads one `host:port`, `host` or `[IPv6]:port`.
pub(super) fn address(text: &str, default_port: u16) -> Result<Address, &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("must close its [ with ]")?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port > 0),
        None => port.is_empty().then_some(default_port),
    };
    let port = port.ok_or("must have a port from 1 to 65535 after the last colon")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_plain) {
        return Err("must name a host by letters, digits, dots and hyphens");
    }
    Ok(Address {
        host: host.to_owned(),
        port,
    })
}

/// Writes what [`parse`] reads.
pub(super) fn write(
    scheme: &str,
    user: Option<&str>,
    password: Option<&Secret>,
    address: &Address,
    path: &str,
) -> Secret {
    let mut url = format!("{scheme}://");
    if user.is_some() || password.is_some() {
        url.push_str(&encode(user.unwrap_or_default()));
        if let Some(password) = password {
            url.push(':');
            url.push_str(&encode(password.reveal()));
        }
        url.push('@');
    }
    url.push_str(&address.to_string());
    url.push_str(path);
    Secret::new(url)
}

/// Writes every byte that is not a letter, a digit or one of `-._~` as `%XX`.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes every write");
        }
    }
    out
}

/// Undoes [`encode`].
pub(super) fn decode(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "must write % as %25, and other signs as % and two hexadecimal digits";
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or(WRONG)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| WRONG)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| WRONG)
}

/// A password may hold any sign unencoded, `@` and `/` too: the last `@` ends it.
fn parse_one(text: &str, default_port: u16) -> Result<ServerUrl, &'static str> {
    let mut url = ServerUrl::default();
    let mut servers = text;
    if let Some((login, rest)) = text.rsplit_once('@') {
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        url.user = Some(decode(user)?).filter(|user| !user.is_empty());
        url.password = password.map(decode).transpose()?.map(Secret::new);
        servers = rest;
    }
    if let Some((rest, query)) = servers.split_once('?') {
        url.query = query.to_owned();
        servers = rest;
    }
    if let Some((rest, path)) = servers.split_once('/') {
        url.path = path.to_owned();
        servers = rest;
    }
    url.addresses = servers
        .split(',')
        .map(|server| address(server, default_port))
        .collect::<Result<_, _>>()?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{address, decode, encode, parse};

    #[test]
    fn a_url_gives_login_servers_and_path() {
        let url = parse("rediss://me:p%40ss@a:1,[::1]:2/3?protocol=resp3", 6379).unwrap();

        assert_eq!(url.scheme, "rediss");
        assert_eq!(url.user.as_deref(), Some("me"));
        assert_eq!(url.password.unwrap().reveal(), "p@ss");
        assert_eq!(url.addresses[0].to_string(), "a:1");
        assert_eq!(url.addresses[1].to_string(), "[::1]:2");
        assert_eq!(
            (url.path.as_str(), url.query.as_str()),
            ("3", "protocol=resp3")
        );
    }

    #[test]
    fn a_password_needs_no_encoding_but_for_percent() {
        let url = parse("redis://:a/b+c=@d:e@host", 6379).unwrap();

        assert_eq!(url.user, None);
        assert_eq!(url.password.unwrap().reveal(), "a/b+c=@d:e");
        assert_eq!(url.addresses[0].to_string(), "host:6379");
    }

    #[test]
    fn several_urls_give_several_servers() {
        let url = parse("nats://u:p@a,nats://u:p@b:5", 4222).unwrap();

        let addresses: Vec<_> = url.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["a:4222", "b:5"]);
        assert_eq!(url.password.unwrap().reveal(), "p");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "", ":1", "a:", "a:0", "a:65536", "a:b", "a b", "[::1", "a/b", "::1",
        ] {
            assert!(address(text, 1).is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_text_survives_encoding() {
        let text = "a%b/@:ü ~";

        assert_eq!(encode(text), "a%25b%2F%40%3A%C3%BC%20~");
        assert_eq!(decode(&encode(text)).unwrap(), text);
        for wrong in ["%", "%4", "%zz", "%+1", "%ff"] {
            assert!(decode(wrong).is_err(), "{wrong}");
        }
    }
}
