//! Nodes without sockets: one with a journalled service whose broker may be away, and one that hears
//! what it publishes.

use std::sync::Arc;
use std::time::Duration;

use mesahub::channel::RecentOrders;
use mesahub::hub::{Hub, HubOptions, Node, Subscription};
use mesahub::journal::{SqliteJournal, Sync};
use mesahub::notification::{
    Event, HubNotificationService, JournalOptions, NotificationOptions, PublishOptions,
    notification_hub,
};
use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::gate::{Gate, Mood};
use crate::store::File;

pub(crate) const ADMINS: &str = "tenant:pizza:admins";

const ORDER: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

/// Longer than anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const ROOMY: JournalOptions = JournalOptions {
    max_count: 100_000,
    max_bytes: 64 * 1024 * 1024,
    grouped: true,
};

pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    let waited = timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// What joins the nodes, and the file of the one that publishes.
pub(crate) struct Stage {
    network: MemoryNetwork,
    pub(crate) file: File,
}

/// A node that publishes.
pub(crate) struct Publisher {
    pub(crate) gate: Arc<Gate>,
    pub(crate) service: HubNotificationService,
    node: Arc<Node>,
}

/// Hears a group.
pub(crate) struct Ear {
    tables: mpsc::Receiver<String>,
    _hub: Hub,
    _subscription: Subscription,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            network: MemoryNetwork::new(MemoryConfig::default()),
            file: File::new(),
        }
    }

    /// Starts a node around the journal as it is, with the broker in this mood.
    pub(crate) fn publisher(&self, mood: Mood, options: JournalOptions) -> Publisher {
        self.publisher_with(mood, options, NotificationOptions::default())
    }

    pub(crate) fn publisher_with(
        &self,
        mood: Mood,
        options: JournalOptions,
        notifications: NotificationOptions,
    ) -> Publisher {
        let (node, hub, gate) = self.node(mood);
        let orders = Arc::new(RecentOrders::default());
        let window = notifications.idempotency_window;
        let store = SqliteJournal::open(&self.file.path, Sync::Always, window).unwrap();
        let service = HubNotificationService::with_journal(
            hub,
            orders,
            notifications,
            Box::new(store),
            options,
        );
        Publisher {
            gate,
            service: service.unwrap(),
            node,
        }
    }

    pub(crate) async fn ear(&self) -> Ear {
        let (_, hub, _) = self.node(Mood::Takes);
        Ear::of(hub).await
    }

    fn node(&self, mood: Mood) -> (Arc<Node>, Hub, Arc<Gate>) {
        let (inbox, shards) = Node::inbox();
        let broker = Arc::new(MemoryBroker::join(&self.network, inbox));
        let gate = Arc::new(Gate::before(broker));
        gate.is(mood);
        let node = Node::start(Arc::clone(&gate) as _, shards);
        let orders = Arc::new(RecentOrders::default());
        let hub = notification_hub(&node, orders, HubOptions::default()).unwrap();
        (node, hub, gate)
    }
}

impl Publisher {
    /// Publishes an order for a table, which must be accepted.
    pub(crate) async fn publish(&self, table: &str) -> String {
        let answers = self.publish_all([table], PublishOptions::default()).await;
        answers.into_iter().next().unwrap().unwrap()
    }

    /// What each is answered: its id, or what went wrong.
    pub(crate) async fn publish_all<'a>(
        &self,
        tables: impl IntoIterator<Item = &'a str>,
        how: PublishOptions,
    ) -> Vec<Result<String, mesahub::notification::NotifyError>> {
        use mesahub::notification::NotificationService;

        let events = tables.into_iter().map(|table| event(&order(table)));
        let answers = self.service.publish_with(events.collect(), how).await;
        let text = |answer: Result<_, _>| {
            answer.map(|id: mesahub::notification::NotificationId| id.to_string())
        };
        answers.into_iter().map(text).collect()
    }

    /// Ends in order; whether all was published. What is left stays in the journal.
    pub(crate) async fn close(self, deadline: Duration) -> bool {
        let in_time = self.service.close(deadline).await;
        self.node.stop(PATIENCE).await;
        in_time
    }
}

impl Ear {
    /// Hears the admins of a hub.
    pub(crate) async fn of(hub: Hub) -> Self {
        let (sender, tables) = mpsc::channel(100_000);
        let subscription = hub.listen(ADMINS, move |_, frame| {
            let text = frame.strip_suffix(&[0x1e]).unwrap_or(frame);
            let call: Value = serde_json::from_slice(text).unwrap();
            let table = call["arguments"][0]["data"]["tableNumber"].as_str();
            sender.try_send(table.unwrap().to_owned()).unwrap();
        });
        let subscription = subscription.await.unwrap();
        Self {
            tables,
            _hub: hub,
            _subscription: subscription,
        }
    }

    /// The table of the next order.
    pub(crate) async fn next(&mut self) -> String {
        let heard = within("an order", self.tables.recv()).await;
        heard.expect("the hub still runs")
    }

    /// The tables of the next orders.
    pub(crate) async fn hears(&mut self, count: usize) -> Vec<String> {
        let mut heard = Vec::with_capacity(count);
        while heard.len() < count {
            heard.push(self.next().await);
        }
        heard
    }
}

/// A new order.
pub(crate) fn order(table: &str) -> Value {
    json!({
        "type": "NewOrder", "tenantKey": "pizza", "orderId": ORDER, "tableNumber": table,
    })
}

fn event(body: &Value) -> Event {
    serde_json::from_value(body.clone()).unwrap()
}
