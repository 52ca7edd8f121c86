//! What is sent, and what is wrong with it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Server, service_token};

const PATH: &str = "/api/v1/notifications";
const ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

fn order() -> Value {
    json!({ "type": "NewOrder", "tenantKey": "demo", "orderId": ID, "tableNumber": "12" })
}

#[tokio::test]
async fn a_wrong_field_is_named_with_what_was_expected() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    for (field, value, expected) in [
        ("type", json!("NewOrders"), "NewOrder"),
        ("type", json!(7), "event type"),
        ("orderId", json!("17"), "GUID"),
        ("orderId", json!(17), "GUID"),
        ("tableNumber", json!(""), "1 to 200 characters"),
        ("tenantKey", json!("a:b"), "1 to 64"),
        ("metadata", json!({ "a": 1 }), "string"),
        ("surprise", json!(1), "unknown field"),
    ] {
        let mut body = order();
        body[field] = value;
        let answer = server.post(PATH, &token, &body).await;
        assert!(
            answer
                .is_problem(400, "malformed_request")
                .detail()
                .contains(expected),
            "{answer:?}"
        );
        let named = answer.field();
        assert!(
            named.starts_with(field) || answer.detail().contains("variant"),
            "{answer:?}"
        );
    }
    let mut body = order();
    body.as_object_mut().unwrap().remove("orderId");
    let answer = server.post(PATH, &token, &body).await;
    assert_eq!(
        answer.is_problem(400, "malformed_request").field(),
        "orderId"
    );
}

#[tokio::test]
async fn only_a_json_object_is_taken() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    for text in ["", "[]", "null", "{", "{} {}", "\u{feff}{}"] {
        let body = text.as_bytes().to_vec();
        let send = |request: reqwest::RequestBuilder| {
            request
                .header("content-type", "application/json")
                .body(body)
        };
        let answer = server.send(Method::POST, PATH, &token, send).await;
        answer.is_problem(400, "malformed_request");
    }
    let plain = |request: reqwest::RequestBuilder| request.body(order().to_string());
    let answer = server.send(Method::POST, PATH, &token, plain).await;
    answer.is_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_refused() {
    let server = Server::start().await;
    let mut body = order();
    body["order"] = json!("x".repeat(1024 * 1024));
    let answer = server.post(PATH, &service_token(&["demo"]), &body).await;
    answer.is_problem(413, "payload_too_large");
}

#[tokio::test]
async fn nobody_without_a_token_makes_the_server_read() {
    let server = Server::start().await;
    let send = |request: reqwest::RequestBuilder| request.body("not even JSON");
    let answer = server.send(Method::POST, PATH, "", send).await;
    answer.is_problem(401, "token_missing");
}

#[tokio::test]
async fn a_role_that_is_no_audience_is_told_the_choices() {
    let server = Server::start().await;
    let body = json!({ "tenantKey": "demo", "role": "Customer" });
    let answer = server
        .post("/api/v1/broadcasts/role", &service_token(&["demo"]), &body)
        .await;
    assert_eq!(answer.is_problem(400, "malformed_request").field(), "role");
    assert!(answer.detail().contains("'Admin' or 'Staff'"), "{answer:?}");
}

#[tokio::test]
async fn a_misspelt_query_is_not_taken_for_the_default() {
    let server = Server::start().await;
    let token = service_token(&["demo"]);
    for query in ["allowReconect=true", "allowReconnect=yes", "allowReconnect"] {
        let path = format!("/api/v1/tenants/demo/users/ann/connections?{query}");
        let answer = server.ask(Method::DELETE, &path, &token).await;
        answer.is_problem(400, "malformed_request");
    }
    let path = "/api/v1/tenants/demo/connections?x=1";
    server
        .read(path, &token)
        .await
        .is_problem(400, "malformed_request");
}
