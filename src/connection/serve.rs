//! The life of a connection on one screen.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use mesahub_protocol::{FrameReader, HandshakeError, HandshakeRequest, Protocol, handshake_ok};

use crate::auth::Principal;
use crate::connection::events::{Event, alongside, arrival};
use crate::connection::goodbye::{say_goodbye, wait_for_peer};
use crate::connection::link::{Link, Received};
use crate::connection::read::{Acted, Reader};
use crate::hub::calls::Calls;
use crate::hub::frame::frame;
use crate::hub::registry::Registration;
use crate::hub::{Caller, Connection, ConnectionId, Ending, Hub, HubError, Overflow};
use crate::limits::Handshake;

/// The most chunks that are read before what they are answered is written.
const BURST: u8 = 32;

/// Who is being served.
pub(crate) struct Guest {
    pub(crate) id: ConnectionId,
    pub(crate) principal: Arc<Principal>,
    /// Whether it wants to resume before it hears anything new.
    pub(crate) resumes_first: bool,
    /// Held while it is connecting, where that is counted.
    pub(crate) handshake: Option<Handshake>,
}

/// Serves one connection from its first byte to its last.
///
/// Not an `async fn`, because that would keep its arguments twice for the connection's life: as
/// they came, and as the variables that it makes of them.
#[expect(
    clippy::manual_async_fn,
    reason = "an idle connection pays for every byte of this"
)]
pub(crate) fn serve<L: Link>(hub: Hub, guest: Guest, mut link: L) -> impl Future<Output = ()> {
    async move {
        let connection = hub.admit(guest.id, guest.principal, link.carrier());
        link.admitted(&connection);
        if guest.resumes_first {
            connection.resume_first();
        }
        let mut life = Life {
            caller: Caller::new(Arc::clone(&connection), hub.clone()),
            hub,
            calls: Arc::default(),
            connected: None,
            handshake: guest.handshake,
        };
        let ending = life.live(&connection, &mut link).await;
        life.handshake = None;
        connection.end(ending);
        let ending = connection.ending().expect("it has just been set").clone();
        tracing::debug!(connection = %connection.id(), hub = life.hub.name(), %ending, "disconnected");
        link.stop_receiving();
        say_goodbye(&life.hub, &connection, &link, &ending);
        life.calls.close();
        life.hub.results().abandon(&connection);
        if let Some(registration) = life.connected.take() {
            let farewell = life.hub.lifecycle().disconnected(&life.caller, &ending);
            alongside(&connection, &link, farewell).await;
            drop(registration);
        }
        wait_for_peer(&connection, &mut link, &ending).await;
        // A handler that still runs holds the connection, and must not hold its socket.
        connection.outbox().abandon();
    }
}

struct Life {
    hub: Hub,
    caller: Caller,
    /// What is open between the client and its handlers.
    calls: Arc<Calls>,
    /// Set once the connect handler has succeeded.
    connected: Option<Registration>,
    /// Given back then.
    handshake: Option<Handshake>,
}

