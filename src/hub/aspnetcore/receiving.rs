//! What the official servers send to this one.

use std::sync::{Arc, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use mesahub_broker::Topic;
use mesahub_protocol::envelope::{
    Ack, BackplaneCompletion, Envelope, GroupAction, GroupCommand, Reply,
};
use mesahub_protocol::{FrameReader, HubMessage, PackError, Protocol, encode_error};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::hub::aspnetcore::backplane::AspNetCore;
use crate::hub::aspnetcore::names::Carries;
use crate::hub::cluster::{encoded, forward};
use crate::hub::connection::Connection;
use crate::hub::frame::Encoded;
use crate::hub::instance::Hub;
use crate::hub::receiver::Receiver;
use crate::hub::results::InvokeError;
use crate::hub::topics;

/// How long a question of another server may stay with a client. The official servers name no
/// deadline; whoever asked has given up long before.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(3_600);

impl Receiver for AspNetCore {
    fn take(&self, topic: &Topic, payload: &Bytes) -> bool {
        let Some(carries) = self.names.carries(topic) else {
            return false;
        };
        let taken = match carries {
            Carries::Commands => self.take_command(payload),
            Carries::Acks => Ack::decode(payload).map(|ack| self.acks.settle(ack.id)),
            Carries::Completions => self.take_completion(payload),
            Carries::Messages(id) => self.take_message(id, payload),
        };
        if let Err(error) = taken {
            tracing::warn!(%topic, %error, "dropped what another server sent");
        }
        true
    }
}

impl AspNetCore {
    fn take_command(&self, payload: &Bytes) -> Result<(), PackError> {
        let command = GroupCommand::decode(payload)?;
        if self.find(&command.connection_id).is_some() && self.commands.try_send(command).is_err() {
            tracing::warn!("dropped a group command: too many wait");
        }
        Ok(())
    }

    fn take_completion(&self, payload: &Bytes) -> Result<(), PackError> {
        let answer = BackplaneCompletion::decode(payload)?;
        let Some(invocation) = invocation_of(&answer) else {
            let protocol = answer.protocol;
            tracing::warn!(%protocol, "dropped a client's result: it cannot be read");
            return Ok(());
        };
        if let Some(asked) = self.asked.lock().remove(&invocation) {
            let _ = asked.send(answer);
        }
        Ok(())
    }

    /// Exceptions do not hold for what is sent to one connection.
    fn take_message(&self, id: &str, payload: &Bytes) -> Result<(), PackError> {
        let envelope = Envelope::decode(payload)?;
        let Some((hub, connection)) = self.find(id) else {
            return Ok(());
        };
        let messages = encoded(&envelope);
        match envelope.reply {
            None => {
                let overflow = topics::overflow_from_wire(envelope.extension.overflow);
                connection.send_encoded(&messages, &overflow);
            }
            Some(reply) => self.put(&hub, connection, messages, reply),
        }
        Ok(())
    }

    /// Puts another server's question to a client of this one.
    fn put(&self, hub: &Hub, connection: Arc<Connection>, messages: Encoded, reply: Reply) {
        let (node, asking) = (Arc::clone(hub.node()), hub.clone());
        let server = self.hub.clone();
        let mut asked = Box::pin(async move {
            let invocation = &*reply.invocation_id;
            let asked = forward(
                &asking,
                &connection,
                invocation,
                &messages,
                QUESTION_TIMEOUT,
            );
            let answer = match asked.await {
                Ok((protocol, completion)) => completed(protocol, completion),
                // Whoever asked has given up; the answer would name a call that nobody knows.
                Err(InvokeError::TimedOut) => return,
                Err(error) => refused(connection.protocol(), invocation, &error),
            };
            let Some(inner) = server.upgrade() else {
                return;
            };
            let (Some(official), Ok(channel)) =
                (&inner.aspnetcore, Topic::new(reply.return_channel.as_str()))
            else {
                return;
            };
            if let Err(error) = official.publish(channel, answer.encode()).await {
                tracing::warn!(%error, "a client's result did not reach the server that asked");
            }
        });
        // Polled once here, so that the question is written before whatever follows it.
        let mut once = Context::from_waker(Waker::noop());
        if asked.as_mut().poll(&mut once).is_pending() {
            node.tasks().spawn(asked);
        }
    }

    fn find(&self, id: &str) -> Option<(Hub, Arc<Connection>)> {
        let hub = Hub::from(self.hub.upgrade()?);
        let connection = hub.find(id.parse().ok()?)?;
        Some((hub, connection))
    }
}

/// Does what the group commands ask, one after the other, and acknowledges each once it is in
/// force. A change that fails is not acknowledged: its sender's wait runs out.
pub(super) async fn perform(
    official: Weak<AspNetCore>,
    mut commands: mpsc::Receiver<GroupCommand>,
    stop: CancellationToken,
) {
    while let Some(Some(command)) = stop.run_until_cancelled(commands.recv()).await {
        let Some(official) = official.upgrade() else {
            return;
        };
        let Some((hub, connection)) = official.find(&command.connection_id) else {
            continue;
        };
        let (id, group) = (connection.id(), &*command.group);
        let changed = match command.action {
            GroupAction::Add => hub.add_to_group(id, group).await,
            GroupAction::Remove => hub.remove_from_group(id, group),
        };
        if let Err(error) = changed {
            tracing::warn!(connection = %id, %error, "a group command failed");
            continue;
        }
        let ack = Ack { id: command.id }.encode();
        match official.names.ack_of(&command.server_name) {
            Ok(channel) => {
                if let Err(error) = official.publish(channel, ack).await {
                    tracing::warn!(%error, "a group command could not be acknowledged");
                }
            }
            Err(error) => tracing::warn!(%error, "a group command cannot be acknowledged"),
        }
    }
}

fn completed(protocol: Protocol, completion: Vec<u8>) -> BackplaneCompletion {
    BackplaneCompletion {
        protocol: protocol.name().into(),
        completion: completion.into(),
    }
}

fn refused(
    protocol: Option<Protocol>,
    invocation: &str,
    error: &InvokeError,
) -> BackplaneCompletion {
    let protocol = protocol.unwrap_or(Protocol::Json);
    let text = match error {
        InvokeError::Disconnected(_) => "Connection disconnected.".to_owned(),
        other => other.to_string(),
    };
    let mut completion = Vec::new();
    encode_error(protocol, &mut completion, invocation, &text);
    completed(protocol, completion)
}

/// The call that a completion answers.
fn invocation_of(answer: &BackplaneCompletion) -> Option<String> {
    let protocol = Protocol::parse_name(&answer.protocol)?;
    let mut reader = FrameReader::after_handshake(protocol, None);
    let mut frames = reader.feed(&answer.completion);
    let frame = frames.next()?.ok()?;
    match HubMessage::decode(protocol, frame).ok()? {
        HubMessage::Completion { invocation_id, .. } => Some(invocation_id.to_string()),
        _ => None,
    }
}
