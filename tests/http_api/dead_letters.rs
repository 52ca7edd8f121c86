//! What was given up, over HTTP.

use mesahub::notification::NotificationOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Server, service_token};

const LETTERS: &str = "/api/v1/dead-letters";
const UNKNOWN: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

/// A server that has given up so many notifications, and their ids.
async fn with_dead(count: usize) -> (Server, Vec<String>) {
    let options = NotificationOptions {
        retry_attempts: 0,
        ..NotificationOptions::default()
    };
    let server = Server::start_as(options).await;
    server.hub.node().broker().close().await;
    let token = service_token(&["demo"]);
    let event = json!({ "type": "TableStatusChanged", "tenantKey": "demo", "tableId": UNKNOWN,
        "isOccupied": true });
    let body = json!({ "notifications": vec![event; count] });
    let answer = server
        .post("/api/v1/notifications/batch", &token, &body)
        .await;
    let results = answer.body["results"].as_array().unwrap();
    let ids = results.iter().map(|result| text(&result["id"])).collect();
    (server, ids)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Waits until there are so many on one page.
async fn listed(server: &Server, path: &str, count: usize) -> Value {
    let token = service_token(&["*"]);
    loop {
        let answer = server.read(path, &token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.body["deadLetters"].as_array().unwrap().len() == count {
            return answer.body;
        }
    }
}

#[tokio::test]
async fn dead_letters_are_listed_by_pages_and_dropped() {
    let (server, ids) = with_dead(3).await;
    listed(&server, LETTERS, 3).await;
    let first = listed(&server, &format!("{LETTERS}?limit=2"), 2).await;
    let letter = &first["deadLetters"][0];
    assert_eq!(letter["id"], ids[0]);
    assert_eq!(letter["type"], "TableStatusChanged");
    assert_eq!(letter["attempts"], 1);
    assert_eq!(first["next"], ids[1]);
    let rest = listed(&server, &format!("{LETTERS}?after={}", ids[1]), 1).await;
    assert_eq!(rest["deadLetters"][0]["id"], ids[2]);
    assert_eq!(rest["next"], Value::Null);

    let token = service_token(&["*"]);
    let one = format!("{LETTERS}/{}", ids[1]);
    assert_eq!(server.ask(Method::DELETE, &one, &token).await.status, 204);
    server
        .ask(Method::DELETE, &one, &token)
        .await
        .is_problem(404, "unknown_dead_letter");
    listed(&server, LETTERS, 2).await;
}

#[tokio::test]
async fn a_replayed_letter_that_fails_again_is_dead_again() {
    let (server, ids) = with_dead(1).await;
    let before = listed(&server, LETTERS, 1).await;
    let token = service_token(&["*"]);
    let replay = format!("{LETTERS}/{}/replay", ids[0]);
    let answer = server.ask(Method::POST, &replay, &token).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let after = listed(&server, LETTERS, 1).await;
    assert_eq!(
        after["deadLetters"][0]["id"],
        before["deadLetters"][0]["id"]
    );
    let unknown = format!("{LETTERS}/{UNKNOWN}/replay");
    server
        .ask(Method::POST, &unknown, &token)
        .await
        .is_problem(404, "unknown_dead_letter");
}

#[tokio::test]
async fn only_a_token_for_every_tenant_sees_dead_letters() {
    let (server, ids) = with_dead(1).await;
    let token = service_token(&["demo"]);
    let one = format!("{LETTERS}/{}", ids[0]);
    for (method, path) in [
        (Method::GET, LETTERS.to_owned()),
        (Method::POST, format!("{one}/replay")),
        (Method::DELETE, one),
    ] {
        let answer = server.ask(method, &path, &token).await;
        assert_eq!(answer.status, 403, "{path}: {answer:?}");
    }
}
