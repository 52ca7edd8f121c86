//! A little of everything that a server counts.

use reqwest::Method;
use serde_json::json;

use crate::client::Client;
use crate::server::{Server, TENANT, answered};

const TABLE: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

/// What is left of it.
pub(crate) struct Day {
    pub(crate) server: Server,
    /// Still connected.
    pub(crate) boss: Client,
}

impl Day {
    /// Begins with one connection; then two notifications, a dining session that comes and goes, calls
    /// that are answered and calls that are not, a client that cannot shake hands, and a path that is
    /// not there.
    pub(crate) async fn live(settings: &[(&str, &str)]) -> Self {
        let server = Server::start(settings).await;
        let mut boss = Client::connect(server.address).await;
        let event = json!({ "type": "TableStatusChanged", "tenantKey": TENANT, "tableId": TABLE,
            "isOccupied": true });
        for _ in 0..2 {
            let answer = server.post("/api/v1/notifications", &event).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            assert_eq!(boss.heard().await, "TableStatusChanged");
        }
        let sessions = format!("/api/v1/tenants/{TENANT}/sessions");
        let session = json!({ "tableNumber": "12", "sessionId": TABLE });
        assert_eq!(server.post(&sessions, &session).await.status, 201);
        assert_eq!(boss.heard().await, "SessionStarted");
        let close = server.request(Method::DELETE, &format!("{sessions}/{TABLE}"));
        assert_eq!(answered(close).await.status, 204);
        assert_eq!(boss.heard().await, "SessionExpired");

        boss.call("JoinAdminChannel", "[\"orders\"]").await;
        boss.call("NoSuchMethod", "[]").await;
        boss.call("JoinAdminChannel", "[]").await;
        boss.call("JoinAdminChannel", "[\"payments\"]").await;
        let channel = format!("tenant:{TENANT}:admins");
        boss.call("Resume", &json!([{ channel: "no such place" }]).to_string())
            .await;

        let mut stranger = Client::open(server.address).await;
        stranger
            .send("{\"protocol\":\"morse\",\"version\":1}")
            .await;
        while stranger.text().await.is_some() {}
        let nothing = server.request(Method::GET, "/api/v1/nothing");
        assert_eq!(answered(nothing).await.status, 404);
        Self { server, boss }
    }
}
