//! Health and metrics while Redis is killed and started again.

use mesahub_test_servers::{RedisOptions, RedisServer};
use serde_json::{Value, json};

use crate::server::{Answer, Server};

fn description(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    body["description"].as_str().unwrap().to_owned()
}

async fn becomes(server: &Server, path: &str, status: u16) -> Answer {
    loop {
        let answer = server.probe(path).await;
        if answer.status == status {
            return answer;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_backplane_takes_readiness_and_never_liveness() {
    let redis = RedisServer::start(RedisOptions::default()).await.unwrap();
    let address = format!("127.0.0.1:{}", redis.port());
    let server = Server::open(&[
        ("RealTimeConfiguration:Provider", "Redis"),
        ("RealTimeConfiguration:ConnectionString", &address),
        // Given up at once.
        ("RealTimeConfiguration:Notifications:RetryAttempts", "0"),
    ])
    .await;
    becomes(&server, "/health/ready", 200).await;
    let up = [("backend", "redis")];
    let before = server.scrape().await;
    assert_eq!(before.sum("mesahub_backplane_up", &up), Some(1.0));
    assert!(before.sum("mesahub_backplane_round_trip_seconds", &up) > Some(0.0));

    redis.stop().await.unwrap();
    let answer = becomes(&server, "/health/ready", 503).await;
    assert_eq!(
        description(&answer),
        "takes no traffic: the redis backplane does not answer"
    );
    assert_eq!(server.probe("/health/signalr").await.status, 503);
    for _ in 0..10 {
        assert_eq!(server.probe("/health/live").await.status, 200);
    }
    let event = json!({ "type": "TableStatusChanged", "tenantKey": "pizza", "isOccupied": true,
        "tableId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301" });
    let accepted = server.post("/api/v1/notifications", &event).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let away = server
        .scrape_until("a dead letter", |exposed| {
            exposed.sum("mesahub_dead_letters", &[]) == Some(1.0)
        })
        .await;
    assert_eq!(away.sum("mesahub_backplane_up", &up), Some(0.0));
    assert_eq!(away.sum("mesahub_backplane_round_trip_seconds", &up), None);
    assert!(away.sum("mesahub_backplane_failures_total", &up) > Some(0.0));
    assert_eq!(
        away.sum("mesahub_notifications_total", &[("outcome", "given_up")]),
        Some(1.0)
    );

    redis.restart().await.unwrap();
    let answer = becomes(&server, "/health/ready", 200).await;
    assert_eq!(description(&answer), "takes traffic");
    let back = server.scrape().await;
    assert_eq!(back.sum("mesahub_backplane_up", &up), Some(1.0));
}
