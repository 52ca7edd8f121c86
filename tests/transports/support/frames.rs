//! A WebSocket without a library: short frames only.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::deadline::within;
use super::exchange::Exchange;

/// The client's side of an open WebSocket.
pub(crate) struct Frames {
    stream: TcpStream,
}

impl Frames {
    /// Takes over the socket of an answered upgrade.
    pub(crate) fn over(exchange: Exchange) -> Self {
        let (stream, early) = exchange.into_socket();
        assert!(early.is_empty(), "the server spoke first: {early:?}");
        Self { stream }
    }

    /// Sends one masked frame; the mask is zeros.
    pub(crate) async fn send(&mut self, opcode: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).unwrap();
        assert!(length < 126, "only short frames");
        let mut frame = vec![0x80 | opcode, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame).await.unwrap();
    }

    /// Waits until the server has closed the socket.
    pub(crate) async fn end(&mut self) {
        let mut rest = Vec::new();
        let end = self.stream.read_to_end(&mut rest);
        // A reset is an end too.
        let _ = within("the socket to be closed", end).await;
    }

    /// The next frame: its opcode and payload.
    pub(crate) async fn receive(&mut self) -> (u8, Vec<u8>) {
        within("a frame", async {
            let mut head = [0; 2];
            self.stream.read_exact(&mut head).await.unwrap();
            assert!(head[1] < 126, "only short frames");
            let mut payload = vec![0; usize::from(head[1])];
            self.stream.read_exact(&mut payload).await.unwrap();
            (head[0] & 0xf, payload)
        })
        .await
    }
}
