//! One client, which comes, makes a call, and leaves.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::within;

/// By which transport it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    WebSocket,
    EventStream,
    LongPolling,
}

/// How it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// As official clients do when they are stopped.
    Orderly,
    /// Its sockets are reset in the middle of everything.
    Torn,
}

/// A client that has shaken hands and has had a call answered.
pub(crate) struct Guest {
    address: SocketAddr,
    token: String,
    way: Way,
    /// The WebSocket, the event stream, or a poll that waits.
    stream: TcpStream,
}

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
const CALL: &str =
    "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"hello\"]}\u{1e}";
const RESULT: &str = "{\"type\":3,\"invocationId\":\"1\",\"result\":\"hello\"}\u{1e}";
const GOODBYE: &str = "{\"type\":7}\u{1e}";
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

impl Guest {
    pub(crate) async fn arrive(address: SocketAddr, way: Way) -> Self {
        within("a guest to arrive", Self::come(address, way)).await
    }

    async fn come(address: SocketAddr, way: Way) -> Self {
        let negotiated = exchange(address, "POST", "/negotiate?negotiateVersion=1", "").await;
        let (_, token) = negotiated.split_once("\"connectionToken\":\"").unwrap();
        let token = token.split('"').next().unwrap().to_owned();
        let at = format!("?id={token}");
        let stream = match way {
            Way::WebSocket => {
                let mut stream = open(address, "GET", &at, UPGRADE, "").await;
                read_until(&mut stream, "\r\n\r\n").await;
                stream.write_all(&frame(1, HANDSHAKE)).await.unwrap();
                stream.write_all(&frame(1, CALL)).await.unwrap();
                read_until(&mut stream, RESULT).await;
                stream
            }
            Way::EventStream => {
                let accept = "Accept: text/event-stream\r\n";
                let mut stream = open(address, "GET", &at, accept, "").await;
                read_until(&mut stream, ":\r\n").await;
                exchange(address, "POST", &at, HANDSHAKE).await;
                exchange(address, "POST", &at, CALL).await;
                read_until(&mut stream, RESULT).await;
                stream
            }
            Way::LongPolling => {
                exchange(address, "GET", &at, "").await;
                exchange(address, "POST", &at, HANDSHAKE).await;
                exchange(address, "POST", &at, CALL).await;
                while !exchange(address, "GET", &at, "").await.contains(RESULT) {}
                open(address, "GET", &at, "", "").await
            }
        };
        Self {
            address,
            token,
            way,
            stream,
        }
    }

    /// Waits for so many pings over its WebSocket.
    pub(crate) async fn hears_pings(&mut self, count: usize) {
        for _ in 0..count {
            read_until(&mut self.stream, "{\"type\":6}\u{1e}").await;
        }
    }

    pub(crate) async fn leave(mut self, leaving: Leaving) {
        let at = format!("?id={}", self.token);
        match (leaving, self.way) {
            (Leaving::Torn, _) => {
                let socket = SockRef::from(&self.stream);
                socket.set_linger(Some(Duration::ZERO)).unwrap();
            }
            (Leaving::Orderly, Way::WebSocket) => {
                self.stream.write_all(&frame(1, GOODBYE)).await.unwrap();
                self.stream
                    .write_all(&frame(8, "\u{3}\u{e8}"))
                    .await
                    .unwrap();
                let mut rest = Vec::new();
                let end = self.stream.read_to_end(&mut rest);
                within("the WebSocket to end", end).await.unwrap();
            }
            (Leaving::Orderly, Way::EventStream) => {
                exchange(self.address, "POST", &at, GOODBYE).await;
            }
            (Leaving::Orderly, Way::LongPolling) => {
                drop(self.stream);
                exchange(self.address, "DELETE", &at, "").await;
            }
        }
    }
}

/// Sends a request on a socket of its own.
async fn open(
    address: SocketAddr,
    method: &str,
    rest: &str,
    headers: &str,
    body: &str,
) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} /hub{rest} HTTP/1.1\r\nHost: house\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Sends a request and reads the whole answer, after which the server closes the socket.
pub(crate) async fn exchange(address: SocketAddr, method: &str, rest: &str, body: &str) -> String {
    let mut stream = open(address, method, rest, "Connection: close\r\n", body).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    within("an answer", read).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads until the end of what came is this.
async fn read_until(stream: &mut TcpStream, end: &str) {
    let mut came = Vec::new();
    let reading = async {
        while !came.windows(end.len()).any(|part| part == end.as_bytes()) {
            came.push(stream.read_u8().await.unwrap());
        }
    };
    within(end, reading).await;
}

/// A short masked frame; the mask is zeros.
fn frame(opcode: u8, payload: &str) -> Vec<u8> {
    // Two bytes that are no text stand for themselves here.
    let payload: Vec<u8> = payload
        .chars()
        .map(|byte| u8::try_from(byte).unwrap())
        .collect();
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126, "only short frames");
    let mut frame = vec![0x80 | opcode, 0x80 | length, 0, 0, 0, 0];
    frame.extend(payload);
    frame
}
