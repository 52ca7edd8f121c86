//! What is served at an endpoint: a hub, or a handler of raw connections.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::auth::Principal;
use crate::connection::serve::Guest;
use crate::connection::{Link, RawApplication, serve, serve_raw};
use crate::hub::{ConnectionId, Hub, Node};
use crate::transport::tokens::Attachment;

/// The one that a connection is for.
#[derive(Clone)]
pub(crate) enum Application {
    Hub(Hub),
    Raw(Arc<RawApplication>),
}

impl Application {
    pub(crate) fn node(&self) -> &Arc<Node> {
        match self {
            Self::Hub(hub) => hub.node(),
            Self::Raw(raw) => raw.node(),
        }
    }

    /// An id for another connection.
    pub(crate) fn new_id(&self) -> ConnectionId {
        ConnectionId::of(self.node().id())
    }

    /// Its name in logs.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Hub(hub) => hub.name(),
            Self::Raw(raw) => raw.name(),
        }
    }

    /// The largest message of a client in bytes, if there is a bound.
    pub(crate) fn largest_message(&self) -> Option<usize> {
        match self {
            Self::Hub(hub) => hub.options().maximum_receive_message_size,
            Self::Raw(_) => None,
        }
    }

    /// When a connection of this principal has to end, in milliseconds of the node's clock.
    pub(crate) fn expiry(&self, principal: &Principal) -> Option<u64> {
        match self {
            Self::Hub(hub) => hub.expiry(principal),
            Self::Raw(raw) => raw.expiry(principal),
        }
    }

    /// Starts the task that serves one connection from its first byte to its last, and then
    /// forgets its token.
    pub(crate) fn start<L: Link + 'static>(self, guest: Guest, link: L, attachment: Attachment) {
        let tasks = self.node().tasks().clone();
        match self {
            Self::Hub(hub) => {
                tasks.spawn(serve(hub, guest, link).map(|()| drop(attachment)));
            }
            Self::Raw(raw) => {
                tasks.spawn(serve_raw(raw, guest, link).map(|()| drop(attachment)));
            }
        }
    }
}
