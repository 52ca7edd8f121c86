//! How much back ends may publish, and how often tokens may fail.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Server, in_time, person, refusal, service};

const LIMITS: [(&str, &str); 2] = [
    ("Mesahub:Limits:Publishes:PerSecond", "1"),
    ("Mesahub:Limits:Publishes:Burst", "100"),
];

fn event(tenant: &str) -> Value {
    json!({"type": "TableStatusChanged", "tenantKey": tenant, "isOccupied": true,
        "tableId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"})
}

fn batch(tenant: &str, count: usize) -> Value {
    json!({ "notifications": vec![event(tenant); count] })
}

#[tokio::test]
async fn a_service_publishes_so_much_and_another_is_not_held_up() {
    let server = Server::with(&LIMITS).await;
    let publish = async |tenant, count| {
        let body = batch(tenant, count);
        let token = service(tenant);
        server.publish(&token, "notifications/batch", &body).await
    };
    assert_eq!(publish("a", 60).await.status(), 202);
    let refused = refusal(publish("a", 60).await).await;
    assert_eq!((refused.0, refused.1.as_str()), (429, "too_many_publishes"));
    assert!((1..=20).contains(&refused.2), "{refused:?}");
    // What was refused was not counted, but for the call itself.
    assert_eq!(publish("a", 38).await.status(), 202);
    assert_eq!(publish("a", 10).await.status(), 429);
    assert_eq!(publish("b", 100).await.status(), 202);
}

#[tokio::test]
async fn whoever_publishes_too_much_is_refused_before_the_body_is_read() {
    let server = Server::with(&[LIMITS[0], ("Mesahub:Limits:Publishes:Burst", "1")]).await;
    let token = service("a");
    let first = server.publish(&token, "notifications", &event("a")).await;
    assert_eq!(first.status(), 202);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /api/v1/notifications HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    in_time(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 429");
}

#[tokio::test]
async fn an_address_that_fails_too_often_is_told_so_and_a_good_token_is_let_in() {
    let server = Server::with(&[("Mesahub:Limits:Failures:PerAddress", "3")]).await;
    let publish = async |token: &str| server.publish(token, "notifications", &event("a")).await;
    assert_eq!(publish("bad").await.status(), 401);
    assert_eq!(server.negotiate("bad").await.0, 401);
    assert_eq!(publish(&person("a", "anna")).await.status(), 403);
    assert_eq!(publish("worse").await.status(), 401);
    let refused = refusal(publish("bad").await).await;
    assert_eq!((refused.0, refused.1.as_str()), (429, "too_many_failures"));
    let answer = server.negotiation("bad").send().await.unwrap();
    let refused = refusal(answer).await;
    assert_eq!((refused.0, refused.1.as_str()), (429, "too_many_requests"));
    assert_eq!(publish(&service("a")).await.status(), 202);
    assert_eq!(server.negotiate(&person("a", "anna")).await.0, 200);
}
