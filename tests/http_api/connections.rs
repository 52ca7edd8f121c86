//! Connections: counted, put into channels, ended.

use mesahub::auth::Role;
use reqwest::Method;
use serde_json::json;

use crate::client::Client;
use crate::server::{Server, service_token};

fn group(client: &Client, channel: &str) -> String {
    format!("/api/v1/connections/{}/groups/{channel}", client.id)
}

#[tokio::test]
async fn people_are_counted_by_tenant_and_by_user() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    let _phone = Client::connect(&server, "demo", "ann@example.org", Role::Customer).await;
    let _tablet = Client::connect(&server, "demo", "ann@example.org", Role::Customer).await;
    let _other = Client::connect(&server, "other", "ann@example.org", Role::Customer).await;

    let count = server
        .read("/api/v1/tenants/demo/connections", &token)
        .await;
    assert_eq!(count.body, json!({ "tenantKey": "demo", "connections": 2 }));
    let path = "/api/v1/tenants/demo/users/ann%40example.org/online";
    let online = server.read(path, &token).await;
    assert_eq!(online.body, json!({ "online": true, "connections": 2 }));
    let absent = server
        .read("/api/v1/tenants/demo/users/bob/online", &token)
        .await;
    assert_eq!(absent.body, json!({ "online": false, "connections": 0 }));
}

#[tokio::test]
async fn a_connection_hears_a_channel_while_it_is_in_it() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    let mut ann = Client::connect(&server, "demo", "ann", Role::Admin).await;
    let path = group(
        &ann,
        "tenant:demo:order:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    );
    assert_eq!(server.ask(Method::PUT, &path, &token).await.status, 204);
    let name = path.rsplit('/').next().unwrap();
    assert_eq!(server.hub.group_count(name), 1);
    let send = |text: &'static str| {
        let message = json!({ "text": text });
        let sending = server.hub.clients().group(name);
        async move { sending.send("Heard", &[message]).await.unwrap() }
    };
    send("one").await;
    assert!(ann.text().await.unwrap().contains("one"));
    assert_eq!(server.ask(Method::DELETE, &path, &token).await.status, 204);
    assert_eq!(server.hub.group_count(name), 0);
}

#[tokio::test]
async fn a_connection_is_never_put_into_a_foreign_channel() {
    let server = Server::start().await;
    let (all, demo) = (service_token(&["*"]), service_token(&["demo"]));
    let ann = Client::connect(&server, "demo", "ann", Role::Customer).await;
    let put = |channel: &str, token: &str| {
        let (path, token) = (group(&ann, channel), token.to_owned());
        let server = &server;
        async move { server.ask(Method::PUT, &path, &token).await }
    };
    put("tenant:other:admins", &demo)
        .await
        .is_problem(403, "other_tenant");
    put("tenant:other:admins", &all)
        .await
        .is_problem(403, "other_channel");
    let session = "session:3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    put(session, &demo).await.is_problem(403, "other_channel");
    assert_eq!(put(session, &all).await.status, 204);
    for nonsense in ["orders", "tenant:demo", "tenant:demo:admins:*"] {
        let answer = put(nonsense, &all).await;
        assert_eq!(answer.is_problem(400, "malformed_request").field(), "group");
    }
}

#[tokio::test]
async fn connections_of_other_tenants_are_as_unknown_as_those_that_are_not_there() {
    let server = Server::start().await;
    let token = service_token(&["other"]);
    let ann = Client::connect(&server, "demo", "ann", Role::Customer).await;
    for id in [ann.id.as_str(), "0000000000000000000000", "nobody"] {
        let path = format!("/api/v1/connections/{id}");
        let answer = server.ask(Method::DELETE, &path, &token).await;
        answer.is_problem(404, "unknown_connection");
        let path = format!("{path}/groups/tenant:other:admins");
        for method in [Method::PUT, Method::DELETE] {
            let answer = server.ask(method, &path, &token).await;
            answer.is_problem(404, "unknown_connection");
        }
    }
    let count = server
        .read(
            "/api/v1/tenants/demo/connections",
            &service_token(&["demo"]),
        )
        .await;
    assert_eq!(count.body["connections"], 1);
}

#[tokio::test]
async fn a_connection_ends_and_is_told_whether_it_may_return() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    for (query, may_return) in [("", false), ("?allowReconnect=true", true)] {
        let mut ann = Client::connect(&server, "demo", "ann", Role::Customer).await;
        let path = format!("/api/v1/connections/{}{query}", ann.id);
        assert_eq!(server.ask(Method::DELETE, &path, &token).await.status, 204);
        let close = ann.text().await.unwrap();
        assert!(close.starts_with("{\"type\":7"), "{close}");
        assert_eq!(
            close.contains("\"allowReconnect\":true"),
            may_return,
            "{close}"
        );
        assert_eq!(ann.text().await, None);
    }
}

#[tokio::test]
async fn all_connections_of_one_user_end_and_no_others() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    let mut phone = Client::connect(&server, "demo", "ann", Role::Customer).await;
    let mut tablet = Client::connect(&server, "demo", "ann", Role::Customer).await;
    let mut bob = Client::connect(&server, "demo", "bob", Role::Customer).await;
    let path = "/api/v1/tenants/demo/users/ann/connections";
    let answer = server.ask(Method::DELETE, path, &token).await;
    assert_eq!(
        (answer.status, answer.body),
        (200, json!({ "disconnected": 2 }))
    );
    for client in [&mut phone, &mut tablet] {
        assert!(client.text().await.unwrap().starts_with("{\"type\":7"));
    }
    bob.send("{\"type\":1,\"invocationId\":\"2\",\"target\":\"Ping\",\"arguments\":[]}")
        .await;
    assert!(bob.text().await.unwrap().contains("\"invocationId\":\"2\""));
}

#[tokio::test]
async fn broadcasts_reach_users_and_roles() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    let mut ann = Client::connect(&server, "demo", "ann", Role::Staff).await;
    for (kind, body) in [
        (
            "user",
            json!({ "tenantKey": "demo", "userId": "ann", "eventType": "ToUser" }),
        ),
        (
            "role",
            json!({ "tenantKey": "demo", "role": "Staff", "eventType": "ToRole" }),
        ),
    ] {
        let answer = server
            .post(&format!("/api/v1/broadcasts/{kind}"), &token, &body)
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let heard = ann.text().await.unwrap();
        assert!(
            heard.contains(body["eventType"].as_str().unwrap()),
            "{heard}"
        );
        assert!(
            heard.contains(answer.body["id"].as_str().unwrap()),
            "{heard}"
        );
    }
}
