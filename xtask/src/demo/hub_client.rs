//! A listener at the hub: the handshake, and the events that follow.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tungstenite::client::ClientRequestBuilder;
use tungstenite::{Message, WebSocket};

use super::http::Address;
use crate::error::TaskError;

/// Ends every hub message and both halves of the handshake.
const RECORD_SEPARATOR: char = '\u{1e}';

/// A call from the hub: which handler, with what.
#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) target: String,
    pub(crate) arguments: Value,
}

/// A connection to `/hubs/notifications` that only listens.
pub(crate) struct HubClient {
    socket: WebSocket<TcpStream>,
    received: VecDeque<String>,
}

impl HubClient {
    /// Connects without negotiation and shakes hands. With a limit, waiting longer than that for
    /// anything is an error.
    pub(crate) fn connect(
        address: &Address,
        token: &str,
        limit: Option<Duration>,
    ) -> Result<Self, TaskError> {
        let stream = address.connect()?;
        let url = format!("ws://{}/hubs/notifications", address.authority());
        let url = url
            .parse()
            .map_err(|_| TaskError::Usage(format!("{url:?} is not an address of a hub")))?;
        let request =
            ClientRequestBuilder::new(url).with_header("Authorization", format!("Bearer {token}"));
        let (mut socket, _) = tungstenite::client(request, stream)
            .map_err(|error| TaskError::Unexpected(format!("the hub refused: {error}")))?;
        socket.send(Message::text(format!(
            "{{\"protocol\":\"json\",\"version\":1}}{RECORD_SEPARATOR}"
        )))?;
        let mut client = Self {
            socket,
            received: VecDeque::new(),
        };
        match client.next_record()?.as_deref() {
            Some("{}") => {}
            other => {
                return Err(TaskError::Unexpected(format!(
                    "the hub did not accept the handshake: {other:?}"
                )));
            }
        }
        client
            .socket
            .get_ref()
            .set_read_timeout(limit)
            .map_err(TaskError::io("preparing the socket"))?;
        Ok(client)
    }

    /// The next call, or `None` once the hub has closed the connection.
    pub(crate) fn next_event(&mut self) -> Result<Option<Event>, TaskError> {
        while let Some(record) = self.next_record()? {
            let mut message: Value =
                serde_json::from_str(&record).map_err(|source| TaskError::Json {
                    what: "a message of the hub".to_owned(),
                    source,
                })?;
            match message["type"].as_u64() {
                Some(1) => {
                    return Ok(Some(Event {
                        target: message["target"].as_str().unwrap_or_default().to_owned(),
                        arguments: message["arguments"].take(),
                    }));
                }
                Some(7) => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }

    fn next_record(&mut self) -> Result<Option<String>, TaskError> {
        while self.received.is_empty() {
            match self.socket.read()? {
                Message::Text(text) => self.received.extend(records(&text)),
                Message::Binary(_) => {
                    return Err(TaskError::Unexpected(
                        "the hub sent binary data on a JSON connection".to_owned(),
                    ));
                }
                Message::Close(_) => return Ok(None),
                _ => {}
            }
        }
        Ok(self.received.pop_front())
    }
}

/// The hub sends only whole records, one or several in a WebSocket message.
fn records(text: &str) -> impl Iterator<Item = String> {
    text.split_terminator(RECORD_SEPARATOR).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_records_may_come_at_once() {
        let text = "{}\u{1e}{\"type\":6}\u{1e}";
        assert_eq!(records(text).collect::<Vec<_>>(), ["{}", "{\"type\":6}"]);
    }
}