impl Life {
    /// Reads until something ends the connection.
    async fn live<L: Link>(&mut self, connection: &Arc<Connection>, link: &mut L) -> Ending {
        let mut frames = FrameReader::new(self.hub.options().maximum_receive_message_size);
        let reader = Reader::new(&self.hub, connection, &self.caller, &self.calls);
        let mut unwritten = 0;
        loop {
            let chunk = match next_chunk(connection, link).await {
                Ok(chunk) => chunk,
                Err(ending) if frames.is_mid_message() => return broken_off(ending),
                Err(ending) => return ending,
            };
            connection.heard(self.hub.node().now());
            connection.traffic().received.bytes.add(chunk.len() as u64);
            let mut bodies = frames.feed(&chunk);
            while let Some(body) = bodies.next() {
                let done = match body {
                    Err(_) if connection.protocol().is_none() => Err(Ending::HandshakeRefused(
                        HandshakeError::Canceled.to_string(),
                    )),
                    Err(error) => Err(Ending::ProtocolViolation(error.to_string())),
                    // Boxed: what only a few moments need takes no room in the life's future.
                    Ok(body) if connection.protocol().is_none() => {
                        let opened = Box::pin(self.open(connection, link, body)).await;
                        opened.map(|protocol| bodies.switch(protocol))
                    }
                    Ok(body) => read(&reader, link, body).await,
                };
                if let Err(ending) = done {
                    return ending;
                }
                if let Some(ending) = connection.ending() {
                    return ending.clone();
                }
            }
            // Whoever sends without a pause is answered all the same.
            unwritten += 1;
            if unwritten == BURST {
                connection.flush();
                unwritten = 0;
            }
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Shakes hands, registers and runs the connect handler.
    async fn open<L: Link>(
        &mut self,
        connection: &Arc<Connection>,
        link: &L,
        body: &[u8],
    ) -> Result<Protocol, Ending> {
        let detailed = self.hub.options().enable_detailed_errors;
        let protocol = HandshakeRequest::parse(body)
            .and_then(|request| {
                let protocol = request.accept(link.formats())?;
                if self.hub.options().protocols.contains(&protocol) {
                    return Ok(protocol);
                }
                Err(HandshakeError::UnsupportedProtocol(request.protocol))
            })
            .map_err(|error| Ending::HandshakeRefused(error.text(detailed)))?;
        connection.choose_protocol(protocol);
        let accepted = frame(connection.form(), protocol, |out| {
            out.extend_from_slice(handshake_ok());
        });
        connection.send_frame(&accepted, &Overflow::Close);
        connection.traffic().handshakes.add(1);
        let registered = alongside(connection, link, self.hub.register(connection)).await;
        let registration = registered.map_err(|error| HubError::from(error).into_ending())?;
        let connected = alongside(
            connection,
            link,
            self.hub.lifecycle().connected(&self.caller),
        )
        .await;
        connected.map_err(|error| {
            tracing::warn!(connection = %connection.id(), %error, "the connect handler refused");
            error.into_ending()
        })?;
        tracing::debug!(connection = %connection.id(), hub = self.hub.name(), "connected");
        self.connected = Some(registration);
        self.handshake = None;
        Ok(protocol)
    }
}

/// What an ending is when it came inside a message.
fn broken_off(ending: Ending) -> Ending {
    let text = "Connection terminated while reading a message.";
    match ending {
        Ending::TransportClosed => Ending::TransportViolation(text.to_owned()),
        Ending::TransportLost(_) => Ending::TransportLost(text.to_owned()),
        other => other,
    }
}

/// Acts on a message, again when a full upload holds it up, and waits while too much waits already.
async fn read<L: Link>(reader: &Reader, link: &L, body: &[u8]) -> Result<(), Ending> {
    loop {
        let acted = poll_fn(|context| Poll::Ready(reader.message(body, context))).await?;
        match acted {
            Acted::Done if reader.has_room() => return Ok(()),
            Acted::Done => return Box::pin(reader.wait_for_room(link)).await,
            Acted::Full(upload) => Box::pin(reader.wait_for_upload(link, &upload)).await?,
        }
    }
}

/// The next bytes of the client's stream.
async fn next_chunk<L: Link>(connection: &Connection, link: &mut L) -> Result<Bytes, Ending> {
    loop {
        match arrival(connection, link).await {
            Event::Ended | Event::Ready => {
                return Err(connection.ending().cloned().unwrap_or(Ending::Aborted));
            }
            Event::Received(Received::Chunk(chunk)) => return Ok(chunk),
            Event::Received(Received::Answer(bytes)) => {
                connection.answer(&bytes);
                tokio::task::coop::consume_budget().await;
            }
            Event::Received(Received::Closed(answer)) => {
                connection.outbox().close_with(answer);
                return Err(Ending::TransportClosed);
            }
            Event::Received(Received::Refused { last, reason }) => {
                connection.outbox().close_with(last);
                return Err(Ending::TransportViolation(reason));
            }
            Event::Received(Received::Broken(text)) => {
                return Err(Ending::ProtocolViolation(text));
            }
            Event::Received(Received::Lost(text)) => return Err(Ending::TransportLost(text)),
        }
    }
}
