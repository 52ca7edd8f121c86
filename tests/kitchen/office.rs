//! The restaurant's own back end: it takes orders, tells the hub of them until the hub has accepted
//! them, and knows them all.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use mesahub::http::{ServeLimits, serve};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::Filter;
use warp::reply::Reply;

use crate::process::Asker;

/// Takes orders one after the other.
pub(crate) struct Office {
    /// Where a tablet that has lost something asks for all orders.
    pub(crate) address: SocketAddr,
    accepted: Arc<Mutex<Vec<u32>>>,
    nodes: Vec<Asker>,
    /// The node that is asked first: the one that accepted the last order.
    node: usize,
    stop: CancellationToken,
    /// How often orders were sent again.
    pub(crate) repeated: u32,
}

impl Office {
    pub(crate) async fn open(nodes: Vec<Asker>) -> Self {
        let accepted = Arc::<Mutex<Vec<u32>>>::default();
        let known = Arc::clone(&accepted);
        let orders = warp::path("orders").map(move || warp::reply::json(&*known.lock()));
        let routes = orders.map(Reply::into_response);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, requests) = (CancellationToken::new(), TaskTracker::new());
        let limits = ServeLimits::default();
        let serving = serve(listener, routes, stop.clone(), requests.clone(), limits);
        requests.spawn(serving);
        Self {
            address,
            accepted,
            nodes,
            node: 0,
            stop,
            repeated: 0,
        }
    }

    /// Has orders accepted, all by one node, whichever it is, and however often it takes.
    pub(crate) async fn take(&mut self, orders: Range<u32>) {
        let events: Vec<Value> = orders.clone().map(event).collect();
        let (body, key) = (json!({ "notifications": events }), orders.start.to_string());
        while !self.is_accepted(&body, &key).await {
            self.repeated += 1;
            self.node = (self.node + 1) % self.nodes.len();
        }
        self.accepted.lock().extend(orders);
    }

    /// Whether every one was accepted.
    async fn is_accepted(&self, body: &Value, key: &str) -> bool {
        let path = "/api/v1/notifications/batch";
        match self.nodes[self.node].post(path, body, Some(key)).await {
            Ok(answer) if answer.status == 202 => {
                let results = answer.body["results"].as_array().unwrap();
                results.iter().all(|result| result["id"].is_string())
            }
            Ok(answer) => {
                assert_eq!(answer.status, 503, "{answer:?}");
                false
            }
            Err(_) => false,
        }
    }

    /// Every order that was accepted, in order.
    pub(crate) fn accepted(&self) -> Vec<u32> {
        self.accepted.lock().clone()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn event(number: u32) -> Value {
    json!({
        "type": "NewOrder", "tenantKey": "pizza", "tableNumber": number.to_string(),
        "orderId": uuid::Uuid::from_u128(number.into()), "order": { "number": number },
    })
}
