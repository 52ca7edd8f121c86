//! Calls that are made safe to repeat.

use mesahub::notification::NotificationOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::asking::Answer;
use crate::listening::Listener;
use crate::server::{Server, service_token};

const ONE: &str = "/api/v1/notifications";
const TABLE: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

fn table(tenant: &str, is_occupied: bool) -> Value {
    json!({ "type": "TableStatusChanged", "tenantKey": tenant, "tableId": TABLE,
        "isOccupied": is_occupied })
}

impl Server {
    async fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Answer {
        let token = service_token(&["*"]);
        let complete =
            |request: reqwest::RequestBuilder| request.json(body).header("Idempotency-Key", key);
        self.send(Method::POST, path, &token, complete).await
    }
}

#[tokio::test]
async fn a_repeated_call_is_answered_with_the_id_of_the_first_and_sends_nothing() {
    let direct = NotificationOptions {
        enable_background_processing: false,
        ..NotificationOptions::default()
    };
    for options in [NotificationOptions::default(), direct] {
        let server = Server::start_as(options).await;
        let mut admins = Listener::to(&server.hub, "tenant:demo:admins").await;
        let first = server.post_keyed(ONE, "k", &table("demo", true)).await;
        let again = server.post_keyed(ONE, "k", &table("demo", true)).await;
        assert_eq!((again.status, &again.body), (202, &first.body));
        let other = server.post_keyed(ONE, "l", &table("demo", true)).await;
        assert_ne!(other.body, first.body);
        for id in [&first.body["id"], &other.body["id"]] {
            assert_eq!(&admins.next().await.1["id"], id);
        }
    }
}

#[tokio::test]
async fn a_key_is_for_one_tenant_and_one_content() {
    let server = Server::start().await;
    let first = server.post_keyed(ONE, "k", &table("demo", true)).await;
    server
        .post_keyed(ONE, "k", &table("demo", false))
        .await
        .is_problem(422, "idempotency_key_reused");
    let elsewhere = server.post_keyed(ONE, "k", &table("other", true)).await;
    assert_eq!(elsewhere.status, 202);
    assert_ne!(elsewhere.body, first.body);
}

#[tokio::test]
async fn each_of_a_batch_has_the_key_at_its_own_place() {
    let server = Server::start().await;
    let batch = json!({ "notifications": [table("demo", true), table("demo", true)] });
    let path = "/api/v1/notifications/batch";
    let first = server.post_keyed(path, "k", &batch).await;
    let results = &first.body["results"];
    assert_ne!(results[0]["id"], results[1]["id"]);
    assert_eq!(server.post_keyed(path, "k", &batch).await.body, first.body);
}

#[tokio::test]
async fn a_broadcast_is_repeated_as_safely() {
    let server = Server::start().await;
    let path = "/api/v1/broadcasts/tenant";
    let alert = json!({ "tenantKey": "demo", "data": { "text": "closing" } });
    let first = server.post_keyed(path, "k", &alert).await;
    assert_eq!(server.post_keyed(path, "k", &alert).await.body, first.body);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_by_name() {
    let server = Server::start().await;
    let long = "x".repeat(201);
    for key in ["", "a b", &long] {
        let answer = server.post_keyed(ONE, key, &table("demo", true)).await;
        let problem = answer.is_problem(400, "malformed_request");
        assert!(problem.detail().contains("Idempotency-Key"), "{problem:?}");
    }
}
