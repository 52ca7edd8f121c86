//! A link: a transport's two halves, as the life of a connection sees them.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use mesahub_protocol::TransferFormat;

use crate::hub::carrier::Carrier;
use crate::hub::{Connection, Ending};

/// One transport of one connection.
pub(crate) trait Link: Send + Sync {
    /// The sending half, for the outbox.
    fn carrier(&self) -> Carrier;

    /// Tells the link whose it is, before anything is read.
    fn admitted(&self, _connection: &Arc<Connection>) {}

    /// What it can carry.
    fn formats(&self) -> &'static [TransferFormat];

    /// Waits for the next thing to arrive. After `Closed` or `Lost` nothing more does, and after
    /// `Refused` only the end.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received>;

    /// Waits until the wire may take bytes again.
    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// The transport's own last bytes, sent behind the last hub message.
    fn farewell(&self) -> Bytes;

    /// Nothing that the client still sends will be read.
    fn stop_receiving(&self) {}

    /// The wire has taken the last bytes of a connection that ends in this way.
    fn finish(&self, _ending: &Ending) {}

    /// How long the peer has to take the last bytes and to close its side.
    fn patience(&self, ending: &Ending) -> Duration;
}

/// What a transport hands up.
#[derive(Debug)]
pub(crate) enum Received {
    /// Bytes of the client's stream, with no regard to message boundaries.
    Chunk(Bytes),
    /// The transport's own answer to the peer, such as a pong, to be sent in order.
    Answer(Bytes),
    /// The peer said goodbye; the answer to it, if it is still owed one.
    Closed(Bytes),
    /// The peer broke the hub protocol.
    Broken(String),
    /// The peer broke the rules of the transport.
    Refused {
        /// The transport's own last bytes, which tell the peer.
        last: Bytes,
        /// What it did, for operators.
        reason: String,
    },
    /// The transport broke.
    Lost(String),
}
