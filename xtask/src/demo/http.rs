//! As much of an HTTP client as the demo needs: one request, one connection, loopback.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::error::TaskError;

/// How long any single read may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// `http://` and this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    /// Reads `http://host:port`, with or without a slash at the end.
    pub(crate) fn parse(url: &str) -> Result<Self, TaskError> {
        url.strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|rest| rest.contains(':') && !rest.contains('/'))
            .map(|rest| Self(rest.to_owned()))
            .ok_or_else(|| TaskError::Usage(format!("{url:?} is not http://host:port")))
    }

    /// `host:port`.
    pub(crate) fn authority(&self) -> &str {
        &self.0
    }

    /// A connection whose reads do not wait for ever.
    pub(crate) fn connect(&self) -> Result<TcpStream, TaskError> {
        let doing = || format!("connecting to {self}");
        let stream = TcpStream::connect(&self.0).map_err(TaskError::io(doing()))?;
        stream
            .set_read_timeout(Some(ANSWER_LIMIT))
            .map_err(TaskError::io(doing()))?;
        Ok(stream)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}", self.0)
    }
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// `GET`, without a token.
pub(crate) fn fetch(address: &Address, path: &str) -> Result<Answer, TaskError> {
    exchange(address, &format!("GET {path}"), "", "")
}

/// `POST` of JSON, with a token.
pub(crate) fn post(
    address: &Address,
    path: &str,
    token: &str,
    json: &str,
) -> Result<Answer, TaskError> {
    let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
    exchange(address, &format!("POST {path}"), &headers, json)
}

fn exchange(
    address: &Address,
    request: &str,
    headers: &str,
    body: &str,
) -> Result<Answer, TaskError> {
    let doing = || format!("{request} at {address}");
    let mut stream = address.connect()?;
    // In HTTP/1.0 a body ends with the connection and never comes in chunks.
    write!(
        stream,
        "{request} HTTP/1.0\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        address.authority(),
        body.len()
    )
    .map_err(TaskError::io(doing()))?;
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .map_err(TaskError::io(doing()))?;
    read_answer(&String::from_utf8_lossy(&bytes))
        .ok_or_else(|| TaskError::Unexpected(format!("{}: the answer is not HTTP", doing())))
}

fn read_answer(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let (version, rest) = head.split_once(' ')?;
    let status = rest
        .split(' ')
        .next()
        .filter(|_| version.starts_with("HTTP/1."))?;
    Some(Answer {
        status: status.parse().ok()?,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        for version in ["HTTP/1.0", "HTTP/1.1"] {
            let text = format!("{version} 202 Accepted\r\ncontent-length: 2\r\n\r\n{{}}");
            let answer = Answer {
                status: 202,
                body: "{}".to_owned(),
            };
            assert_eq!(read_answer(&text), Some(answer));
        }
        assert_eq!(read_answer("220 mail.example.org"), None);
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let address = Address::parse("http://127.0.0.1:5080/").unwrap();
        assert_eq!(address.authority(), "127.0.0.1:5080");
        for wrong in [
            "127.0.0.1:5080",
            "http://",
            "http://host",
            "http://host:1/path",
        ] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }
}
