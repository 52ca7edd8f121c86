//! A client's side of HTTP/1.1, with as little code as that takes.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection on which one request follows the other.
pub(crate) struct Line {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

impl Line {
    pub(crate) async fn open(host: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            host,
        })
    }

    /// The bytes of a request; `headers` end in line breaks.
    pub(crate) fn request(&self, what: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let (host, length) = (self.host, body.len());
        let head =
            format!("{what} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n");
        [head.as_bytes(), body].concat()
    }

    /// Sends a request without waiting for its answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await
    }

    /// Reads the answer that comes next: its body.
    pub(crate) async fn answer(&mut self) -> io::Result<Vec<u8>> {
        let head = self.head().await?;
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| {
            let length = line.strip_prefix("content-length:")?;
            length.trim().parse().ok()
        });
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).await?;
        Ok(body)
    }

    /// Reads the head that comes next, whose status has to be one of success.
    pub(crate) async fn head(&mut self) -> io::Result<String> {
        let mut head = Vec::with_capacity(256);
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        if head.starts_with("HTTP/1.1 2") || head.starts_with("HTTP/1.1 101 ") {
            return Ok(head);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, head))
    }

    /// Sends a request and reads the body of its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.send(request).await?;
        self.answer().await
    }

    /// Reads until these bytes have come.
    pub(crate) async fn until(&mut self, end: &[u8]) -> io::Result<()> {
        let mut read = Vec::new();
        while !read.ends_with(end) {
            read.push(self.stream.read_u8().await?);
        }
        Ok(())
    }

    /// Gives back the socket. Everything that has come must have been read.
    pub(crate) fn into_socket(self) -> TcpStream {
        assert!(self.stream.buffer().is_empty(), "nothing is lost");
        self.stream.into_inner()
    }
}
