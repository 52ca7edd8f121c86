//! Hub messages over one WebSocket.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use mesahub_protocol::{
    FrameReader, HandshakeRequest, HubMessage, Outcome, Protocol, TransferFormat, encode_close,
    encode_invocation, ping,
};
use serde::Deserialize;
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::door::{Door, Socket};
use super::refusal::Refusal;

/// A connection that has shaken hands. Dropping it cuts it.
pub(super) struct Line {
    socket: Socket,
    frames: FrameReader,
    protocol: Protocol,
    is_shaken: bool,
    calls: u64,
}

/// What the server says to a handshake.
#[derive(Deserialize)]
struct Shaken {
    error: Option<String>,
}

impl Line {
    /// Connects and shakes hands. What comes with the answer is told.
    pub(super) async fn open(
        door: &Door,
        token: Option<&str>,
        mut each: impl FnMut(&HubMessage<'_>),
    ) -> Result<Self, Refusal> {
        let mut line = Self {
            socket: door.enter(token).await?,
            frames: FrameReader::new(None),
            protocol: door.protocol,
            is_shaken: false,
            calls: 0,
        };
        let request = HandshakeRequest {
            protocol: door.protocol.name().to_owned(),
            version: 1,
        };
        line.send(request.encode()).await?;
        while !line.is_shaken {
            line.hear(&mut each).await?;
        }
        Ok(line)
    }

    /// Waits for the next WebSocket message and tells each hub message in it, but for pings. Can be
    /// dropped at any time without losing one.
    pub(super) async fn hear(
        &mut self,
        mut each: impl FnMut(&HubMessage<'_>),
    ) -> Result<(), Refusal> {
        let bytes: Bytes = match self.socket.next().await {
            Some(Ok(Message::Text(text))) => text.into(),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(_))) | None => return Err(Refusal::Ended),
            Some(Ok(_)) => return Ok(()),
            Some(Err(error)) => return Err(error.into()),
        };
        let mut frames = self.frames.feed(&bytes);
        while let Some(frame) = frames.next() {
            let frame = frame?;
            if !self.is_shaken {
                shaken(frame)?;
                self.is_shaken = true;
                frames.switch(self.protocol);
                continue;
            }
            match HubMessage::decode(self.protocol, frame)? {
                HubMessage::Ping => {}
                HubMessage::Close { error, .. } => {
                    return Err(Refusal::Closed(error.map(|text| text.into_owned())));
                }
                message => each(&message),
            }
        }
        Ok(())
    }

    /// Calls a method and waits until it has ended well. What comes meanwhile is told.
    pub(super) async fn call(
        &mut self,
        method: &str,
        arguments: &[Value],
        mut each: impl FnMut(&HubMessage<'_>),
    ) -> Result<(), Refusal> {
        self.calls += 1;
        let id = self.calls.to_string();
        let mut bytes = Vec::new();
        encode_invocation(self.protocol, &mut bytes, Some(&id), method, arguments).map_err(
            |_| Refusal::Arguments {
                method: method.to_owned(),
            },
        )?;
        self.send(bytes).await?;
        let mut end = None;
        while end.is_none() {
            self.hear(|message| match message {
                HubMessage::Completion {
                    invocation_id,
                    outcome,
                } if *invocation_id == id => {
                    end = Some(match outcome {
                        Outcome::Error(error) => Err(error.clone().into_owned()),
                        _ => Ok(()),
                    });
                }
                message => each(message),
            })
            .await?;
        }
        match end {
            Some(Err(error)) => Err(Refusal::Call {
                method: method.to_owned(),
                error,
            }),
            _ => Ok(()),
        }
    }

    /// Shows that it is alive.
    pub(super) async fn ping(&mut self) -> Result<(), Refusal> {
        self.send(ping(self.protocol).to_vec()).await
    }

    /// Says goodbye and waits for the server's, for as long as the caller does.
    pub(super) async fn leave(mut self) {
        let mut bytes = Vec::new();
        encode_close(self.protocol, &mut bytes, None, false);
        if self.send(bytes).await.is_ok() {
            while self.hear(|_| {}).await.is_ok() {}
        }
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Refusal> {
        let message = match self.protocol.transfer_format() {
            TransferFormat::Text => {
                let text = Utf8Bytes::try_from(Bytes::from(bytes));
                Message::Text(text.expect("the JSON hub protocol is UTF-8"))
            }
            TransferFormat::Binary => Message::Binary(bytes.into()),
        };
        Ok(self.socket.send(message).await?)
    }
}

fn shaken(frame: &[u8]) -> Result<(), Refusal> {
    let answer: Shaken = serde_json::from_slice(frame)
        .map_err(|error| Refusal::Handshake(format!("the answer is none: {error}")))?;
    match answer.error {
        Some(error) => Err(Refusal::Handshake(error)),
        None => Ok(()),
    }
}
