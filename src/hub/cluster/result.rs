//! Client results of connections elsewhere.

use std::sync::Arc;
use std::time::Duration;

use mesahub_protocol::{
    FrameReader, HubMessage, Outcome, Protocol, encode_error, encode_result, encode_void,
};
use serde::de::DeserializeOwned;

use crate::hub::connection::Connection;
use crate::hub::frame::{Encoded, Form};
use crate::hub::id::ConnectionId;
use crate::hub::instance::Hub;
use crate::hub::results::{InvokeError, read};

/// Puts another node's question to a connection of this one, and gives the client's completion as
/// it is written in the client's protocol.
pub(crate) async fn forward(
    hub: &Hub,
    connection: &Arc<Connection>,
    invocation: &str,
    encoded: &Encoded,
    deadline: Duration,
) -> Result<(Protocol, Vec<u8>), InvokeError> {
    let protocol = connection.protocol().unwrap_or(Protocol::Json);
    let Some(message) = encoded.bytes(protocol, Form::Raw) else {
        let text = "The node that asks does not speak the client's hub protocol.";
        return Err(InvokeError::Client(text.to_owned()));
    };
    let write = |_, out: &mut Vec<u8>| {
        out.extend_from_slice(message);
        Ok(())
    };
    let (id, named) = (connection.id(), invocation.to_owned());
    let take = move |outcome: Option<Outcome<'_>>| {
        let outcome = outcome.ok_or(InvokeError::Disconnected(id))?;
        let mut completion = Vec::new();
        match outcome {
            Outcome::Error(text) => encode_error(protocol, &mut completion, &named, &text),
            Outcome::Void => encode_void(protocol, &mut completion, &named),
            Outcome::Result(value) => {
                encode_result(protocol, &mut completion, &named, &value)?;
            }
        }
        Ok((protocol, completion))
    };
    let results = hub.results();
    results
        .put(connection, invocation, write, deadline, take)
        .await
}

/// Reads the completion that another node has passed on.
pub(crate) fn received<R: DeserializeOwned>(
    protocol: &str,
    completion: &[u8],
    id: ConnectionId,
) -> Result<R, InvokeError> {
    let unreadable = || InvokeError::Client("The node answered with no completion.".to_owned());
    let protocol = Protocol::parse_name(protocol).ok_or_else(unreadable)?;
    let mut reader = FrameReader::after_handshake(protocol, None);
    let mut frames = reader.feed(completion);
    let Some(Ok(body)) = frames.next() else {
        return Err(unreadable());
    };
    match HubMessage::decode(protocol, body) {
        Ok(HubMessage::Completion { outcome, .. }) => read(Some(outcome), id),
        _ => Err(unreadable()),
    }
}
