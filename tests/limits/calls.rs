//! How often clients may call methods of the hub.

use crate::client::Client;
use crate::server::{Server, in_time, person};

const PERMITS: &str = "Mesahub:Limits:Calls:PermitLimit";
const WINDOW: &str = "Mesahub:Limits:Calls:Window";
const QUEUE: &str = "Mesahub:Limits:Calls:QueueLimit";
const PER: &str = "Mesahub:Limits:Calls:Per";
const ALGORITHM: &str = "Mesahub:Limits:Calls:Algorithm";

#[tokio::test]
async fn a_hundred_calls_a_minute_pass_ten_wait_and_the_rest_are_refused() {
    let server = Server::with(&[]).await;
    let mut client = Client::connect(&server, &person("a", "anna")).await;
    for number in 0..112 {
        client.call(&number.to_string(), "Ping").await;
    }
    let expected: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    assert_eq!(client.answers(100).await, expected);
    for number in [110, 111] {
        let (id, error) = client.answer().await;
        assert_eq!(id, number.to_string());
        let error = error.unwrap();
        assert!(
            error.contains("at most 100 are taken in 60 seconds. Try again in "),
            "{error}"
        );
    }
    assert_eq!(server.hub.node().counters().limited.value(), 2);
    // Those that wait hold nothing up.
    assert!(server.stop().await);
}

#[tokio::test]
async fn calls_that_wait_are_answered_in_order_in_the_next_window() {
    let settings = [(PERMITS, "3"), (WINDOW, "1"), (QUEUE, "2")];
    let server = Server::with(&settings).await;
    let mut client = Client::connect(&server, &person("a", "anna")).await;
    let ids = ["1", "2", "3", "4", "5", "6"];
    client.call_at_once(&ids, "Ping").await;
    assert_eq!(client.answers(3).await, ["1", "2", "3"]);
    let (id, error) = client.answer().await;
    assert_eq!((id.as_str(), error.is_some()), ("6", true));
    assert_eq!(client.answers(2).await, ["4", "5"]);
    // The next window has given two of its three.
    client.call_at_once(&["7", "8"], "Ping").await;
    assert_eq!(client.answers(2).await, ["7", "8"]);
}

#[tokio::test]
async fn unknown_methods_and_calls_without_an_answer_count() {
    let settings = [(PERMITS, "3"), (QUEUE, "0")];
    let server = Server::with(&settings).await;
    let mut client = Client::connect(&server, &person("a", "anna")).await;
    client.call("1", "Nothing").await;
    let send = serde_json::json!({"type": 1, "target": "Ping", "arguments": []});
    client.send(&send).await;
    client.call("2", "Ping").await;
    client.send(&send).await;
    client.send(&serde_json::json!({"type": 6})).await;
    client.call("3", "Nothing").await;
    let (id, error) = client.answer().await;
    assert_eq!(id, "1");
    assert!(error.unwrap().contains("Method does not exist"));
    assert_eq!(client.answers(1).await, ["2"]);
    let (id, error) = client.answer().await;
    assert_eq!(id, "3");
    assert!(error.unwrap().contains("Too many calls"));
    assert_eq!(server.hub.node().counters().limited.value(), 2);
}

#[tokio::test]
async fn a_bucket_gives_calls_evenly() {
    let settings = [
        (ALGORITHM, "TokenBucket"),
        (PERMITS, "4"),
        (WINDOW, "1"),
        (QUEUE, "4"),
    ];
    let server = Server::with(&settings).await;
    let mut client = Client::connect(&server, &person("a", "anna")).await;
    let ids = ["1", "2", "3", "4", "5", "6"];
    client.call_at_once(&ids, "Ping").await;
    assert_eq!(client.answers(6).await, ["1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn an_account_is_of_whom_it_is_configured_for() {
    for (per, of_same_user, of_same_tenant) in [
        ("Connection", false, false),
        ("User", true, false),
        ("Tenant", true, true),
    ] {
        let settings = [(PERMITS, "1"), (QUEUE, "0"), (PER, per)];
        let server = Server::with(&settings).await;
        let refused = async |tenant, user| {
            let mut client = Client::connect(&server, &person(tenant, user)).await;
            client.call("1", "Ping").await;
            client.answer().await.1.is_some()
        };
        assert!(!refused("a", "anna").await, "{per}");
        // The first connection is gone, and what it has called counts.
        assert_eq!(refused("a", "anna").await, of_same_user, "{per}");
        assert_eq!(refused("a", "bert").await, of_same_tenant, "{per}");
        assert!(!refused("b", "anna").await, "{per}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_waiting_calls_along() {
    let settings = [(PERMITS, "1"), (WINDOW, "3600"), (QUEUE, "10")];
    let server = Server::with(&settings).await;
    let mut client = Client::connect(&server, &person("a", "anna")).await;
    for id in ["1", "2", "3"] {
        client.call(id, "Ping").await;
    }
    assert_eq!(client.answers(1).await, ["1"]);
    drop(client);
    let gone = async {
        while server.hub.connection_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    in_time(gone).await;
    assert!(server.stop().await);
}
