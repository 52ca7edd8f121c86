//! A request under way: its socket, and what comes back.

use std::net::SocketAddr;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::deadline::within;

/// A socket on which one request has been sent. Dropping it is how a client goes away.
pub(crate) struct Exchange {
    stream: BufReader<TcpStream>,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    pub(crate) async fn begin(address: SocketAddr, request: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Waits for the whole answer.
    pub(crate) async fn answer(mut self) -> Answer {
        within("an answer", async {
            let mut answer = self.head().await;
            answer.body = self.body(&answer).await;
            answer
        })
        .await
    }

    /// Waits for the head alone.
    pub(crate) async fn head(&mut self) -> Answer {
        within("the head of an answer", self.read_head()).await
    }

    /// The next part of a body that comes in parts, or `None` at its end.
    pub(crate) async fn part(&mut self) -> Option<Vec<u8>> {
        within("a part of a body", self.read_part()).await
    }

    /// Sends more of the request.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Gives back the bare socket and what was read from it too early.
    pub(crate) fn into_socket(self) -> (TcpStream, Vec<u8>) {
        let early = self.stream.buffer().to_vec();
        (self.stream.into_inner(), early)
    }

    async fn read_head(&mut self) -> Answer {
        let status_line = self.line().await;
        let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.append(
                HeaderName::try_from(name).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        Answer {
            status,
            headers,
            body: Vec::new(),
        }
    }

    async fn body(&mut self, answer: &Answer) -> Vec<u8> {
        let mut body = Vec::new();
        if answer.headers.contains_key(TRANSFER_ENCODING) {
            while let Some(part) = self.read_part().await {
                body.extend(part);
            }
        } else if let Some(length) = answer.headers.get(CONTENT_LENGTH) {
            body = vec![0; length.to_str().unwrap().parse().unwrap()];
            self.stream.read_exact(&mut body).await.unwrap();
        }
        body
    }

    async fn read_part(&mut self) -> Option<Vec<u8>> {
        let line = self.line().await;
        let length = usize::from_str_radix(&line, 16).ok()?;
        let mut part = vec![0; length + 2];
        self.stream.read_exact(&mut part).await.ok()?;
        part.truncate(length);
        (length > 0).then_some(part)
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap_or_default();
        line.trim_end().to_owned()
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Fails unless this is a plain answer with this status and text.
    pub(crate) fn is_plain(&self, status: u16, text: &str) {
        assert_eq!((self.status, self.text()), (status, text));
        assert_eq!(self.header("content-type"), Some("text/plain"));
    }

    /// Fails unless caches are forbidden to keep it, as for every answer to a poll.
    pub(crate) fn is_uncached(&self) {
        assert_eq!(self.header("cache-control"), Some("no-cache, no-store"));
        assert_eq!(self.header("pragma"), Some("no-cache"));
        let expires = Some("Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(self.header("expires"), expires);
    }
}
