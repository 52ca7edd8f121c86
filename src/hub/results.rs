//! Client results: asking one connection for a value.

use std::collections::HashMap;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mesahub_broker::BrokerError;
use mesahub_protocol::{EncodeError, Outcome, Protocol, ProtocolError, encode_invocation};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::hub::connection::Connection;
use crate::hub::id::ConnectionId;
use crate::hub::type_name::official_name;

/// A client did not give the value that it was asked for.
#[derive(Debug, Error)]
pub enum InvokeError {
    /// There is no such connection.
    #[error("Connection '{0}' does not exist.")]
    UnknownConnection(ConnectionId),
    /// The connection ended before it answered.
    #[error("Connection '{0}' disconnected.")]
    Disconnected(ConnectionId),
    /// It did not answer in time. A later answer is ignored.
    #[error("Invocation canceled by the server.")]
    TimedOut,
    /// The client answered with an error, whose text may be empty.
    #[error("{0}")]
    Client(String),
    /// The answer is not of the type that was asked for.
    #[error("Error trying to deserialize result to {wanted}. {source}")]
    Decode {
        /// The type, by its .NET name where it has one.
        wanted: &'static str,
        /// What was wrong.
        source: ProtocolError,
    },
    /// A connect handler asked, before whose end its own client is not read.
    #[error("Client results inside OnConnectedAsync Hub methods are not allowed.")]
    Connecting,
    /// The arguments could not be encoded.
    #[error("the invocation could not be encoded")]
    Encode(#[from] EncodeError),
    /// The backplane did not take the question to the node that has the connection.
    #[error("the backplane did not take the invocation")]
    Broker(#[from] BrokerError),
}

/// Takes the outcome, or `None` when the connection has gone.
type Settle = Box<dyn FnOnce(Option<Outcome<'_>>) + Send>;

/// The questions that a hub's clients have not answered yet.
#[derive(Default)]
pub(crate) struct Results {
    next: AtomicU64,
    pending: Mutex<HashMap<String, Pending>>,
}

struct Pending {
    serial: u64,
    settle: Settle,
}

/// Whose answer a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It was asked for.
    Settled,
    /// Nobody waits for it.
    Unknown,
    /// Another connection was asked.
    Foreign,
}

/// Withdraws a question when it is dropped.
struct Question<'a> {
    results: &'a Results,
    invocation: &'a str,
    connection: &'a Connection,
}

impl Results {
    /// Calls a method on a client and waits for its result, for as long as the deadline at most.
    /// Dropping the future withdraws the question; the client is not told.
    pub(crate) async fn ask<R, A>(
        &self,
        connection: &Arc<Connection>,
        method: &str,
        arguments: &A,
        deadline: Duration,
    ) -> Result<R, InvokeError>
    where
        R: DeserializeOwned + Send + 'static,
        A: Serialize + ?Sized,
    {
        let invocation = self.name("s");
        let write = |protocol, out: &mut Vec<u8>| {
            encode_invocation(protocol, out, Some(&invocation), method, arguments)
        };
        let (id, take) = (connection.id(), read::<R>);
        self.put(connection, &invocation, write, deadline, move |outcome| {
            take(outcome, id)
        })
        .await
    }

    /// A name for a question, which no other of this node has.
    pub(crate) fn name(&self, prefix: impl Display) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{prefix}{number}")
    }

    /// Puts the question that `write` appends to a client, and gives the outcome to `take`, which
    /// gets none when the connection goes first.
    pub(crate) async fn put<T: Send + 'static>(
        &self,
        connection: &Arc<Connection>,
        invocation: &str,
        write: impl FnOnce(Protocol, &mut Vec<u8>) -> Result<(), EncodeError>,
        deadline: Duration,
        take: impl FnOnce(Option<Outcome<'_>>) -> Result<T, InvokeError> + Send + 'static,
    ) -> Result<T, InvokeError> {
        let id = connection.id();
        let (sender, receiver) = oneshot::channel();
        let settle: Settle = Box::new(move |outcome| {
            // Whoever asked may have given up meanwhile.
            let _ = sender.send(take(outcome));
        });
        // Counted first: whoever sees the entry sees that the connection is asked.
        connection.asked(1);
        self.pending.lock().insert(
            invocation.to_owned(),
            Pending {
                serial: connection.serial(),
                settle,
            },
        );
        let _question = Question {
            results: self,
            invocation,
            connection,
        };
        let mut encoded = Ok(());
        connection.send_with(|protocol, out| encoded = write(protocol, out));
        encoded?;
        if connection.ending().is_some() {
            return Err(InvokeError::Disconnected(id));
        }
        // It may have stopped reading because of its backlog, and now it must not.
        connection.wake();
        match tokio::time::timeout(deadline, receiver).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(InvokeError::Disconnected(id)),
            Err(_) => Err(InvokeError::TimedOut),
        }
    }

    /// Takes a client's completion.
    pub(crate) fn settle(&self, serial: u64, id: &str, outcome: Outcome<'_>) -> Answered {
        let mut pending = self.pending.lock();
        match pending.get(id) {
            None => return Answered::Unknown,
            Some(asked) if asked.serial != serial => return Answered::Foreign,
            Some(_) => {}
        }
        let asked = pending.remove(id);
        drop(pending);
        if let Some(asked) = asked {
            // The type's own code may panic, and it runs in the connection's task.
            let settled = catch_unwind(AssertUnwindSafe(|| (asked.settle)(Some(outcome))));
            if settled.is_err() {
                tracing::error!(id, "reading a client's answer panicked");
            }
        }
        Answered::Settled
    }

    /// The connection has gone: nobody waits for it any longer.
    pub(crate) fn abandon(&self, connection: &Connection) {
        let serial = connection.serial();
        let gone: Vec<_> = {
            // Behind the lock, so that a question put at this moment is seen here or sees the end.
            let mut pending = self.pending.lock();
            if !connection.is_asked() {
                return;
            }
            pending
                .extract_if(|_, asked| asked.serial == serial)
                .collect()
        };
        for (_, asked) in gone {
            (asked.settle)(None);
        }
    }
}

/// What an outcome is to whoever asked for an `R`.
pub(crate) fn read<R: DeserializeOwned>(
    outcome: Option<Outcome<'_>>,
    id: ConnectionId,
) -> Result<R, InvokeError> {
    match outcome {
        None => Err(InvokeError::Disconnected(id)),
        Some(Outcome::Error(text)) => Err(InvokeError::Client(text.into_owned())),
        Some(Outcome::Void) => Err(InvokeError::Client(String::new())),
        Some(Outcome::Result(value)) => value.decode().map_err(|source| InvokeError::Decode {
            wanted: official_name::<R>(),
            source,
        }),
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.results.pending.lock().remove(self.invocation);
        self.connection.asked(-1);
    }
}
