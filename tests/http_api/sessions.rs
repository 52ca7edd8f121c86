//! Dining sessions over HTTP.

use mesahub::auth::{Role, TokenSpec};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Server, service_token, signed};

const SESSION: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3302";
const SESSIONS: &str = "/api/v1/tenants/demo/sessions";

fn one(id: &str) -> String {
    format!("{SESSIONS}/{id}")
}

async fn guest(server: &Server) -> Client {
    let token = signed(&TokenSpec {
        tenant: Some("demo".parse().unwrap()),
        user: Some("carla".parse().unwrap()),
        roles: vec![Role::Customer],
        session: Some(SESSION.parse().unwrap()),
        ..TokenSpec::default()
    });
    Client::with_token(server, &token).await
}

async fn heard(client: &mut Client) -> Value {
    serde_json::from_str(&client.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_session_is_started_extended_and_closed_and_its_guests_are_sent_away() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    let mut boss = Client::connect(&server, "demo", "anna", Role::Admin).await;
    let body = json!({ "tableNumber": "12", "sessionId": SESSION });
    let started = server.post(SESSIONS, &token, &body).await;
    assert_eq!(started.status, 201);
    assert_eq!(started.body["sessionId"], SESSION);
    assert_eq!(heard(&mut boss).await["target"], "SessionStarted");
    server
        .post(SESSIONS, &token, &body)
        .await
        .is_problem(409, "session_exists");

    let ordered = json!({ "hasOrdered": true });
    let activity = format!("{}/activity", one(SESSION));
    let touched = server.post(&activity, &token, &ordered).await;
    assert_eq!(
        (touched.status, &touched.body["hasOrders"]),
        (200, &json!(true))
    );
    let shown = server.read(&one(SESSION), &token).await;
    assert_eq!(shown.body, touched.body);

    let mut carla = guest(&server).await;
    let closed = server.ask(Method::DELETE, &one(SESSION), &token).await;
    assert_eq!(closed.status, 204);
    for client in [&mut carla, &mut boss] {
        let told = heard(client).await;
        assert_eq!(told["target"], "SessionExpired");
        let data = &told["arguments"][0]["data"];
        assert_eq!(data["reason"], "SessionClosed");
        assert_eq!(data["tableNumber"], "12");
    }
    let last = heard(&mut carla).await;
    let error = "Connection closed with an error. the dining session has ended: SessionClosed";
    assert_eq!(last, json!({ "type": 7, "error": error }));
    assert_eq!(carla.text().await, None, "the guest is sent away");
    server
        .read(&one(SESSION), &token)
        .await
        .is_problem(404, "unknown_session");
    let count = server
        .read("/api/v1/tenants/demo/connections", &token)
        .await;
    assert_eq!(count.body["connections"], 1, "the admin stays");
}

#[tokio::test]
async fn sessions_are_listed_in_pages() {
    let server = Server::start().await;
    let token = service_token(&["demo", "other"]);
    let table = json!({ "tableNumber": "1" });
    let mut ids = Vec::new();
    for _ in 0..3 {
        let started = server.post(SESSIONS, &token, &table).await;
        ids.push(started.body["sessionId"].clone());
    }
    ids.sort_by_key(ToString::to_string);
    let first = server.read(&format!("{SESSIONS}?limit=2"), &token).await;
    assert_eq!(first.body["next"], ids[1]);
    let next = first.body["next"].as_str().unwrap();
    let rest = server
        .read(&format!("{SESSIONS}?after={next}"), &token)
        .await;
    assert_eq!(rest.body["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&rest.body["sessions"][0]["sessionId"], &rest.body["next"]),
        (&ids[2], &Value::Null)
    );
    let other = server.read("/api/v1/tenants/other/sessions", &token).await;
    assert_eq!(other.body, json!({ "sessions": [], "next": null }));
}

#[tokio::test]
async fn what_is_no_session_or_not_the_callers_is_refused() {
    let server = Server::start().await;
    let (demo, other) = (service_token(&["demo"]), service_token(&["other"]));
    let table = json!({ "tableNumber": "1", "sessionId": SESSION });
    server
        .post(SESSIONS, &other, &table)
        .await
        .is_problem(403, "other_tenant");
    server.post(SESSIONS, &demo, &table).await;
    let foreign = format!("/api/v1/tenants/other/sessions/{SESSION}");
    server
        .read(&foreign, &other)
        .await
        .is_problem(404, "unknown_session");
    let asked = [
        (format!("{SESSIONS}?limit=101"), "limit"),
        (format!("{SESSIONS}?limit=many"), "limit"),
        (format!("{SESSIONS}?after=x"), "after"),
        (one("x"), "sessionId"),
    ];
    for (path, field) in asked {
        let answer = server.read(&path, &demo).await;
        assert_eq!(answer.is_problem(400, "malformed_request").field(), field);
    }
    for (body, field) in [
        (json!({}), "tableNumber"),
        (json!({ "tableNumber": "" }), "tableNumber"),
        (json!({ "tableNumber": "1", "sessionId": "x" }), "sessionId"),
    ] {
        let answer = server.post(SESSIONS, &demo, &body).await;
        let problem = answer.is_problem(400, "malformed_request");
        let told = format!("{} {}", problem.field(), problem.detail());
        assert!(told.contains(field), "{told}");
    }
}
