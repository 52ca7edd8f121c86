//! What each message of a client does.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

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

    /// Acts on one message. An error ends the connection.
    pub(crate) async fn message<L: Link>(&self, link: &L, body: &[u8]) -> Result<(), Ending> {
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
                    Dispatched::Run(job) => {
                        drop(call);
                        let mut job = Some(job);
                        poll_fn(|context| {
                            if let Some(job) = job.take() {
                                self.lane.submit(job, context);
                            }
                            Poll::Ready(())
                        })
                        .await;
                        return self.wait_for_room(link).await;
                    }
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

    /// Stops reading while too many invocations wait. The client's silence does not count then.
    async fn wait_for_room<L: Link>(&self, link: &L) -> Result<(), Ending> {
        if self.lane.has_room() {
            return Ok(());
        }
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
