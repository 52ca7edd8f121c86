//! How many calls of one connection run at once, and which do not count.

use std::num::NonZeroUsize;

use mesahub::hub::HubOptions;
use serde_json::json;

use crate::support::messages::{call, cancel, end, item, result, stream_call};
use crate::support::{Client, Server};

async fn limited_to(limit: usize) -> Server {
    Server::with(HubOptions {
        maximum_parallel_invocations: NonZeroUsize::new(limit).unwrap(),
        ..HubOptions::default()
    })
    .await
}

#[tokio::test]
async fn as_many_calls_run_at_once_as_the_limit_says_and_start_in_order() {
    const CALLS: usize = 9;
    for limit in 1..=4 {
        let server = limited_to(limit).await;
        let mut client = Client::connect(&server).await;
        let names: Vec<_> = (1..=CALLS).map(|number| number.to_string()).collect();
        for name in &names {
            client
                .send(&call(Some(name), "SlowEcho", json!([name]), &[]))
                .await;
        }
        for done in 0..CALLS {
            let running = CALLS.min(done + limit);
            assert_eq!(server.stage.started(running).await, names[..running]);
            // Another connection is served meanwhile, so the next had every chance to start.
            let mut other = Client::connect(&server).await;
            other.call("Add", json!([1, 1])).await;
            assert_eq!(server.stage.started_so_far(), running);
            server.stage.gate.add_permits(1);
            let name = &names[done];
            assert_eq!(client.message().await, result(name, json!(name)));
        }
    }
}

#[tokio::test]
async fn completions_come_out_of_order_only_where_calls_run_at_once() {
    for limit in [1, 2] {
        let server = limited_to(limit).await;
        let mut client = Client::connect(&server).await;
        let slow = call(Some("slow"), "UntilCancelled", json!([]), &[]);
        client.send(&slow).await;
        server.stage.started(1).await;
        client
            .send(&call(Some("quick"), "Add", json!([1, 2]), &[]))
            .await;
        if limit == 2 {
            assert_eq!(client.message().await, result("quick", json!(3)));
        }
        client.send(&cancel("slow")).await;
        assert_eq!(client.message().await, result("slow", json!("cancelled")));
        if limit == 1 {
            assert_eq!(client.message().await, result("quick", json!(3)));
        }
    }
}

#[tokio::test]
async fn calls_that_stream_either_way_do_not_count() {
    let server = limited_to(1).await;
    let mut client = Client::connect(&server).await;
    client
        .send(&call(Some("slow"), "SlowEcho", json!(["x"]), &[]))
        .await;
    server.stage.started(1).await;
    client
        .send(&call(Some("plain"), "Add", json!([1, 2]), &[]))
        .await;
    // The plain call waits, and these do not.
    client
        .send(&stream_call("down", "Values", json!([[1]]), &[]))
        .await;
    assert_eq!(client.message().await, item("down", json!(1)));
    assert_eq!(client.message().await, end("down"));
    client
        .send(&call(Some("up"), "Sum", json!([]), &["u"]))
        .await;
    client.send(&item("u", json!(5))).await;
    client.send(&end("u")).await;
    assert_eq!(client.message().await, result("up", json!(5)));
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, result("slow", json!("x")));
    assert_eq!(client.message().await, result("plain", json!(3)));
}

#[tokio::test]
async fn an_open_stream_takes_no_place_from_a_plain_call() {
    let server = limited_to(1).await;
    let mut client = Client::connect(&server).await;
    client
        .send(&call(Some("up"), "Sum", json!([]), &["u"]))
        .await;
    client
        .send(&stream_call("down", "Gated", json!(["a"]), &[]))
        .await;
    server.stage.started(1).await;
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    client.send(&end("u")).await;
    assert_eq!(client.message().await, result("up", json!(0)));
}

#[tokio::test]
async fn without_a_backlog_the_reading_waits_for_the_running_call() {
    let server = Server::with(HubOptions {
        invocation_backlog: 0,
        ..HubOptions::default()
    })
    .await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    client
        .send(&call(Some("slow"), "SlowEcho", json!(["x"]), &[]))
        .await;
    server.stage.started(1).await;
    client
        .send(&stream_call("down", "Values", json!([[]]), &[]))
        .await;
    let mut other = Client::connect(&server).await;
    other.call("Add", json!([1, 1])).await;
    server.stage.gate.add_permits(1);
    // Had it been read, the stream would have ended first.
    assert_eq!(client.message().await, result("slow", json!("x")));
    assert_eq!(client.message().await, end("down"));
}
