//! Publishing and broadcasting.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mesahub::auth::{Role, TenantKey, UserId};
use mesahub::channel::Channel;
use mesahub::hub::ConnectionId;
use mesahub::notification::{
    Broadcast, Event, NotificationId, NotificationService, NotifyError, PublishOptions, Receipt,
    SessionExpired,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::client::Client;
use crate::listening::Listener;
use crate::server::{Server, service_token};

const ONE: &str = "/api/v1/notifications";
const BATCH: &str = "/api/v1/notifications/batch";
const ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

fn table(tenant: &str, is_occupied: bool) -> Value {
    json!({ "type": "TableStatusChanged", "tenantKey": tenant, "tableId": ID, "isOccupied": is_occupied })
}

#[tokio::test]
async fn a_published_notification_arrives_under_the_id_that_was_answered() {
    let server = Server::start().await;
    let mut admins = Listener::to(&server.hub, "tenant:demo:admins").await;
    let body = json!({
        "type": "NewOrder", "tenantKey": "demo", "orderId": ID, "tableNumber": "12",
        "order": { "total": 9.5 }, "metadata": { "source": "till" },
    });
    let answer = server.post(ONE, &service_token(&["demo"]), &body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let (target, notification) = admins.next().await;
    assert_eq!(target, "NewOrder");
    assert_eq!(notification["id"], answer.body["id"]);
    assert_eq!(notification["data"]["order"]["total"], 9.5);
    assert_eq!(notification["metadata"]["source"], "till");
}

#[tokio::test]
async fn a_batch_arrives_in_order_with_one_result_each() {
    let server = Server::start().await;
    let mut admins = Listener::to(&server.hub, "tenant:demo:admins").await;
    let items = [true, false, true].map(|is_occupied| table("demo", is_occupied));
    let body = json!({ "notifications": items });
    let answer = server.post(BATCH, &service_token(&["demo"]), &body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let results = answer.body["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    for (result, is_occupied) in results.iter().zip([true, false, true]) {
        let (_, notification) = admins.next().await;
        assert_eq!(notification["id"], result["id"]);
        assert_eq!(notification["data"]["isOccupied"], is_occupied);
    }
}

#[tokio::test]
async fn a_batch_with_one_bad_item_sends_nothing() {
    let server = Server::start().await;
    let mut admins = Listener::to(&server.hub, "tenant:demo:admins").await;
    let token = service_token(&["demo"]);

    let mut malformed = table("demo", true);
    malformed["tableId"] = json!("twelve");
    let body = json!({ "notifications": [table("demo", true), malformed] });
    let answer = server.post(BATCH, &token, &body).await;
    assert_eq!(
        answer.is_problem(400, "malformed_request").field(),
        "notifications[1].tableId"
    );

    let body = json!({ "notifications": [table("demo", true), table("other", true)] });
    let answer = server.post(BATCH, &token, &body).await;
    assert_eq!(
        answer.is_problem(403, "other_tenant").field(),
        "notifications[1].tenantKey"
    );

    assert_eq!(
        server.post(ONE, &token, &table("demo", false)).await.status,
        202
    );
    let (_, first) = admins.next().await;
    assert_eq!(
        first["data"]["isOccupied"], false,
        "something was sent before"
    );
}

#[tokio::test]
async fn a_batch_holds_between_one_and_a_thousand() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    for count in [0, 1_001] {
        let body = json!({ "notifications": vec![table("demo", true); count] });
        let answer = server.post(BATCH, &token, &body).await;
        assert_eq!(
            answer.is_problem(400, "malformed_request").field(),
            "notifications"
        );
        assert!(
            answer.detail().contains(&format!("found {count}")),
            "{answer:?}"
        );
    }
    let body = json!({ "notifications": vec![table("demo", true); 1_000] });
    assert_eq!(server.post(BATCH, &token, &body).await.status, 202);
}

#[tokio::test]
async fn each_broadcast_reaches_its_audience() {
    let server = Server::start().await;
    let all = service_token(&["*"]);
    let addresses = [
        (
            "tenant",
            json!({ "tenantKey": "demo" }),
            "tenant:demo:broadcast",
        ),
        (
            "session",
            json!({ "tenantKey": "demo", "sessionId": ID }),
            &format!("session:{ID}"),
        ),
        ("everyone", json!({}), "global:broadcast"),
    ];
    for (kind, mut body, group) in addresses {
        let mut listener = Listener::to(&server.hub, group).await;
        body["eventType"] = json!("KitchenClosed");
        body["data"] = json!({ "until": "18:00" });
        let answer = server
            .post(&format!("/api/v1/broadcasts/{kind}"), &all, &body)
            .await;
        assert_eq!(answer.status, 202, "{kind}: {answer:?}");
        let (target, notification) = listener.next().await;
        assert_eq!(target, "KitchenClosed");
        assert_eq!(notification["type"], "SystemAlert");
        assert_eq!(notification["data"], json!({ "until": "18:00" }));
        assert_eq!(notification["id"], answer.body["id"]);
    }
}

#[tokio::test]
async fn a_broadcast_says_system_alert_unless_told_otherwise() {
    let server = Server::start().await;
    let mut listener = Listener::to(&server.hub, "tenant:demo:broadcast").await;
    let token = service_token(&["demo"]);
    let body = json!({ "tenantKey": "demo" });
    assert_eq!(
        server
            .post("/api/v1/broadcasts/tenant", &token, &body)
            .await
            .status,
        202
    );
    let (target, notification) = listener.next().await;
    assert_eq!(
        (target.as_str(), &notification["data"]),
        ("SystemAlert", &json!({}))
    );
}

#[tokio::test]
async fn whoever_asked_for_a_receipt_is_told_how_many_were_reached() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    let mut admin = Client::connect(&server, "demo", "ann", Role::Admin).await;
    let mut sent = Vec::new();
    for (path, body) in [
        (ONE, table("demo", true)),
        ("/api/v1/broadcasts/tenant", json!({ "tenantKey": "demo" })),
    ] {
        let asking = format!("{path}?receipt=true");
        let answer = server.post(&asking, &token, &body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let id = answer.body["id"].as_str().unwrap().to_owned();
        assert!(admin.text().await.unwrap().contains(&id));
        sent.push(id);
    }
    for id in &sent {
        let path = format!("/api/v1/notifications/{id}/receipt");
        let expected = json!({ "id": id, "connections": 1, "nodes": 1 });
        let counted = async {
            // It is counted once it has been given out.
            while server.read(&path, &token).await.body != expected {}
        };
        timeout(Duration::from_secs(10), counted).await.unwrap();
        let foreign = server.read(&path, &service_token(&["sushi"])).await;
        foreign.is_problem(404, "no_receipt");
    }
    let silent = server.post(ONE, &token, &table("demo", false)).await;
    let id = silent.body["id"].as_str().unwrap();
    let path = format!("/api/v1/notifications/{id}/receipt");
    server
        .read(&path, &token)
        .await
        .is_problem(404, "no_receipt");
    let path = "/api/v1/notifications/none/receipt";
    server
        .read(path, &token)
        .await
        .is_problem(400, "malformed_request");
}

/// Refuses every second notification as overloaded, beginning with the second.
struct Busy;

#[async_trait]
impl NotificationService for Busy {
    async fn publish_with(
        &self,
        events: Vec<Event>,
        _: PublishOptions,
    ) -> Vec<Result<NotificationId, NotifyError>> {
        let answer = |index: usize| match index % 2 {
            0 if events.len() > 1 => Ok(NotificationId::now()),
            _ => Err(NotifyError::Overloaded),
        };
        (0..events.len()).map(answer).collect()
    }

    async fn broadcast_with(
        &self,
        _: Broadcast,
        _: PublishOptions,
    ) -> Result<NotificationId, NotifyError> {
        Err(NotifyError::Closed)
    }

    async fn end_session(&self, _: SessionExpired) -> Result<NotificationId, NotifyError> {
        Err(NotifyError::Overloaded)
    }

    async fn receipt(&self, _: NotificationId) -> Result<Option<Receipt>, NotifyError> {
        Err(NotifyError::Overloaded)
    }

    async fn add_to_group(&self, _: ConnectionId, _: &Channel) -> Result<(), NotifyError> {
        Err(NotifyError::Overloaded)
    }

    async fn remove_from_group(&self, _: ConnectionId, _: &Channel) -> Result<(), NotifyError> {
        Err(NotifyError::Overloaded)
    }

    async fn is_user_online(&self, _: &TenantKey, _: &UserId) -> Result<bool, NotifyError> {
        Err(NotifyError::Overloaded)
    }

    async fn active_connections_count(&self, _: &TenantKey) -> Result<u64, NotifyError> {
        Err(NotifyError::Overloaded)
    }
}

#[tokio::test]
async fn what_may_be_tried_again_says_when() {
    let server = Server::start_with(|_| Arc::new(Busy)).await;
    let token = service_token(&["demo"]);
    let batch_of_one = json!({ "notifications": [table("demo", true)] });
    for (path, body) in [(ONE, table("demo", true)), (BATCH, batch_of_one)] {
        let answer = server.post(path, &token, &body).await;
        assert_eq!(
            answer.is_problem(503, "overloaded").header("retry-after"),
            "1"
        );
    }
    let body = json!({ "tenantKey": "demo" });
    let answer = server
        .post("/api/v1/broadcasts/tenant", &token, &body)
        .await;
    assert_eq!(
        answer.is_problem(503, "stopping").header("retry-after"),
        "1"
    );
    for path in [
        "/api/v1/tenants/demo/connections",
        "/api/v1/tenants/demo/users/ann/online",
    ] {
        server
            .read(path, &token)
            .await
            .is_problem(503, "overloaded");
    }
}

#[tokio::test]
async fn a_batch_that_is_taken_in_part_tells_of_each() {
    let server = Server::start_with(|_| Arc::new(Busy)).await;
    let body = json!({ "notifications": [table("demo", true), table("demo", false)] });
    let answer = server.post(BATCH, &service_token(&["demo"]), &body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let results = &answer.body["results"];
    assert!(results[0]["id"].is_string(), "{results}");
    assert_eq!(results[1]["error"]["code"], "overloaded");
}
