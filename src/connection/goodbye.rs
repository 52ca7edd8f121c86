//! The last words to a client, and waiting a moment for its answer.

use std::future::poll_fn;
use std::task::Poll;

use mesahub_protocol::{HandshakeError, Protocol, encode_close, handshake_error};

use crate::connection::events::write_waiting;
use crate::connection::link::{Link, Received};
use crate::hub::ending::CLOSED_WITH_ERROR;
use crate::hub::frame::frame;
use crate::hub::{Connection, Ending, Hub};

/// The most chunks that are thrown away before other tasks get their turn.
const BURST: usize = 32;

/// Queues what this ending has to say, and accepts nothing after it.
pub(crate) fn say_goodbye<L: Link>(hub: &Hub, connection: &Connection, link: &L, ending: &Ending) {
    if ending.row().abrupt {
        return;
    }
    let protocol = connection.protocol().unwrap_or(Protocol::Json);
    let mut last = match last_message(hub, connection, ending) {
        Some(message) => frame(connection.form(), protocol, |out| {
            out.extend_from_slice(&message)
        })
        .to_vec(),
        None => Vec::new(),
    };
    last.extend_from_slice(&link.farewell());
    connection.outbox().close_with(last.into());
}

/// Writes what is left and waits until the peer has closed too, as long as the link has patience.
pub(crate) async fn wait_for_peer<L: Link>(connection: &Connection, link: &mut L, ending: &Ending) {
    if ending.row().abrupt {
        return;
    }
    let patience = link.patience(ending);
    let mut peer_has_closed = *ending == Ending::TransportClosed;
    let closing = poll_fn(|context| {
        connection.register_task(context.waker());
        write_waiting(connection, link, context);
        let all_is_written = connection.queued_bytes() == 0;
        if all_is_written {
            link.finish(ending);
        }
        for _ in 0..BURST {
            if peer_has_closed {
                return if all_is_written {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                };
            }
            match link.poll_receive(context) {
                Poll::Ready(Received::Chunk(_) | Received::Answer(_)) => {}
                Poll::Ready(_) => peer_has_closed = true,
                Poll::Pending => return Poll::Pending,
            }
        }
        // A peer that never stops sending holds up neither others nor its own deadline.
        context.waker().wake_by_ref();
        Poll::Pending
    });
    if tokio::time::timeout(patience, closing).await.is_err() {
        tracing::debug!(connection = %connection.id(), "the peer did not close in time");
    }
}

fn last_message(hub: &Hub, connection: &Connection, ending: &Ending) -> Option<Vec<u8>> {
    match ending {
        Ending::HandshakeRefused(text) => return Some(handshake_error(text)),
        _ if connection.protocol().is_none() => {
            return (*ending != Ending::TransportClosed)
                .then(|| handshake_error(&HandshakeError::Canceled.to_string()));
        }
        _ => {}
    }
    let close = ending.row().close?;
    let error = close.error.then(|| match ending.detail() {
        Some(detail) if hub.options().enable_detailed_errors || ending.is_deliberate() => {
            format!("{CLOSED_WITH_ERROR} {detail}")
        }
        _ => CLOSED_WITH_ERROR.to_owned(),
    });
    let mut out = Vec::new();
    let protocol = connection.protocol().unwrap_or(Protocol::Json);
    encode_close(protocol, &mut out, error.as_deref(), close.allow_reconnect);
    Some(out)
}
