//! What is read while calls wait for their turn, on a hub that streams.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use mesahub::auth::AllowAnonymous;
use mesahub::http::{ServeLimits, serve};
use mesahub::hub::{Hub, HubOptions, Node, Upload};
use mesahub::limits::{Algorithm, CallLimits, Rate, Sharing};
use mesahub::transport::{self, Endpoint};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::client::Client;

async fn sum(mut numbers: Upload<u64>) -> u64 {
    let mut sum = 0;
    while let Some(Ok(number)) = numbers.next().await {
        sum += number;
    }
    sum
}

async fn endless() -> impl Stream<Item = u64> {
    stream::iter([7]).chain(stream::pending())
}

async fn echo(text: String) -> String {
    text
}

/// A hub whose clients may make two calls, and wait with many more.
async fn start() -> SocketAddr {
    let (inbox, shards) = Node::inbox();
    let broker = MemoryBroker::new(MemoryConfig::default(), inbox);
    let node = Node::start(Arc::new(broker), shards);
    let rate = Rate {
        permits: 2,
        window: Duration::from_secs(3_600),
        burst: 2,
        queue: 100,
    };
    let limits = CallLimits::new(Algorithm::FixedWindow, rate, Sharing::Connection);
    let hub = Hub::builder("limited")
        .options(HubOptions {
            call_limits: Some(Arc::new(limits)),
            ..HubOptions::default()
        })
        .method("Sum", sum)
        .method("Endless", endless)
        .method("Echo", echo)
        .build(&node)
        .unwrap();
    let routes = transport::routes(Endpoint::new(hub, Arc::new(AllowAnonymous)), "/hub");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = node.tasks().clone();
    let limits = ServeLimits::default();
    node.tasks().spawn(serve(
        listener,
        routes,
        CancellationToken::new(),
        tasks,
        limits,
    ));
    address
}

#[tokio::test]
async fn items_and_cancellations_are_read_while_calls_wait() {
    let mut client = Client::open(start().await, "/hub").await.unwrap();
    client.shake_hands().await;
    let endless = json!({"type": 4, "invocationId": "1", "target": "Endless", "arguments": []});
    client.send(&endless).await;
    assert_eq!(client.next().await["item"], 7);
    let sum = json!({"type": 1, "invocationId": "2", "target": "Sum", "arguments": [],
        "streamIds": ["up"]});
    client.send(&sum).await;
    // More than may wait behind calls that run.
    for id in 3..50 {
        let id = id.to_string();
        let echo = json!({"type": 1, "invocationId": id, "target": "Echo", "arguments": ["a"]});
        client.send(&echo).await;
    }
    for number in 1..=30 {
        let item = json!({"type": 2, "invocationId": "up", "item": number});
        client.send(&item).await;
    }
    client.send(&json!({"type": 3, "invocationId": "up"})).await;
    let answer = client.next().await;
    assert_eq!(
        (&answer["invocationId"], &answer["result"]),
        (&json!("2"), &json!(465))
    );
    client.send(&json!({"type": 5, "invocationId": "1"})).await;
    let (id, error) = client.answer().await;
    assert_eq!((id.as_str(), error), ("1", None));
}
