//! The server that is visited, and what shows that everybody has left it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mesahub::auth::AllowAnonymous;
use mesahub::http::{ServeLimits, serve};
use mesahub::hub::{Caller, Hub, HubError, HubOptions, Node};
use mesahub::transport::{Endpoint, TransportOptions, routes};
use mesahub_broker::{Broker, Topic};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::guest::exchange;

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    hub: Hub,
    node: Arc<Node>,
    broker: Arc<MemoryBroker>,
    serving: TaskTracker,
    stop: CancellationToken,
    /// Of the node alone, without a guest.
    tasks: usize,
    topics: usize,
}

impl House {
    pub(crate) async fn open() -> Self {
        let (inbox, shards) = Node::inbox();
        let broker = Arc::new(MemoryBroker::new(MemoryConfig::default(), inbox));
        let node = Node::start(Arc::clone(&broker) as Arc<dyn Broker>, shards);
        let hub = Hub::builder("house")
            .options(HubOptions {
                // The timing wheel looks at each connection as often, and forgets those that are
                // gone.
                keep_alive_interval: Duration::from_millis(500),
                ..HubOptions::default()
            })
            .on_connected(welcome)
            .method("Echo", async |text: String| text)
            .build(&node)
            .unwrap();
        let endpoint =
            Endpoint::new(hub.clone(), Arc::new(AllowAnonymous)).options(TransportOptions {
                // So long is an event stream or a poll waited for that has been torn.
                disconnect_timeout: Duration::from_secs(5),
                ..TransportOptions::default()
            });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (serving, stop) = (TaskTracker::new(), CancellationToken::new());
        serving.spawn(serve(
            listener,
            routes(endpoint, "/hub"),
            stop.clone(),
            serving.clone(),
            ServeLimits::default(),
        ));
        // When this is answered, tasks that only start the node have ended.
        exchange(address, "GET", "", "").await;
        Self {
            address,
            tasks: node.tasks().len(),
            topics: node.topic_count(),
            hub,
            node,
            broker,
            serving,
            stop,
        }
    }

    /// Waits until nobody is connected any more.
    pub(crate) async fn is_left(&self) {
        becomes("everybody to leave", || self.hub.connection_count() == 0).await;
    }

    /// Waits until all of so many guests have left, and everything of theirs has.
    pub(crate) async fn is_empty(&self, guests: usize) {
        let guests = guests as u64;
        let counters = self.node.counters();
        becomes("connections to end", || {
            self.hub.connection_count() == 0 && counters.disconnected.value() == guests
        })
        .await;
        assert_eq!(counters.connected.value(), guests, "each came once");
        becomes("tasks to end", || self.node.tasks().len() == self.tasks).await;
        becomes("requests to end", || self.node.carrying_requests() == 0).await;
        becomes("topics to be left", || {
            self.node.topic_count() == self.topics
        })
        .await;
        // One task serves the listener, whatever else there is serves a socket.
        becomes("sockets to be closed", || self.serving.len() == 1).await;
        for topic in ["house:all", "house:group:guests"] {
            let topic = Topic::new(topic).unwrap();
            let left = async {
                while self.broker.subscriber_count(&topic).await.unwrap() > 0 {
                    tokio::task::yield_now().await;
                }
            };
            within("subscriptions to be given back", left).await;
        }
    }

    pub(crate) async fn close(self) {
        self.stop.cancel();
        assert!(self.node.stop(Duration::from_secs(10)).await);
        assert!(self.node.tasks().is_empty());
    }
}

async fn welcome(caller: Caller) -> Result<(), HubError> {
    Ok(caller.join("guests").await?)
}

/// What has to happen, or the test fails naming it.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    let limit = Duration::from_secs(30);
    let Ok(output) = tokio::time::timeout(limit, future).await else {
        panic!("not within {limit:?}: {what}");
    };
    output
}

/// Gives way to the server until something is so that nobody announces.
pub(crate) async fn becomes(what: &str, is_so: impl Fn() -> bool) {
    let turns = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    within(what, turns).await;
}
