//! Two nodes of the examination's own.

use std::sync::Arc;

use mesahub_broker::{Broker, Finding, Inbox, InboxShard, LogBounds, Topic};
use uuid::Uuid;

use crate::broker::{self, OpenError};
use crate::config::Backplane;
use crate::doctor::trouble::with_causes;

/// Deliveries that may wait at the listener, more than are ever on their way.
const WAITING: usize = 64;

/// A node that publishes and one that listens. They are the same where there is no server to join
/// them.
pub(super) struct Pair {
    pub(super) sender: Arc<dyn Broker>,
    pub(super) listener: Arc<dyn Broker>,
    pub(super) inbox: InboxShard,
    /// A name that nobody else uses.
    name: String,
}

impl Pair {
    /// Opens both as nodes are opened.
    pub(super) async fn open(backplane: &Backplane, bounds: &LogBounds) -> Result<Self, Finding> {
        let (listener, inbox) = node(backplane, bounds).await?;
        let sender = match listener.capabilities().separate_server {
            true => node(backplane, bounds).await?.0,
            false => Arc::clone(&listener),
        };
        Ok(Self {
            sender,
            listener,
            inbox,
            name: format!("mesahub:doctor:{}", Uuid::now_v7()),
        })
    }

    /// A topic for one purpose.
    pub(super) fn topic(&self, purpose: &str) -> Topic {
        Topic::new(format!("{}:{purpose}", self.name)).expect("the name is short")
    }

    pub(super) async fn close(self) {
        self.sender.close().await;
        self.listener.close().await;
    }
}

async fn node(
    backplane: &Backplane,
    bounds: &LogBounds,
) -> Result<(Arc<dyn Broker>, InboxShard), Finding> {
    let (inbox, mut shards) = Inbox::new(1, WAITING);
    let opened = broker::open(backplane, bounds.clone(), inbox).await;
    let broker = opened.map_err(|error| not_opened(&error))?;
    let shard = shards.pop().expect("an inbox has a shard");
    Ok((broker, shard))
}

fn not_opened(error: &OpenError) -> Finding {
    Finding::failed(
        "node",
        with_causes(error),
        "do what it says: no node can start like this",
    )
}
