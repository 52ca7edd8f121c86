//! Who may do what.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mesahub::auth::{Role, ServiceScope, TokenSpec};
use reqwest::Method;
use serde_json::json;

use crate::server::{Server, person_token, service_token, signed};

const ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const COUNT: &str = "/api/v1/tenants/demo/connections";

#[tokio::test]
async fn each_unacceptable_token_has_its_own_reason() {
    let server = Server::start().await;
    let expired = signed(&TokenSpec {
        service: Some(ServiceScope::Every),
        issued_at: Some(Timestamp::now() - SignedDuration::from_hours(2)),
        lifetime: Duration::from_secs(60),
        ..TokenSpec::default()
    });
    let mut forged = service_token(&["*"]);
    forged.truncate(forged.rfind('.').unwrap() + 1);
    forged.push_str(&"A".repeat(43));
    for (token, code) in [
        (expired.as_str(), "token_expired"),
        (&forged, "token_bad_signature"),
        ("nonsense", "token_malformed"),
    ] {
        let answer = server.read(COUNT, token).await;
        let challenge = answer.is_problem(401, code).header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer error=\"invalid_token\""),
            "{challenge}"
        );
    }
    let answer = server.read(COUNT, "").await;
    assert_eq!(
        answer
            .is_problem(401, "token_missing")
            .header("www-authenticate"),
        "Bearer"
    );
}

#[tokio::test]
async fn a_token_in_the_query_opens_nothing() {
    let server = Server::start().await;
    let path = format!("{COUNT}?access_token={}", service_token(&["*"]));
    server
        .read(&path, "")
        .await
        .is_problem(401, "token_missing");
}

#[tokio::test]
async fn only_services_use_the_api() {
    let server = Server::start().await;
    for role in [Role::Admin, Role::Staff, Role::Customer] {
        let token = person_token("demo", "ann", role);
        server
            .read(COUNT, &token)
            .await
            .is_problem(403, "service_only");
    }
}

#[tokio::test]
async fn a_service_reaches_its_own_tenants_and_no_other() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    assert_eq!(server.read(COUNT, &token).await.status, 200);

    let reads = [
        "/api/v1/tenants/other/connections",
        "/api/v1/tenants/other/users/ann/online",
    ];
    for path in reads {
        server
            .read(path, &token)
            .await
            .is_problem(403, "other_tenant");
    }
    let end = "/api/v1/tenants/other/users/ann/connections";
    server
        .ask(Method::DELETE, end, &token)
        .await
        .is_problem(403, "other_tenant");
    let group = "/api/v1/connections/0000000000000000000000/groups/tenant:other:admins";
    server
        .ask(Method::PUT, group, &token)
        .await
        .is_problem(403, "other_tenant");

    let other = json!({ "type": "CartUpdated", "tenantKey": "other", "sessionId": ID });
    server
        .post("/api/v1/notifications", &token, &other)
        .await
        .is_problem(403, "other_tenant");
    for (kind, body) in [
        ("tenant", json!({ "tenantKey": "other" })),
        ("role", json!({ "tenantKey": "other", "role": "Admin" })),
        ("user", json!({ "tenantKey": "other", "userId": "ann" })),
        ("session", json!({ "tenantKey": "other", "sessionId": ID })),
    ] {
        let path = format!("/api/v1/broadcasts/{kind}");
        server
            .post(&path, &token, &body)
            .await
            .is_problem(403, "other_tenant");
    }
}

#[tokio::test]
async fn what_names_no_tenant_needs_a_token_for_all() {
    let server = Server::start().await;
    let requests = [
        ("/api/v1/broadcasts/everyone", json!({})),
        ("/api/v1/broadcasts/session", json!({ "sessionId": ID })),
        (
            "/api/v1/notifications",
            json!({ "type": "CartUpdated", "sessionId": ID }),
        ),
    ];
    for (path, body) in requests {
        let answer = server.post(path, &service_token(&["demo"]), &body).await;
        answer.is_problem(403, "not_every_tenant");
        assert_eq!(
            server
                .post(path, &service_token(&["*"]), &body)
                .await
                .status,
            202,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_tenant_key_is_no_way_into_another_address() {
    let server = Server::start().await;
    let token = service_token(&["*"]);
    for hostile in ["a:admins", "*", "a>", "a b", "tenant:a"] {
        let body = json!({ "tenantKey": hostile });
        let answer = server
            .post("/api/v1/broadcasts/tenant", &token, &body)
            .await;
        assert_eq!(
            answer.is_problem(400, "malformed_request").field(),
            "tenantKey"
        );
        let path = format!(
            "/api/v1/tenants/{}/connections",
            hostile.replace(' ', "%20")
        );
        let answer = server.read(&path, &token).await;
        assert_eq!(
            answer.is_problem(400, "malformed_request").field(),
            "tenantKey"
        );
    }
}
