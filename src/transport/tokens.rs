//! The negotiated connections that wait for their transport, and those that have one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use mesahub_protocol::TransportKind;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::hub::{ConnectionId, ConnectionToken};
use crate::limits::{Handshake, Place, Refused};
use crate::transport::limits::shake_hands;
use crate::transport::options::TransportOptions;
use crate::transport::pipe::Pipe;
use crate::transport::stateful::Sending;

/// How many may wait at once. A client that finds the table full is told to come back later.
const MOST: usize = 100_000;

/// How many of them may have sent bytes already, which are kept for them.
const MOST_EARLY: usize = 1_000;

/// The connection tokens of one endpoint.
pub(crate) struct Tokens {
    options: TransportOptions,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    slots: HashMap<ConnectionToken, Slot>,
    /// The waiting ones, oldest first; entries whose slot has moved on are skipped.
    waiting: VecDeque<(Instant, ConnectionToken)>,
    /// How many of the waiting ones have a pipe.
    early: usize,
}

struct Slot {
    id: ConnectionId,
    user: Option<Arc<str>>,
    transport: Option<TransportKind>,
    pipe: Option<Arc<Pipe>>,
    /// Set if the connection may change its socket.
    stateful: Option<Arc<Sending>>,
    /// Given back when the slot is.
    place: Option<Place>,
}

/// A WebSocket for a connection.
pub(crate) enum Socketed {
    /// Its first.
    New {
        id: ConnectionId,
        stateful: Option<Arc<Sending>>,
        handshake: Option<Handshake>,
        attachment: Attachment,
    },
    /// Another one, after it has lost the one before.
    Next(Arc<Sending>),
}

/// What carries the connection of a token.
pub(crate) enum Held {
    /// No transport has come yet.
    Nothing,
    /// A WebSocket.
    Socket,
    /// Requests.
    Pipe(Arc<Pipe>),
}

/// A connection that requests carry.
pub(crate) enum Piped {
    /// This is its first GET.
    New {
        id: ConnectionId,
        pipe: Arc<Pipe>,
        handshake: Option<Handshake>,
        attachment: Attachment,
    },
    /// It is there already.
    Known(Arc<Pipe>),
}

/// Why a token does not open a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// There is no such connection, or it has waited too long.
    Unknown,
    /// It has a transport already.
    InUse,
    /// It was negotiated by another user.
    OtherUser,
    /// It is carried by another transport.
    OtherTransport,
    /// Too many have sent bytes without a transport.
    TooEarly,
    /// The node takes nobody at this moment.
    Refused(Refused),
}

/// Too many connections have been negotiated and wait for their transport.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Full;

/// A connection's hold on its token; dropping it forgets the token.
pub(crate) struct Attachment {
    tokens: Arc<Tokens>,
    token: ConnectionToken,
}

impl Tokens {
    pub(crate) fn new(options: TransportOptions) -> Self {
        Self {
            options,
            table: Mutex::default(),
        }
    }

    /// Whether connections may change their sockets.
    pub(crate) fn allow_stateful(&self) -> bool {
        self.options.stateful_reconnect
    }

    /// Remembers a negotiated connection.
    pub(crate) fn offer(
        &self,
        token: ConnectionToken,
        id: ConnectionId,
        user: Option<Arc<str>>,
        stateful: bool,
        place: Option<Place>,
    ) -> Result<(), Full> {
        let mut table = self.table.lock();
        self.forget_stale_of(&mut table);
        if table.waiting.len() >= MOST {
            return Err(Full);
        }
        let mut slot = Slot::new(id, user, None, place);
        let buffer = self.options.stateful_reconnect_buffer;
        slot.stateful = stateful.then(|| Arc::new(Sending::new(buffer)));
        table.slots.insert(token, slot);
        table.waiting.push_back((Instant::now(), token));
        Ok(())
    }

    /// Whether the token belongs to a connection of this user.
    pub(crate) fn knows(&self, token: ConnectionToken, user: Option<&str>) -> Result<(), Denied> {
        let mut table = self.table.lock();
        self.forget_stale_of(&mut table);
        table.slot(token, user).map(drop)
    }

