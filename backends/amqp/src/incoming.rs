//! The connection on which messages come, kept by a task.
//!
//! ```text
//!   exchange ──► this node's queue ─► queue   ─┐
//!   stream of all logged items ─────► stream  ─┼─► inbox
//!   questions, what was dropped ────► control ─┘
//!
//!   lost: back-off, connect, declare and bind everything again, then a gap
//! ```

use std::sync::Arc;

use lapin::Channel;
use lapin::types::ShortString;
use mesahub_broker::{BrokerError, Inbox};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::member::{Member, lost};
use crate::session::Session;

/// What the calls of a broker need of the connection.
#[derive(Clone)]
pub(crate) struct Incoming {
    /// For bindings and for what is asked of RabbitMQ itself.
    pub(crate) channel: Channel,
    /// This node's own queue.
    pub(crate) queue: ShortString,
    /// The queue for questions and answers.
    pub(crate) control: ShortString,
    /// Which connection it is, counted from zero.
    pub(crate) session: u64,
}

/// The state of the connection.
pub(crate) type State = Result<Incoming, BrokerError>;

/// Serves until told to stop, on this connection first.
pub(crate) async fn keep(
    member: Arc<Member>,
    inbox: Inbox,
    state: watch::Sender<State>,
    first: Session,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(&member.config);
    let mut connected = Some(first);
    let mut number = 0;
    loop {
        let error = match connected.take() {
            Some(session) => {
                let _ = state.send_replace(Ok(session.incoming()));
                let serving = session.serve(&member, &inbox);
                let Some(error) = stop.run_until_cancelled(serving).await else {
                    let _ = state.send_replace(Err(BrokerError::Closed));
                    member.cut_off();
                    session.close().await;
                    return;
                };
                if session.has_served() {
                    backoff.reset();
                }
                session.abort();
                let _ = state.send_replace(Err(lost()));
                member.cut_off();
                error
            }
            None => {
                number += 1;
                let opening = Session::open(&member, number);
                match stop.run_until_cancelled(opening).await {
                    Some(Ok(session)) => {
                        connected = Some(session);
                        continue;
                    }
                    Some(Err(error)) => error,
                    None => break,
                }
            }
        };
        let pause = backoff.next();
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            ?pause,
            "lost RabbitMQ"
        );
        let _ = state.send_replace(Err(error.into_broker()));
        if stop.run_until_cancelled(sleep(pause)).await.is_none() {
            break;
        }
    }
    let _ = state.send_replace(Err(BrokerError::Closed));
}
