//! The life of a connection without a hub protocol.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mesahub_protocol::Protocol;

use crate::auth::Principal;
use crate::connection::events::write_waiting;
use crate::connection::goodbye::wait_for_peer;
use crate::connection::link::{Link, Received};
use crate::connection::raw::{Line, RawConnection};
use crate::connection::serve::Guest;
use crate::hub::connection::Parts;
use crate::hub::wheel::Deadlines;
use crate::hub::{Connection, Ending, Node, Traffic};

/// Bytes that may wait for a slow client. Senders wait, so it is never more than one message.
const OUTBOX: usize = 1024 * 1024;

/// How often the clock is looked at, in milliseconds.
const LOOK: u64 = 15_000;

/// The most chunks that are read before other tasks get their turn.
const BURST: usize = 32;

/// What runs for each connection of a raw endpoint.
pub(crate) struct RawApplication {
    node: Arc<Node>,
    name: String,
    handler: Box<dyn Fn(RawConnection) -> BoxFuture<'static, ()> + Send + Sync>,
    deadlines: Arc<Deadlines>,
    traffic: Arc<Traffic>,
}

impl RawApplication {
    pub(crate) fn new<F, R>(node: Arc<Node>, name: String, handler: F) -> Self
    where
        F: Fn(RawConnection) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self {
            node,
            name,
            handler: Box::new(move |connection| handler(connection).boxed()),
            deadlines: Arc::new(Deadlines {
                handshake: LOOK,
                keep_alive: LOOK,
                client_timeout: LOOK,
            }),
            traffic: Arc::default(),
        }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// When a connection of this principal has to end, in milliseconds of the node's clock.
    pub(crate) fn expiry(&self, principal: &Principal) -> Option<u64> {
        let expires = principal.expires_at?;
        Some(self.node.moment_of(expires))
    }

    fn admit<L: Link>(&self, guest: Guest, link: &L) -> Arc<Connection> {
        let now = self.node.now();
        let connection = Arc::new(Connection::new(Parts {
            serial: self.node.next_serial(),
            id: guest.id,
            expires: self.expiry(&guest.principal),
            principal: guest.principal,
            carrier: link.carrier(),
            traffic: Arc::clone(&self.traffic),
            pings: false,
            outbox_limit: OUTBOX,
            now,
        }));
        // There is no handshake to wait for.
        connection.choose_protocol(Protocol::Json);
        self.node.wheel().watch(&connection, &self.deadlines, now);
        connection
    }
}

/// Serves one connection until its handler has returned.
pub(crate) async fn serve_raw<L: Link>(raw: Arc<RawApplication>, guest: Guest, mut link: L) {
    let connection = raw.admit(guest, &link);
    link.admitted(&connection);
    let line = Arc::new(Line::new(Arc::clone(&connection), link.formats()));
    let handler = AssertUnwindSafe(async {
        (raw.handler)(RawConnection::new(Arc::clone(&line))).await;
    });
    let mut handler = pin!(handler.catch_unwind());
    let returned = poll_fn(|context| {
        connection.register_task(context.waker());
        live(&connection, &line, &mut link, handler.as_mut(), context)
    })
    .await;
    if returned.is_err() {
        tracing::error!(connection = %connection.id(), endpoint = raw.name, "the handler panicked");
    }
    connection.end(Ending::Aborted);
    line.close();
    let ending = connection.ending().expect("it has just been set").clone();
    tracing::debug!(connection = %connection.id(), endpoint = raw.name, %ending, "disconnected");
    link.stop_receiving();
    if !ending.row().abrupt {
        connection.outbox().close_with(link.farewell());
    }
    wait_for_peer(&connection, &mut link, &ending).await;
    connection.outbox().abandon();
}

/// Runs the handler and reads for it, until it returns.
fn live<L: Link, F: Future>(
    connection: &Connection,
    line: &Line,
    link: &mut L,
    mut handler: Pin<&mut F>,
    context: &mut Context<'_>,
) -> Poll<F::Output> {
    for _ in 0..BURST {
        if let Poll::Ready(returned) = handler.as_mut().poll(context) {
            return Poll::Ready(returned);
        }
        write_waiting(connection, link, context);
        if line.is_closed() {
            return Poll::Pending;
        }
        if connection.ending().is_some() {
            line.close();
            continue;
        }
        if !line.has_room() {
            return Poll::Pending;
        }
        let Poll::Ready(received) = link.poll_receive(context) else {
            return Poll::Pending;
        };
        match received {
            Received::Chunk(chunk) if chunk.is_empty() => {}
            Received::Chunk(chunk) => line.put(chunk),
            Received::Answer(bytes) => connection.answer(&bytes),
            Received::Closed(answer) => {
                connection.outbox().close_with(answer);
                connection.end(Ending::TransportClosed);
            }
            Received::Refused { last, reason } => {
                connection.outbox().close_with(last);
                connection.end(Ending::TransportViolation(reason));
            }
            Received::Lost(text) | Received::Broken(text) => {
                connection.end(Ending::TransportLost(text))
            }
        }
    }
    context.waker().wake_by_ref();
    Poll::Pending
}