    /// Attaches a WebSocket to a negotiated connection.
    pub(crate) fn attach_socket(
        self: &Arc<Self>,
        token: ConnectionToken,
        user: Option<&str>,
    ) -> Result<Socketed, Denied> {
        let mut table = self.table.lock();
        self.forget_stale_of(&mut table);
        let slot = table.slot(token, user)?;
        match slot.transport {
            None => {}
            Some(TransportKind::WebSockets) => {
                let open = slot.stateful.as_ref().filter(|sending| sending.is_open());
                return open
                    .map(|open| Socketed::Next(Arc::clone(open)))
                    .ok_or(Denied::InUse);
            }
            Some(_) => return Err(Denied::OtherTransport),
        }
        let handshake = shake_hands(slot.place.as_ref()).map_err(Denied::Refused)?;
        slot.transport = Some(TransportKind::WebSockets);
        let (id, stateful) = (slot.id, slot.stateful.clone());
        let early = slot.pipe.take().is_some();
        table.early -= usize::from(early);
        Ok(Socketed::New {
            id,
            stateful,
            handshake,
            attachment: self.attachment(token),
        })
    }

    /// Attaches a request to a connection that requests carry.
    pub(crate) fn attach_pipe(
        self: &Arc<Self>,
        token: ConnectionToken,
        user: Option<&str>,
        kind: TransportKind,
    ) -> Result<Piped, Denied> {
        let mut table = self.table.lock();
        self.forget_stale_of(&mut table);
        let slot = table.slot(token, user)?;
        if slot.transport.is_some_and(|known| known != kind) {
            return Err(Denied::OtherTransport);
        }
        let is_new = slot.transport.is_none();
        let handshake = match is_new {
            true => shake_hands(slot.place.as_ref()).map_err(Denied::Refused)?,
            false => None,
        };
        slot.transport = Some(kind);
        let was_early = is_new && slot.pipe.is_some();
        let pipe = slot
            .pipe
            .get_or_insert_with(|| Arc::new(Pipe::new(self.options)));
        let (id, pipe) = (slot.id, Arc::clone(pipe));
        table.early -= usize::from(was_early);
        Ok(if is_new {
            Piped::New {
                id,
                pipe,
                handshake,
                attachment: self.attachment(token),
            }
        } else {
            Piped::Known(pipe)
        })
    }

    /// What carries the connection of a token. `is_sending` makes room for the bytes of one that
    /// has no transport yet.
    pub(crate) fn held_by(
        &self,
        token: ConnectionToken,
        user: Option<&str>,
        is_sending: bool,
    ) -> Result<Held, Denied> {
        let mut table = self.table.lock();
        self.forget_stale_of(&mut table);
        let early = table.early;
        let slot = table.slot(token, user)?;
        if slot.transport == Some(TransportKind::WebSockets) {
            return Ok(Held::Socket);
        }
        if let Some(pipe) = &slot.pipe {
            return Ok(Held::Pipe(Arc::clone(pipe)));
        }
        if !is_sending {
            return Ok(Held::Nothing);
        }
        if early >= MOST_EARLY {
            return Err(Denied::TooEarly);
        }
        let pipe = Arc::new(Pipe::new(self.options));
        slot.pipe = Some(Arc::clone(&pipe));
        table.early += 1;
        Ok(Held::Pipe(pipe))
    }

    /// Remembers a connection that came over a WebSocket without negotiation.
    pub(crate) fn claim(
        self: &Arc<Self>,
        id: ConnectionId,
        user: Option<Arc<str>>,
        place: Option<Place>,
    ) -> Attachment {
        let token = ConnectionToken::same_as(id);
        let slot = Slot::new(id, user, Some(TransportKind::WebSockets), place);
        self.table.lock().slots.insert(token, slot);
        self.attachment(token)
    }

    fn attachment(self: &Arc<Self>, token: ConnectionToken) -> Attachment {
        Attachment {
            tokens: Arc::clone(self),
            token,
        }
    }

    /// Forgets those that have waited too long for their transport.
    pub(crate) fn forget_stale(&self) {
        self.forget_stale_of(&mut self.table.lock());
    }

    fn forget_stale_of(&self, table: &mut Table) {
        while let Some((since, token)) = table.waiting.front().copied() {
            let slot = table.slots.get(&token);
            let waits = slot.is_some_and(|slot| slot.transport.is_none());
            if waits && since.elapsed() < self.options.disconnect_timeout {
                break;
            }
            table.waiting.pop_front();
            if waits && let Some(pipe) = table.slots.remove(&token).and_then(|slot| slot.pipe) {
                table.early -= 1;
                pipe.leave();
            }
        }
        if table.waiting.is_empty() && table.waiting.capacity() > 1024 {
            table.waiting = VecDeque::new();
        }
    }
}

