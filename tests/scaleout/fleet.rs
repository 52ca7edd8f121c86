//! Three whole servers on one backplane.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mesahub::app::{App, options};
use mesahub::auth::{SecretKey, SigningAlgorithm, TenantKey, TokenSpec};
use mesahub::broker::open;
use mesahub::config::{Loaded, Sources, load};
use mesahub::hub::{Hub, Node, NodeOptions};
use mesahub::notification::{HubNotificationService, NotificationService};
use mesahub_broker::{Broker, Inbox};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) const KEY: &str =
    "a key for tests that is long enough for every algorithm, even HS512: 64";

/// Longer than anything may take.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The servers.
pub(crate) struct Fleet {
    pub(crate) nodes: Vec<Server>,
    running: JoinSet<bool>,
    stop: CancellationToken,
    forgotten: AtomicBool,
}

/// When a publisher is told that it has been heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// When its notification waits to be published.
    Queued,
    /// When the backplane has taken it.
    Taken,
}

/// One of them.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    pub(crate) service: Arc<HubNotificationService>,
}

impl Fleet {
    /// Starts three nodes, each around a broker that `open` makes, and waits until they know each
    /// other.
    pub(crate) async fn start(open: impl AsyncFn(Inbox) -> Arc<dyn Broker>) -> Self {
        Self::start_with(Accepted::Queued, open).await
    }

    /// The same, with publishers that are told something else.
    pub(crate) async fn start_with(
        accepted: Accepted,
        open: impl AsyncFn(Inbox) -> Arc<dyn Broker>,
    ) -> Self {
        let queued = (accepted == Accepted::Queued).to_string();
        let loaded = loaded(vec![(
            "RealTimeConfiguration:Notifications:EnableBackgroundProcessing".to_owned(),
            queued,
        )]);
        let mut fleet = Self {
            nodes: Vec::new(),
            running: JoinSet::new(),
            stop: CancellationToken::new(),
            forgotten: AtomicBool::new(false),
        };
        // So long that no node is lost because the machine is busy.
        let lease = Some(Duration::from_secs(120));
        let options = NodeOptions {
            lease,
            // So often that a test need not wait for it.
            check_interval: Some(Duration::from_secs(2)),
        };
        for _ in 0..3 {
            let (inbox, shards) = Node::inbox();
            let app = App::with_broker(&loaded, open(inbox).await, shards, &options).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            fleet.nodes.push(Server {
                address: listener.local_addr().unwrap(),
                hub: app.hub().clone(),
                service: Arc::clone(app.service()),
            });
            let stop = fleet.stop.clone().cancelled_owned();
            fleet.running.spawn(app.run(listener, stop));
        }
        for node in &fleet.nodes {
            within("the nodes to know each other", async {
                while node.hub.cluster().nodes() < 3 {
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
        fleet
    }

    /// Waits until every node is back on a backplane that was away, hears the others, and has said
    /// that something may be missing, if it had to notice: `gaps` tells how often each had said so
    /// before. How long that took.
    pub(crate) async fn heal(&self, gaps: Option<Vec<u64>>) -> Duration {
        let since = Instant::now();
        for (place, node) in self.nodes.iter().enumerate() {
            let node = node.hub.node();
            let before = gaps.as_ref().map(|gaps| gaps[place]);
            within("a node to heal", async {
                while before == Some(node.counters().gaps.value())
                    || node.broker().health().await.is_err()
                {
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
        let nobody: TenantKey = "nobody".parse().unwrap();
        for node in &self.nodes {
            within("every node to answer", async {
                while node
                    .service
                    .active_connections_count(&nobody)
                    .await
                    .is_err()
                {}
            })
            .await;
        }
        since.elapsed()
    }

    /// How often each node has said that something may be missing.
    pub(crate) fn gaps(&self) -> Vec<u64> {
        let nodes = self.nodes.iter();
        let gaps = nodes.map(|node| node.hub.node().counters().gaps.value());
        gaps.collect()
    }

    /// The backplane was away, and logs that do not survive that are gone.
    pub(crate) fn was_restarted(&self) {
        let can = self.nodes[0].hub.node().broker().capabilities();
        let forgotten = !can.log_survives_restart;
        self.forgotten.store(forgotten, Ordering::SeqCst);
    }

    /// Whether nothing can be said of what was before.
    pub(crate) fn has_forgotten(&self) -> bool {
        self.forgotten.load(Ordering::SeqCst)
    }

    /// Stops all nodes, each of which has to end in an orderly way.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            assert!(ended.unwrap(), "a node did not stop in time");
        }
    }
}

/// A broker as the configuration opens it.
pub(crate) async fn opened(provider: &str, address: &str, inbox: Inbox) -> Arc<dyn Broker> {
    let set = |key: &str, value: &str| (format!("RealTimeConfiguration:{key}"), value.to_owned());
    let loaded = loaded(vec![
        set("Provider", provider),
        set("ConnectionString", address),
    ]);
    let backplane = loaded.settings.backplane().unwrap();
    let bounds = options::log(&loaded.settings);
    open(&backplane, bounds, inbox).await.unwrap()
}

fn loaded(mut overrides: Vec<(String, String)>) -> Loaded {
    let key = "Mesahub:Authentication:SigningKey".to_owned();
    overrides.push((key, KEY.to_owned()));
    let sources = Sources {
        overrides,
        ..Sources::default()
    };
    load(&sources).unwrap()
}

/// A token that the fleet accepts.
pub(crate) fn signed(spec: &TokenSpec) -> String {
    spec.mint(&SecretKey::new(KEY.as_bytes()), SigningAlgorithm::Hs256)
        .unwrap()
}

/// Waits for something that has to happen.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(LONG, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited in vain for {what}"),
    }
}
