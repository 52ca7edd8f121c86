//! The application's own code that panics where the connection's task runs it.

use std::time::Duration;

use futures_util::StreamExt;
use mesahub::hub::handler::Running;
use mesahub::hub::{Caller, HubFilter, Upload, UploadError};
use serde::de::{Deserialize, Deserializer};
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::support::messages::{call, error, item, result, together};
use crate::support::{Client, Plan, Raw, Sent, Server, within};

/// Longer than any test may take.
const LONG: Duration = Duration::from_secs(60);

/// A type that cannot even be read.
#[derive(Debug)]
struct Fragile;

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("the plate broke")
    }
}

/// Breaks when somebody connects.
struct Doorstep;

impl HubFilter for Doorstep {
    fn connected(&self, _caller: &Caller, _next: Running) -> Running {
        panic!("the doorstep broke")
    }
}

async fn fragile() -> Server {
    let plan = Plan {
        also: |hub, _| {
            hub.method("Take", async |_: Fragile| ()).method(
                "TakeAll",
                async |mut items: Upload<Fragile>| -> Result<(), UploadError> {
                    items.next().await.transpose().map(drop)
                },
            )
        },
        ..Plan::default()
    };
    plan.start().await
}

#[tokio::test]
async fn an_argument_that_breaks_its_reader_ends_only_its_call() {
    let server = fragile().await;
    let mut client = Client::connect(&server).await;
    client.send(&call(Some("7"), "Take", json!([1]), &[])).await;
    let text = "An unexpected error occurred invoking 'Take' on the server.";
    assert_eq!(client.message().await, error("7", text));
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn an_item_that_breaks_its_reader_ends_only_its_stream() {
    let server = fragile().await;
    let mut client = Client::connect(&server).await;
    let upload = [
        call(Some("7"), "TakeAll", json!([]), &["u"]),
        item("u", json!(1)),
        item("u", json!(2)),
    ];
    client.send(&together(&upload)).await;
    let text = "An unexpected error occurred invoking 'TakeAll' on the server. HubException: \
                Failed to bind Stream message.";
    assert_eq!(client.message().await, error("7", text));
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn an_answer_that_breaks_its_reader_ends_only_its_question() {
    let server = fragile().await;
    let mut client = Client::connect(&server).await;
    let (clients, id) = (server.hub.clients(), client.id);
    let asking = TaskTracker::new()
        .spawn(async move { clients.invoke::<Fragile, _>(id, "Value", &(), LONG).await });
    assert!(client.message().await.contains("\"s1\""));
    client.send(&result("s1", json!(1))).await;
    assert!(within("the answer", asking).await.unwrap().is_err());
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn a_filter_that_panics_at_the_door_lets_nobody_in() {
    let plan = Plan {
        also: |hub, _| hub.filter(Doorstep),
        ..Plan::default()
    };
    let server = plan.start().await;
    let mut raw = Raw::open(&server).await;
    raw.text("{\"protocol\":\"json\",\"version\":1}\u{1e}")
        .await;
    assert_eq!(raw.receive().await, Sent::text("{}"));
    raw.part_with("{\"type\":7,\"error\":\"Connection closed with an error.\"}")
        .await;
    server.counts(0).await;
}
