//! How far a notification has come.

use serde::Serialize;

use crate::auth::TenantKey;
use crate::hub::{Cluster, ClusterError};
use crate::notification::{id::NotificationId, idempotency::IdempotencyKey};
use crate::telemetry::TraceParent;

/// What a publisher wants beside having a notification published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishOptions {
    /// Count the connections that it reaches, for a [`Receipt`] that may be read later.
    pub receipt: bool,
    /// Makes it safe to repeat the call: within
    /// [`idempotency_window`](super::NotificationOptions::idempotency_window) what was accepted is
    /// not accepted again, but answered with the id that it has. Of several notifications each has
    /// the key at its own place. A key of one tenant is none of another's.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Where it belongs in a trace. It travels to every node, whose logs then name the trace.
    pub trace_parent: Option<TraceParent>,
}

/// How many connections a notification was given to so far, on all nodes, live or to make up for
/// what the backplane had missed. A connection in several of its channels counts once. Given means
/// in the connection's outbox, the last place before its transport: what a slow client has yet to
/// read counts, and what a client reads with `Resume` does not.
///
/// It can be read for ten minutes, from any node, while the node that published is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The notification.
    pub id: NotificationId,
    /// The tenant that it was published for.
    #[serde(skip)]
    pub tenant_key: Option<TenantKey>,
    /// How many connections.
    pub connections: u64,
    /// On how many nodes they are.
    pub nodes: u64,
}

impl Receipt {
    /// Gathers what the nodes have counted; `None` when there is none.
    pub(crate) async fn read(
        cluster: &Cluster,
        id: NotificationId,
    ) -> Result<Option<Self>, ClusterError> {
        let found = cluster.receipt(id.as_uuid()).await?;
        Ok(found.map(|found| Self {
            id,
            tenant_key: found.owner.and_then(|tenant| tenant.parse().ok()),
            connections: found.connections,
            nodes: found.nodes,
        }))
    }
}
