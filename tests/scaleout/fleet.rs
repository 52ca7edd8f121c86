//! Three whole servers on one backplane.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mesahub::app::{App, options};
use mesahub::auth::{SecretKey, SigningAlgorithm, TokenSpec};
use mesahub::broker::open;
use mesahub::config::{Sources, load};
use mesahub::hub::{Hub, Node, NodeOptions};
use mesahub::notification::HubNotificationService;
use mesahub_broker::{Broker, Inbox};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const KEY: &str = "a key for tests that is long enough for every algorithm, even HS512: 64";

/// Longer than anything may take.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The servers.
pub(crate) struct Fleet {
    pub(crate) nodes: Vec<Server>,
    running: JoinSet<bool>,
    stop: CancellationToken,
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
        let loaded = load(&Sources {
            overrides: vec![(
                "Mesahub:Authentication:SigningKey".to_owned(),
                KEY.to_owned(),
            )],
            ..Sources::default()
        })
        .unwrap();
        let mut fleet = Self {
            nodes: Vec::new(),
            running: JoinSet::new(),
            stop: CancellationToken::new(),
        };
        // So long that no node is lost because the machine is busy.
        let lease = Some(Duration::from_secs(120));
        let options = NodeOptions { lease };
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
    let loaded = load(&Sources {
        overrides: vec![
            set("Provider", provider),
            set("ConnectionString", address),
            (
                "Mesahub:Authentication:SigningKey".to_owned(),
                KEY.to_owned(),
            ),
        ],
        ..Sources::default()
    })
    .unwrap();
    let backplane = loaded.settings.backplane().unwrap();
    let bounds = options::log(&loaded.settings);
    open(&backplane, bounds, inbox).await.unwrap()
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