impl Table {
    fn slot(&mut self, token: ConnectionToken, user: Option<&str>) -> Result<&mut Slot, Denied> {
        let slot = self.slots.get_mut(&token).ok_or(Denied::Unknown)?;
        if slot.user.as_deref() == user {
            Ok(slot)
        } else {
            Err(Denied::OtherUser)
        }
    }
}

impl Slot {
    fn new(
        id: ConnectionId,
        user: Option<Arc<str>>,
        transport: Option<TransportKind>,
        place: Option<Place>,
    ) -> Self {
        Self {
            id,
            user,
            transport,
            pipe: None,
            stateful: None,
            place,
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.tokens.table.lock().slots.remove(&self.token);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::time::Duration;

    use mesahub_protocol::TransportKind;

    use super::{Denied, Held, MOST_EARLY, Piped, Socketed, Tokens};
    use crate::hub::{ConnectionId, ConnectionToken};
    use crate::transport::options::TransportOptions;

    const PATIENCE: Duration = Duration::from_secs(15);

    fn tokens() -> Arc<Tokens> {
        Arc::new(Tokens::new(TransportOptions {
            disconnect_timeout: PATIENCE,
            ..TransportOptions::default()
        }))
    }

    fn offered(tokens: &Tokens) -> ConnectionToken {
        let token = ConnectionToken::random();
        tokens
            .offer(token, ConnectionId::random(), None, false, None)
            .unwrap();
        token
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_waited_too_long_is_unknown() {
        let tokens = tokens();
        let token = offered(&tokens);
        tokio::time::advance(PATIENCE).await;
        let attached = tokens.attach_socket(token, None);
        assert_eq!(attached.err(), Some(Denied::Unknown));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_opens_once_at_a_time_and_only_for_its_user() {
        let (tokens, token) = (tokens(), ConnectionToken::random());
        let id = ConnectionId::random();
        tokens
            .offer(token, id, Some("pizza:ann".into()), false, None)
            .unwrap();
        assert_eq!(
            tokens.attach_socket(token, Some("pizza:bob")).err(),
            Some(Denied::OtherUser)
        );
        let Ok(Socketed::New {
            id: attached,
            attachment: hold,
            ..
        }) = tokens.attach_socket(token, Some("pizza:ann"))
        else {
            panic!("the first socket is taken")
        };
        assert_eq!(attached, id);
        assert_eq!(
            tokens.attach_socket(token, Some("pizza:ann")).err(),
            Some(Denied::InUse)
        );
        tokio::time::advance(PATIENCE * 2).await;
        assert_eq!(tokens.knows(token, Some("pizza:ann")), Ok(()));
        drop(hold);
        assert_eq!(tokens.knows(token, Some("pizza:ann")), Err(Denied::Unknown));
    }

    #[tokio::test]
    async fn the_first_get_settles_the_transport() {
        let tokens = tokens();
        let token = offered(&tokens);
        let first = tokens.attach_pipe(token, None, TransportKind::LongPolling);
        assert!(matches!(first, Ok(Piped::New { .. })));
        let second = tokens.attach_pipe(token, None, TransportKind::LongPolling);
        assert!(matches!(second, Ok(Piped::Known(_))));
        let other = tokens.attach_pipe(token, None, TransportKind::ServerSentEvents);
        assert_eq!(other.err(), Some(Denied::OtherTransport));
        let other = tokens.attach_socket(token, None);
        assert_eq!(other.err(), Some(Denied::OtherTransport));
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_may_send_before_they_connect() {
        let tokens = tokens();
        let early: Vec<_> = (0..MOST_EARLY).map(|_| offered(&tokens)).collect();
        for token in &early {
            let held = tokens.held_by(*token, None, true);
            assert!(matches!(held, Ok(Held::Pipe(_))));
        }
        let late = offered(&tokens);
        let held = tokens.held_by(late, None, true);
        assert_eq!(held.err(), Some(Denied::TooEarly));
        let attached = tokens.attach_pipe(early[0], None, TransportKind::LongPolling);
        assert!(attached.is_ok());
        assert!(tokens.held_by(late, None, true).is_ok());
        tokio::time::advance(PATIENCE).await;
        let token = offered(&tokens);
        assert!(tokens.held_by(token, None, true).is_ok());
    }
}
