//! When a server takes nobody, and those it has go on.

use serde_json::json;

use crate::client::Client;
use crate::server::{Server, in_time, person, refusal, service};

#[tokio::test]
async fn without_memory_nobody_connects_and_all_else_goes_on() {
    let server = Server::with(&[("Mesahub:Limits:Admission:MemoryBytes", "1")]).await;
    let anna = person("a", "anna");
    let mut times = Vec::new();
    for _ in 0..20 {
        let refused = refusal(server.negotiation(&anna).send().await.unwrap()).await;
        assert_eq!((refused.0, refused.1.as_str()), (503, "overloaded"));
        times.push(refused.2);
    }
    assert!(times.iter().any(|time| *time != times[0]), "{times:?}");
    assert_eq!(Client::dial(&server, &anna).await.err(), Some(503));
    let live = server.http.get(server.url("/health/live")).send();
    assert_eq!(in_time(live).await.unwrap().status(), 200);
    let event = json!({"type": "TableStatusChanged", "tenantKey": "a", "isOccupied": true,
        "tableId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"});
    let published = server.publish(&service("a"), "notifications", &event).await;
    assert_eq!(published.status(), 202);
}

#[tokio::test]
async fn a_tenant_that_connects_all_at_once_waits_and_another_does_not() {
    let server = Server::with(&[("Mesahub:Limits:Admission:Handshakes", "2")]).await;
    let (anna, other) = (person("a", "anna"), person("b", "anna"));
    let mut first = Client::dial(&server, &anna).await.unwrap();
    assert_eq!(Client::dial(&server, &anna).await.err(), Some(503));
    let (_, secret) = server.negotiate(&anna).await;
    let attached = Client::attach(&server, &anna, &secret).await;
    assert_eq!(attached.err(), Some(503));
    let mute = Client::dial(&server, &other).await.unwrap();
    assert_eq!(server.negotiate(&anna).await.0, 503);

    first.shake_hands().await;
    first.call("1", "Ping").await;
    assert_eq!(first.answers(1).await, ["1"]);
    // What was negotiated was not lost when it was refused.
    let mut second = Client::attach(&server, &anna, &secret).await.unwrap();
    second.shake_hands().await;
    drop(mute);
}
