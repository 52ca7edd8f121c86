//! What the task of a connection waits for: bytes to read, room to write, or the end.

use std::future::poll_fn;
use std::task::{Context, Poll};

use crate::connection::link::{Link, Received};
use crate::hub::{Connection, Ending};

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Something arrived.
    Received(Received),
    /// What was waited for became true.
    Ready,
    /// The connection is ending.
    Ended,
}

/// Waits for the next arrival. What waits is written once nothing more has arrived, so that what a
/// burst of messages is answered leaves together.
pub(crate) async fn arrival<L: Link>(connection: &Connection, link: &mut L) -> Event {
    poll_fn(|context| {
        connection.register_task(context.waker());
        if connection.ending().is_some() {
            return Poll::Ready(Event::Ended);
        }
        let received = link.poll_receive(context);
        if received.is_pending() {
            write_waiting(connection, link, context);
        }
        received.map(Event::Received)
    })
    .await
}

/// Waits until `ready`, or the end, writing what waits meanwhile and reading nothing.
pub(crate) async fn until<L: Link>(
    connection: &Connection,
    link: &L,
    ready: impl Fn() -> bool,
) -> Event {
    poll_fn(|context| {
        connection.register_task(context.waker());
        if connection.ending().is_some() {
            return Poll::Ready(Event::Ended);
        }
        write_waiting(connection, link, context);
        if ready() {
            Poll::Ready(Event::Ready)
        } else {
            Poll::Pending
        }
    })
    .await
}

/// Runs a future of the connection's own to its end, writing what waits meanwhile.
pub(crate) async fn alongside<L: Link, F: Future>(
    connection: &Connection,
    link: &L,
    future: F,
) -> F::Output {
    let mut future = std::pin::pin!(future);
    poll_fn(|context| {
        connection.register_task(context.waker());
        write_waiting(connection, link, context);
        future.as_mut().poll(context)
    })
    .await
}

/// Writes what waits in the outbox as far as the wire takes it, and asks to be woken for the rest.
pub(crate) fn write_waiting<L: Link>(connection: &Connection, link: &L, context: &mut Context<'_>) {
    while connection.queued_bytes() > 0 {
        match connection.outbox().flush() {
            Ok(false) => return,
            Ok(true) => match link.poll_writable(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    connection.end(Ending::TransportLost(error.to_string()));
                    return;
                }
                Poll::Pending => return,
            },
            Err(error) => {
                connection.end(Ending::TransportLost(error.to_string()));
                return;
            }
        }
    }
}
