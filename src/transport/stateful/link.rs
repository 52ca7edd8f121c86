//! The link that changes its socket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use mesahub_protocol::TransferFormat;
use tokio::time::Sleep;

use crate::connection::{Link, Received};
use crate::hub::carrier::Carrier;
use crate::hub::outbox::Wire;
use crate::hub::{Connection, Ending};
use crate::transport::stateful::receiving::{Outcome, Receiving};
use crate::transport::stateful::sending::Sending;
use crate::transport::websocket::WebSocketLink;

/// A WebSocket that may be exchanged for another one while the connection lives.
pub(crate) struct StatefulLink {
    sending: Arc<Sending>,
    receiving: Receiving,
    socket: WebSocketLink,
    /// Runs while there is no working socket: how much longer the client has to come back.
    absence: Option<Pin<Box<Sleep>>>,
    /// Runs while the socket does not take what is written: how much longer it may, and how much
    /// it had taken when that began.
    stuck: Option<(Pin<Box<Sleep>>, u64)>,
    disconnect_timeout: Duration,
}

impl StatefulLink {
    pub(crate) fn new(
        sending: Arc<Sending>,
        socket: WebSocketLink,
        limit: Option<usize>,
        disconnect_timeout: Duration,
    ) -> Self {
        Self {
            sending,
            receiving: Receiving::new(limit),
            socket,
            absence: None,
            stuck: None,
            disconnect_timeout,
        }
    }

    fn change_socket(&mut self, next: WebSocketLink) {
        tracing::debug!("a connection goes on over another socket");
        self.receiving.restart();
        self.sending.attach(next.carrier().wire);
        self.socket = next;
        self.absence = None;
        self.stuck = None;
    }

    /// The client may come back over another socket from now on.
    fn lose_socket(&mut self, why: &str) {
        tracing::debug!(why, "a connection has lost its socket and may come back");
        self.sending.detach();
        self.stuck = None;
        self.absence = Some(Box::pin(tokio::time::sleep(self.disconnect_timeout)));
    }

    /// Writes what is on its way. Whether the socket has taken nothing of it for the send timeout.
    fn is_stuck(&mut self, context: &mut Context<'_>) -> bool {
        if self.sending.drain() {
            self.stuck = None;
            return false;
        }
        // Registers for when the socket takes more; reading goes on meanwhile.
        let _ = self.socket.poll_writable(context);
        let progress = self.sending.progress();
        if !matches!(self.stuck, Some((_, then)) if then == progress) {
            let patience = Duration::from_millis(self.socket.carrier().send_timeout);
            self.stuck = Some((Box::pin(tokio::time::sleep(patience)), progress));
        }
        let stuck = self.stuck.as_mut();
        stuck.is_some_and(|(deadline, _)| deadline.as_mut().poll(context).is_ready())
    }

    fn act(&self, outcome: &Outcome, context: &Context<'_>) {
        if let Some(protocol) = outcome.begun {
            self.sending.track(protocol);
        }
        if let Some(number) = outcome.acknowledged {
            self.sending.acknowledged(number);
            // There may be room for what waits in the outbox.
            context.waker().wake_by_ref();
        }
        if let Some(number) = outcome.to_tell {
            self.sending.acknowledge(number);
        }
        if outcome.is_closing {
            self.sending.close();
        }
    }
}

impl Link for StatefulLink {
    fn carrier(&self) -> Carrier {
        Carrier {
            wire: Arc::clone(&self.sending) as Arc<dyn Wire>,
            // What waits for the client to come back is no sign of a client that does not read;
            // the link itself sees to the socket that it has.
            send_timeout: u64::MAX,
            ..self.socket.carrier()
        }
    }

    fn admitted(&self, connection: &Arc<Connection>) {
        self.sending
            .belongs_to(connection, self.socket.carrier().wire);
        self.socket.admitted(connection);
    }

    fn formats(&self) -> &'static [TransferFormat] {
        self.socket.formats()
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        loop {
            if let Some(next) = self.sending.take_next() {
                self.change_socket(next);
            }
            if self.absence.is_none() && self.is_stuck(context) {
                let why = "the client took no bytes for the send timeout";
                if !self.sending.is_open() {
                    return Poll::Ready(Received::Lost(why.to_owned()));
                }
                self.lose_socket(why);
            }
            if let Some(absence) = &mut self.absence {
                if absence.as_mut().poll(context).is_ready() || !self.sending.is_open() {
                    self.sending.close();
                    return Poll::Ready(Received::Lost("the client did not come back".to_owned()));
                }
                return Poll::Pending;
            }
            match self.socket.poll_receive(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Received::Chunk(chunk)) => match self.receiving.take(&chunk) {
                    Ok(outcome) => {
                        self.act(&outcome, context);
                        // Also when nothing is passed on: the client has been heard, and others
                        // get their turn.
                        return Poll::Ready(Received::Chunk(outcome.passed.into()));
                    }
                    Err(text) => {
                        self.sending.close();
                        return Poll::Ready(Received::Broken(text));
                    }
                },
                Poll::Ready(Received::Answer(bytes)) => self.sending.answer(bytes),
                Poll::Ready(Received::Lost(text)) => {
                    if !self.sending.is_open() {
                        return Poll::Ready(Received::Lost(text));
                    }
                    self.lose_socket(&text);
                }
                Poll::Ready(last) => {
                    self.sending.close();
                    return Poll::Ready(last);
                }
            }
        }
    }

    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.sending.drain() {
            if self.sending.has_room() {
                return Poll::Ready(Ok(()));
            }
            // An acknowledgement wakes the task.
            return Poll::Pending;
        }
        self.socket.poll_writable(context)
    }

    fn farewell(&self) -> Bytes {
        self.socket.farewell()
    }

    fn stop_receiving(&self) {
        self.sending.close();
    }

    fn finish(&self, ending: &Ending) {
        self.socket.finish(ending);
    }

    fn patience(&self, ending: &Ending) -> Duration {
        self.socket.patience(ending)
    }
}
