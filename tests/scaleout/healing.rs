//! What the backplane loses between the nodes is made up for by the nodes, without a client doing
//! anything.

use std::sync::Arc;

use async_trait::async_trait;
use mesahub::auth::{Role, TokenSpec};
use mesahub::notification::NotificationService;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, LogPage, Position, Publication, Published, Topic,
};
use parking_lot::Mutex;
use serde_json::json;
use uuid::Uuid;

use crate::client::Client;
use crate::fleet::{Fleet, signed, within};

/// The broker of a node that can stop delivering without a word.
pub(crate) struct Deaf {
    inner: Arc<dyn Broker>,
    topics: Mutex<Vec<Topic>>,
}

impl Deaf {
    pub(crate) fn new(inner: Arc<dyn Broker>) -> Self {
        Self {
            inner,
            topics: Mutex::default(),
        }
    }

    /// Delivers nothing more to groups, until it is asked anew.
    pub(crate) async fn fall_silent(&self) {
        let mut topics = self.topics.lock().clone();
        topics.retain(|topic| topic.as_str().contains(":group:"));
        self.inner.unsubscribe(&topics).await.unwrap();
    }
}

#[async_trait]
impl Broker for Deaf {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        self.inner.publish(batch).await
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.topics.lock().extend_from_slice(topics);
        self.inner.subscribe(topics).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.topics.lock().retain(|topic| !topics.contains(topic));
        self.inner.unsubscribe(topics).await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        self.inner.subscriber_count(topic).await
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        self.inner.read_log(topic, after, limit).await
    }

    async fn health(&self) -> Result<(), BrokerError> {
        self.inner.health().await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// An admin's client on each node.
pub(crate) async fn admins(fleet: &Fleet) -> Vec<Client> {
    let mut clients = Vec::new();
    for (place, node) in fleet.nodes.iter().enumerate() {
        let token = signed(&TokenSpec {
            tenant: Some("pizza".parse().unwrap()),
            user: Some(format!("anna-{place}").parse().unwrap()),
            roles: vec![Role::Admin],
            ..TokenSpec::default()
        });
        clients.push(Client::connect(node.address, &token).await);
    }
    clients
}

/// Publishes on one node; the ids.
pub(crate) async fn publish(fleet: &Fleet, node: usize, count: usize) -> Vec<String> {
    let event = json!({
        "type": "TableStatusChanged", "tenantKey": "pizza",
        "tableId": Uuid::nil(), "isOccupied": true,
    });
    let mut ids = Vec::new();
    for _ in 0..count {
        let event = serde_json::from_value(event.clone()).unwrap();
        let published = fleet.nodes[node].service.notify(event);
        let id = within("a publish", published).await.unwrap();
        ids.push(id.to_string());
    }
    fleet.nodes[node].service.flush().await;
    ids
}

/// Waits until a client has heard this many, and compares.
pub(crate) async fn expect(client: &Client, ids: &[String]) {
    let enough = client.until_heard(|heard| (heard.len() >= ids.len()).then_some(()));
    within("what was published", enough).await;
    let heard = client.heard();
    let heard: Vec<&str> = heard.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(heard, ids);
}

/// Silences the first node's broker, and expects that the inspection finds it.
pub(crate) async fn silence_is_found(fleet: Fleet, deaf: &Deaf) {
    let clients = admins(&fleet).await;
    let mut all = publish(&fleet, 1, 3).await;
    expect(&clients[0], &all).await;
    deaf.fall_silent().await;
    all.extend(publish(&fleet, 1, 5).await);
    for client in &clients {
        expect(client, &all).await;
    }
    all.extend(publish(&fleet, 2, 1).await);
    for client in &clients {
        expect(client, &all).await;
    }
    let counters = fleet.nodes[0].hub.node().counters();
    assert!(counters.silent.value() >= 1 && counters.lost.value() == 0);
    drop(clients);
    fleet.stop().await;
}
