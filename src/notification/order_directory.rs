//! Which session an order belongs to, known on whatever node it was named.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::auth::{OrderId, SessionId, TenantKey};
use crate::channel::{OrderDirectory, RecentOrders};
use crate::hub::Node;
use crate::hub::peers::{Service, join, split};

const SERVICE: &str = "orders";

/// How long a customer waits for nodes that do not answer.
const DEADLINE: Duration = Duration::from_secs(2);

/// The orders that any node has lately seen named together with their session.
///
/// Asks the other nodes only about what this one does not know.
pub struct ClusterOrders {
    node: Arc<Node>,
    recent: Arc<Answering>,
}

/// What this node knows, to the others.
struct Answering(Arc<RecentOrders>);

#[derive(Serialize, Deserialize)]
struct Question(TenantKey, OrderId);

#[derive(Serialize, Deserialize)]
struct Reply(Option<SessionId>);

impl ClusterOrders {
    /// The directory of a node that has seen these, and that answers the others from now on for
    /// as long as it lives.
    #[must_use]
    pub fn new(node: &Arc<Node>, recent: Arc<RecentOrders>) -> Self {
        let recent = Arc::new(Answering(recent));
        let service = Arc::downgrade(&recent);
        node.peers().serve(SERVICE, service);
        Self {
            node: Arc::clone(node),
            recent,
        }
    }
}

#[async_trait]
impl OrderDirectory for ClusterOrders {
    async fn session_of(&self, tenant: &TenantKey, order: &OrderId) -> Option<SessionId> {
        if let Some(session) = self.recent.0.session_of(tenant, order).await {
            return Some(session);
        }
        let question = join(&Question(tenant.clone(), *order), &[]);
        let peers = self.node.peers();
        let answers = match peers.ask_others(SERVICE, &question, DEADLINE).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::warn!(%error, "the other nodes cannot be asked about an order");
                return None;
            }
        };
        let session = answers.iter().find_map(|answer| {
            let (Reply(session), _) = split(answer)?;
            session
        })?;
        self.recent.0.remember(tenant, *order, session);
        Some(session)
    }
}

#[async_trait]
impl Service for Answering {
    async fn asked(&self, question: Bytes) -> Bytes {
        let session = match split(&question) {
            Some((Question(tenant, order), _)) => self.0.session_of(&tenant, &order).await,
            None => None,
        };
        join(&Reply(session), &[])
    }
}
