//! What each message of a client does.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;

use mesahub_protocol::{HubMessage, Invocation, Outcome, Protocol};

use crate::connection::events::{Event, until};
use crate::connection::link::Link;
use crate::hub::calls::{Calls, Pushed};
use crate::hub::dispatch::Incoming;
use crate::hub::lane::Lane;
use crate::hub::results::Answered;
use crate::hub::{Caller, Connection, Ending, Hub};

/// What came of a message.
#[derive(Debug)]
pub(crate) enum Acted {
    /// It is done.
    Done,
    /// It belongs to this upload, which is full: the same message has to be tried again.
    Full(String),
}

/// Turns messages into work.
pub(crate) struct Reader {
    hub: Hub,
    connection: Arc<Connection>,
    caller: Caller,
    calls: Arc<Calls>,
    lane: Arc<Lane>,
}

impl Reader {
    pub(crate) fn new(
        hub: &Hub,
        connection: &Arc<Connection>,
        caller: &Caller,
        calls: &Arc<Calls>,
    ) -> Self {
        let options = hub.options();
        Self {
            hub: hub.clone(),
            connection: Arc::clone(connection),
            caller: caller.clone(),
            calls: Arc::clone(calls),
            lane: Arc::new(Lane::new(
                Arc::clone(connection),
                hub.node().tasks().clone(),
                options.maximum_parallel_invocations.get(),
                options.invocation_backlog,
            )),
        }
    }

    /// Acts on one message; a handler that has to wait is woken through the context. An error ends
    /// the connection.
    pub(crate) fn message(&self, body: &[u8], context: &mut Context<'_>) -> Result<Acted, Ending> {
        let protocol = self.connection.protocol().unwrap_or(Protocol::Json);
        let message = HubMessage::decode(protocol, body)
            .map_err(|error| Ending::ProtocolViolation(error.to_string()))?;
        if let HubMessage::StreamItem {
            invocation_id,
            item,
        } = &message
            && self.calls.push(invocation_id, *item) == Pushed::Full
        {
            return Ok(Acted::Full(invocation_id.to_string()));
        }
        self.connection.traffic().received.messages.add(1);
        match message {
            HubMessage::Invocation(invocation) => self.call(&invocation, false, context),
            HubMessage::StreamInvocation(invocation) => self.call(&invocation, true, context),
            HubMessage::Completion {
                invocation_id,
                outcome,
            } => {
                self.settle(&invocation_id, outcome)?;
            }
            HubMessage::CancelInvocation { invocation_id } => self.calls.cancel(&invocation_id),
            HubMessage::Ping => {
                self.connection
                    .pulse
                    .client_pings
                    .store(true, Ordering::Relaxed);
            }
            HubMessage::Close { error, .. } => {
                return Err(Ending::ClientClosed(error.map(Cow::into_owned)));
            }
            // Acknowledgements belong to stateful reconnects; what nobody knows is ignored.
            _ => {}
        }
        Ok(Acted::Done)
    }

    fn call(&self, invocation: &Invocation<'_>, wants_stream: bool, context: &mut Context<'_>) {
        let incoming = Incoming {
            caller: &self.caller,
            calls: &self.calls,
            protocol: self.connection.protocol().unwrap_or(Protocol::Json),
            invocation,
            wants_stream,
        };
        let dispatcher = self.hub.dispatcher();
        let limits = self.hub.options().call_limits.as_ref();
        let due = match limits.map_or(Ok(None), |limits| self.lane.ask(limits)) {
            Ok(due) => due,
            Err(refusal) => {
                self.hub.node().counters().limited.add(1);
                let answer = dispatcher.refuse(&incoming, &refusal.to_string());
                return self.connection.refuse_call(answer);
            }
        };
        self.lane
            .enter(dispatcher.dispatch(&incoming), due, context);
    }

    /// A completion ends an upload, or answers a question.
    fn settle(&self, id: &str, outcome: Outcome<'_>) -> Result<(), Ending> {
        let error = match &outcome {
            Outcome::Error(text) => Some(text.to_string()),
            _ => None,
        };
        if self.calls.finish(id, error) {
            return Ok(());
        }
        match self
            .hub
            .results()
            .settle(self.connection.serial(), id, outcome)
        {
            Answered::Settled | Answered::Unknown => Ok(()),
            Answered::Foreign => Err(Ending::ProtocolViolation(
                "The completion answers an invocation of another connection.".to_owned(),
            )),
        }
    }

    /// Whether another message may be read.
    pub(crate) fn has_room(&self) -> bool {
        self.lane.has_room()
    }

    /// Stops reading while too many invocations wait.
    pub(crate) async fn wait_for_room<L: Link>(&self, link: &L) -> Result<(), Ending> {
        self.wait(link, || self.lane.has_room()).await
    }

    /// Stops reading until the handler has taken an item of this upload.
    pub(crate) async fn wait_for_upload<L: Link>(&self, link: &L, id: &str) -> Result<(), Ending> {
        self.wait(link, || self.calls.has_room(id)).await
    }

    /// Reads nothing until it is `ready`. The client's silence does not count meanwhile.
    async fn wait<L: Link>(&self, link: &L, ready: impl Fn() -> bool) -> Result<(), Ending> {
        let paused = &self.connection.pulse.paused;
        paused.store(true, Ordering::Relaxed);
        let event = until(&self.connection, link, ready).await;
        self.connection.heard(self.hub.node().now());
        paused.store(false, Ordering::Relaxed);
        match event {
            Event::Ended => Err(self.connection.ending().cloned().unwrap_or(Ending::Aborted)),
            _ => Ok(()),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.lane.close();
    }
}
