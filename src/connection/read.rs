//! What each message of a client does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;

use mesahub_protocol::{HubMessage, Protocol};

use crate::connection::events::{Event, until};
use crate::connection::link::Link;
use crate::hub::dispatch::Dispatched;
use crate::hub::lane::Lane;
use crate::hub::{Caller, Connection, Ending, Hub};

/// Turns messages into work.
pub(crate) struct Reader {
    hub: Hub,
    connection: Arc<Connection>,
    caller: Caller,
    lane: Arc<Lane>,
}

impl Reader {
    pub(crate) fn new(hub: &Hub, connection: &Arc<Connection>, caller: &Caller) -> Self {
        let options = hub.options();
        Self {
            hub: hub.clone(),
            connection: Arc::clone(connection),
            caller: caller.clone(),
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
    pub(crate) fn message(&self, body: &[u8], context: &mut Context<'_>) -> Result<(), Ending> {
        let protocol = self.connection.protocol().unwrap_or(Protocol::Json);
        self.hub.node().counters().received.add(1);
        let message = HubMessage::decode(protocol, body)
            .map_err(|error| Ending::ProtocolViolation(error.to_string()))?;
        match message {
            HubMessage::Invocation(call) => {
                match self
                    .hub
                    .dispatcher()
                    .dispatch(&self.caller, protocol, &call)
                {
                    Dispatched::Refused(completion) => self.complete(completion),
                    Dispatched::Run(job) => self.lane.submit(job, context),
                }
            }
            HubMessage::StreamInvocation(call) => {
                self.complete(self.hub.dispatcher().refuse_streaming(protocol, &call));
            }
            HubMessage::Ping => self
                .connection
                .pulse
                .client_pings
                .store(true, Ordering::Relaxed),
            HubMessage::Close { error, .. } => {
                return Err(Ending::ClientClosed(error.map(|text| text.into_owned())));
            }
            // For streams and results that are not open here, or of a kind that nobody knows.
            _ => {}
        }
        Ok(())
    }

    /// Whether another message may be read.
    pub(crate) fn has_room(&self) -> bool {
        self.lane.has_room()
    }

    /// Stops reading while too many invocations wait. The client's silence does not count then.
    pub(crate) async fn wait_for_room<L: Link>(&self, link: &L) -> Result<(), Ending> {
        let paused = &self.connection.pulse.paused;
        paused.store(true, Ordering::Relaxed);
        let event = until(&self.connection, link, || self.lane.has_room()).await;
        self.connection.heard(self.hub.node().now());
        paused.store(false, Ordering::Relaxed);
        match event {
            Event::Ended => Err(self.connection.ending().cloned().unwrap_or(Ending::Aborted)),
            _ => Ok(()),
        }
    }

    fn complete(&self, completion: Option<Vec<u8>>) {
        if let Some(bytes) = completion {
            self.connection
                .send_with(|_, out| out.extend_from_slice(&bytes));
        }
    }
}
