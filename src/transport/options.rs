//! The limits and deadlines of the transports at one endpoint.

use std::time::Duration;

/// How patient an endpoint is with its clients, and how much it keeps for them. The defaults are
/// those of ASP.NET Core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportOptions {
    /// How long a poll waits for something to send before it is answered with nothing. 90 seconds
    /// by default; clients give up after 100.
    pub poll_timeout: Duration,
    /// How long a connection is kept while no request carries it: between negotiation and its
    /// transport, and between two polls. 15 seconds by default.
    pub disconnect_timeout: Duration,
    /// How long a client may leave what is written to it untaken. 10 seconds by default; over a
    /// WebSocket it is noticed with the next keep-alive, so up to one interval later.
    pub send_timeout: Duration,
    /// How long the body of a client's POST request may be waited for, not counting the time in
    /// which there was no room for it. 30 seconds by default.
    pub body_timeout: Duration,
    /// How long the client has to close its side after the server has closed its own. 5 seconds
    /// by default.
    pub close_timeout: Duration,
    /// Bytes from a client's POST requests that wait to be read; over it the requests wait for
    /// their answers. 64 KiB by default, at least 1.
    pub application_buffer: usize,
    /// Bytes that are handed to a WebSocket in one write, and that wait for an event stream or the
    /// next poll to take them; what is over it waits in the connection's outbox, under its own
    /// bound, and streams and answers to calls stand still meanwhile. 64 KiB by default. A single
    /// larger message is still taken while nothing else waits.
    pub transport_buffer: usize,
    /// Whether a client that asks for it may go on over another WebSocket when it has lost one,
    /// within the disconnect timeout and as the same connection. Off by default.
    pub stateful_reconnect: bool,
    /// Bytes sent to such a client that are kept until it has acknowledged them; over it they wait
    /// in the connection's outbox, under its own bound. 100,000 by default.
    pub stateful_reconnect_buffer: usize,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            poll_timeout: Duration::from_secs(90),
            disconnect_timeout: Duration::from_secs(15),
            send_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            application_buffer: 64 * 1024,
            transport_buffer: 64 * 1024,
            stateful_reconnect: false,
            stateful_reconnect_buffer: 100_000,
        }
    }
}
