//! The negotiated connections that wait for their transport, and those that have one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::hub::{ConnectionId, ConnectionToken};

/// How long a negotiated connection waits for its transport.
const PATIENCE: Duration = Duration::from_secs(15);

/// How many may wait at once. A client that finds the table full is told to come back later.
const MOST: usize = 100_000;

/// The connection tokens of one endpoint.
#[derive(Default)]
pub(crate) struct Tokens {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    slots: HashMap<ConnectionToken, Slot>,
    /// The waiting ones, oldest first; entries whose slot has moved on are skipped.
    waiting: VecDeque<(Instant, ConnectionToken)>,
}

enum Slot {
    Waiting {
        id: ConnectionId,
        user: Option<Arc<str>>,
    },
    Attached,
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
    /// Remembers a negotiated connection.
    pub(crate) fn offer(
        &self,
        token: ConnectionToken,
        id: ConnectionId,
        user: Option<Arc<str>>,
    ) -> Result<(), Full> {
        let now = Instant::now();
        let mut table = self.table.lock();
        table.forget_stale(now);
        if table.waiting.len() >= MOST {
            return Err(Full);
        }
        table.slots.insert(token, Slot::Waiting { id, user });
        table.waiting.push_back((now, token));
        Ok(())
    }

    /// Attaches a transport to a negotiated connection.
    pub(crate) fn attach(
        self: &Arc<Self>,
        token: ConnectionToken,
        user: Option<&str>,
    ) -> Result<(ConnectionId, Attachment), Denied> {
        let mut table = self.table.lock();
        table.forget_stale(Instant::now());
        let id = match table.slots.get(&token) {
            None => return Err(Denied::Unknown),
            Some(Slot::Attached) => return Err(Denied::InUse),
            Some(Slot::Waiting {
                user: negotiated, ..
            }) if negotiated.as_deref() != user => {
                return Err(Denied::OtherUser);
            }
            Some(Slot::Waiting { id, .. }) => *id,
        };
        table.slots.insert(token, Slot::Attached);
        Ok((
            id,
            Attachment {
                tokens: Arc::clone(self),
                token,
            },
        ))
    }

    /// Remembers a connection that came without negotiation.
    pub(crate) fn claim(self: &Arc<Self>, id: ConnectionId) -> Attachment {
        let token = ConnectionToken::same_as(id);
        self.table.lock().slots.insert(token, Slot::Attached);
        Attachment {
            tokens: Arc::clone(self),
            token,
        }
    }

    /// Whether the token belongs to a connection, and if so whether that has a transport.
    pub(crate) fn is_attached(&self, token: ConnectionToken) -> Option<bool> {
        let mut table = self.table.lock();
        table.forget_stale(Instant::now());
        table
            .slots
            .get(&token)
            .map(|slot| matches!(slot, Slot::Attached))
    }
}

impl Table {
    fn forget_stale(&mut self, now: Instant) {
        while let Some((since, token)) = self.waiting.front().copied() {
            let waits = matches!(self.slots.get(&token), Some(Slot::Waiting { .. }));
            if waits && now.duration_since(since) < PATIENCE {
                break;
            }
            self.waiting.pop_front();
            if waits {
                self.slots.remove(&token);
            }
        }
        if self.waiting.is_empty() && self.waiting.capacity() > 1024 {
            self.waiting = VecDeque::new();
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

    use super::{Denied, PATIENCE, Tokens};
    use crate::hub::{ConnectionId, ConnectionToken};

    #[tokio::test(start_paused = true)]
    async fn a_token_that_waited_too_long_is_unknown() {
        let (tokens, token) = (Arc::new(Tokens::default()), ConnectionToken::random());
        tokens.offer(token, ConnectionId::random(), None).unwrap();
        tokio::time::advance(PATIENCE).await;
        assert_eq!(tokens.attach(token, None).err(), Some(Denied::Unknown));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_opens_once_at_a_time_and_only_for_its_user() {
        let (tokens, token) = (Arc::new(Tokens::default()), ConnectionToken::random());
        let id = ConnectionId::random();
        tokens.offer(token, id, Some("pizza:ann".into())).unwrap();
        assert_eq!(
            tokens.attach(token, Some("pizza:bob")).err(),
            Some(Denied::OtherUser)
        );
        let (attached, hold) = tokens.attach(token, Some("pizza:ann")).ok().unwrap();
        assert_eq!(attached, id);
        assert_eq!(
            tokens.attach(token, Some("pizza:ann")).err(),
            Some(Denied::InUse)
        );
        tokio::time::advance(PATIENCE * 2).await;
        assert_eq!(tokens.is_attached(token), Some(true));
        drop(hold);
        assert_eq!(tokens.is_attached(token), None);
    }
}
