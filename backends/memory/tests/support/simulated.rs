//! A server that can be taken away, played by a network whose nodes are cut off from it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, Gap, GapScope, Inbox, LogBounds, LogPage, MAX_PAYLOAD,
    Position, Publication, Published, Topic,
    conformance::{Fault, Harness, Node},
};
use mesahub_memory::{MemoryBroker, MemoryNetwork};

use super::memory::{BOUNDS, Memory};

/// The server, and the harness around it.
pub struct Simulated {
    server: Arc<Server>,
    flaw: Flaw,
}

/// How a restart goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It does not.
    Nothing,
    /// Nodes do not find their subscriptions again.
    Forgets,
    /// Nodes are not told that they may have missed something.
    HidesTheGap,
    /// What was unsubscribed comes back.
    Revives,
    /// While it is away, nodes say that it refuses, which nobody retries.
    Discourages,
}

struct Server {
    network: MemoryNetwork,
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    away: bool,
    next: u64,
    by_id: HashMap<u64, Member>,
}

struct Member {
    inbox: Inbox,
    topics: HashSet<Topic>,
    /// `None` while the server is away.
    link: Option<Arc<MemoryBroker>>,
}

/// A node of the server.
struct Client {
    server: Arc<Server>,
    flaw: Flaw,
    id: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            network: Memory::network(),
            members: Mutex::default(),
        }
    }
}

impl Simulated {
    pub fn new(flaw: Flaw) -> Self {
        let server = Arc::new(Server::default());
        Self { server, flaw }
    }
}

impl Server {
    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap()
    }
}

#[async_trait]
impl Harness for Simulated {
    async fn node(&self) -> Node {
        let (inbox, shards) = Inbox::new(3, 64);
        let mut members = self.server.members();
        members.next += 1;
        let id = members.next;
        let link = Some(Arc::new(MemoryBroker::join(
            &self.server.network,
            inbox.clone(),
        )));
        let topics = HashSet::new();
        let member = Member {
            inbox,
            topics,
            link,
        };
        members.by_id.insert(id, member);
        let client = Client {
            server: Arc::clone(&self.server),
            flaw: self.flaw,
            id,
        };
        Node::new(client, shards)
    }

    fn bounds(&self) -> LogBounds {
        BOUNDS
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }

    fn fault(&self) -> Option<&dyn Fault> {
        Some(self)
    }
}

#[async_trait]
impl Fault for Simulated {
    async fn stop(&self) {
        let mut members = self.server.members();
        members.away = true;
        for member in members.by_id.values_mut() {
            member.link = None;
        }
    }

    async fn start(&self) {
        let mut told = Vec::new();
        {
            let mut members = self.server.members();
            members.away = false;
            for member in members.by_id.values_mut() {
                let link = MemoryBroker::join(&self.server.network, member.inbox.clone());
                let topics = member.topics.iter().cloned().collect::<Vec<_>>();
                let link = Arc::new(link);
                member.link = Some(Arc::clone(&link));
                told.push((member.inbox.clone(), link, topics));
            }
        }
        for (inbox, link, topics) in told {
            if self.flaw != Flaw::Forgets {
                link.subscribe(&topics).await.unwrap();
            }
            if self.flaw != Flaw::HidesTheGap {
                let topics = GapScope::All;
                // A node that nobody reads any more need not be told.
                let _ = inbox.gap(Gap { topics }).await;
            }
        }
    }
}

impl Client {
    fn link(&self) -> Result<Arc<MemoryBroker>, BrokerError> {
        let members = self.server.members();
        let member = members.by_id.get(&self.id).ok_or(BrokerError::Closed)?;
        let away = || match self.flaw {
            Flaw::Discourages => BrokerError::rejected("the server is away"),
            _ => BrokerError::unavailable("the server is away"),
        };
        member.link.clone().ok_or_else(away)
    }

    fn note(&self, change: impl FnOnce(&mut HashSet<Topic>)) {
        if let Some(member) = self.server.members().by_id.get_mut(&self.id) {
            change(&mut member.topics);
        }
    }
}

#[async_trait]
impl Broker for Client {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        match self.link() {
            Ok(link) => link.publish(batch).await,
            Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.link()?.subscribe(topics).await?;
        self.note(|kept| kept.extend(topics.iter().cloned()));
        Ok(())
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.link()?.unsubscribe(topics).await?;
        if self.flaw != Flaw::Revives {
            self.note(|kept| kept.retain(|topic| !topics.contains(topic)));
        }
        Ok(())
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        self.link()?.subscriber_count(topic).await
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        self.link()?.read_log(topic, after, limit).await
    }

    async fn health(&self) -> Result<(), BrokerError> {
        self.link()?.health().await
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            log: true,
            log_survives_restart: true,
            exact_subscriber_count: true,
            separate_server: true,
            max_payload: MAX_PAYLOAD,
        }
    }

    async fn close(&self) {
        let member = self.server.members().by_id.remove(&self.id);
        if let Some(link) = member.and_then(|member| member.link) {
            link.close().await;
        }
    }
}
