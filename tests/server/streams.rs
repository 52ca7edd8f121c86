//! Streams from the server to a client.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use futures_util::stream;
use mesahub::hub::{Ending, HubOptions};
use mesahub::transport::TransportOptions;
use serde_json::{Value, json};

use crate::support::messages::{call, cancel, end, error, item, result, stream_call, together};
use crate::support::{Client, Plan, Server, becomes, within};

#[tokio::test]
async fn items_come_in_order_and_the_end_has_no_result() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let values = [
        json!(1),
        json!(null),
        json!("\u{1f355}"),
        json!({ "a": [] }),
        json!(u64::MAX),
    ];
    let arguments = json!([values]);
    client
        .send(&stream_call("any id", "values", arguments, &[]))
        .await;
    for value in values {
        assert_eq!(client.message().await, item("any id", value));
    }
    assert_eq!(client.message().await, end("any id"));
    client
        .send(&stream_call("2", "Values", json!([[]]), &[]))
        .await;
    assert_eq!(client.message().await, end("2"));
}

#[tokio::test]
async fn a_failing_stream_is_told_word_for_word_after_its_items() {
    let running = "An error occurred on the server while streaming results.";
    let starting = "An unexpected error occurred invoking 'StartThen' on the server.";
    let failures = [
        ("refuses", " HubException: The table is taken.", true),
        ("fails", " InvalidOperation: the kitchen is on fire", false),
        ("panics", " Panic: the handler broke", false),
    ];
    for detailed in [false, true] {
        let server = detailed_errors(detailed).await;
        let mut client = Client::connect(&server).await;
        for (how, detail, is_told) in failures {
            let detail = if detailed || is_told { detail } else { "" };
            let arguments = json!([2, how]);
            client
                .send(&stream_call("7", "CountThen", arguments, &[]))
                .await;
            assert_eq!(client.message().await, item("7", json!(0)));
            assert_eq!(client.message().await, item("7", json!(1)));
            let text = format!("{running}{detail}");
            assert_eq!(client.message().await, error("7", &text));
            let arguments = json!([how]);
            client
                .send(&stream_call("7", "StartThen", arguments, &[]))
                .await;
            let text = format!("{starting}{detail}");
            assert_eq!(client.message().await, error("7", &text));
        }
        assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    }
}

#[tokio::test]
async fn what_has_no_form_in_json_fails_its_own_call() {
    /// Its key is no text.
    fn formless() -> BTreeMap<Vec<u8>, u8> {
        BTreeMap::from([(vec![1], 2)])
    }

    let plan = Plan {
        also: |hub, _| {
            hub.method("Formless", async || formless())
                .method("FormlessItem", async || stream::iter([formless()]))
        },
        ..Plan::default()
    };
    let server = plan.start().await;
    let mut client = Client::connect(&server).await;
    client
        .send(&call(Some("1"), "Formless", json!([]), &[]))
        .await;
    let text = "An unexpected error occurred invoking 'Formless' on the server.";
    assert_eq!(client.message().await, error("1", text));
    let streaming = stream_call("2", "FormlessItem", json!([]), &[]);
    client.send(&streaming).await;
    let text = "An error occurred on the server while streaming results.";
    assert_eq!(client.message().await, error("2", text));
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn a_call_in_the_wrong_mode_is_told_word_for_word() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let text = "The client attempted to invoke the streaming 'Gated' method with a non-streaming \
                invocation.";
    client
        .send(&call(Some("1"), "gated", json!(["x"]), &[]))
        .await;
    assert_eq!(client.message().await, error("1", text));
    let text = "The client attempted to invoke the non-streaming 'Add' method with a streaming \
                invocation.";
    client
        .send(&stream_call("2", "add", json!([1, 2]), &[]))
        .await;
    assert_eq!(client.message().await, error("2", text));
    // Nobody hears of the same mistake in a call without an id, and nothing runs.
    client.send(&call(None, "Gated", json!(["x"]), &[])).await;
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    assert_eq!(server.stage.started_so_far(), 0);
}

#[tokio::test]
async fn a_streaming_call_that_cannot_be_bound_is_told_word_for_word() {
    for detailed in [false, true] {
        let server = detailed_errors(detailed).await;
        let mut client = Client::connect(&server).await;
        client.send(&stream_call("1", "Nope", json!([]), &[])).await;
        let text = "Failed to invoke 'Nope' due to an error on the server. \
                    HubException: Method does not exist.";
        assert_eq!(client.message().await, error("1", text));
        let base = "Failed to invoke 'Flood' due to an error on the server.";
        let count =
            " InvalidDataException: Invocation provides 1 argument(s) but target expects 2.";
        client
            .send(&stream_call("1", "Flood", json!([1]), &[]))
            .await;
        let text = format!("{base}{}", if detailed { count } else { "" });
        assert_eq!(client.message().await, error("1", &text));
    }
}

#[tokio::test]
async fn cancelling_a_stream_ends_it_without_an_error_and_drops_it() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client
        .send(&stream_call("7", "Gated", json!(["a"]), &[]))
        .await;
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, item("7", json!("a 0")));
    client.send(&cancel("7")).await;
    assert_eq!(client.message().await, end("7"));
    assert_eq!(server.stage.notes(1).await, ["a is cancelled"]);
    // Its id is free again.
    client
        .send(&stream_call("7", "Values", json!([[1]]), &[]))
        .await;
    assert_eq!(client.message().await, item("7", json!(1)));
    assert_eq!(client.message().await, end("7"));
}

#[tokio::test]
async fn a_stream_that_is_cancelled_before_it_starts_gives_no_item() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client
        .send(&stream_call("7", "SlowCount", json!([3]), &[]))
        .await;
    server.stage.started(1).await;
    client.send(&cancel("7")).await;
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, end("7"));
}

#[tokio::test]
async fn cancelling_what_does_not_run_is_ignored() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.send(&cancel("nothing")).await;
    client
        .send(&stream_call("7", "Values", json!([[]]), &[]))
        .await;
    assert_eq!(client.message().await, end("7"));
    client.send(&cancel("7")).await;
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn a_plain_call_that_asks_for_it_hears_of_its_cancellation() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let call = call(Some("7"), "UntilCancelled", json!([]), &[]);
    client.send(&call).await;
    server.stage.started(1).await;
    client.send(&cancel("7")).await;
    assert_eq!(client.message().await, result("7", json!("cancelled")));
}

#[tokio::test]
async fn the_id_of_a_running_stream_cannot_be_used_again() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client
        .send(&stream_call("7", "Gated", json!(["a"]), &[]))
        .await;
    let second = stream_call("7", "Values", json!([[1]]), &[]);
    client.send(&second).await;
    let text = "Invocation ID '7' is already in use.";
    assert_eq!(client.message().await, error("7", text));
    // The first goes on, and can still be cancelled.
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, item("7", json!("a 0")));
    client.send(&cancel("7")).await;
    assert_eq!(client.message().await, end("7"));
    // Another connection has ids of its own.
    let mut other = Client::connect(&server).await;
    other.send(&second).await;
    assert_eq!(other.message().await, item("7", json!(1)));
}

#[tokio::test]
async fn a_stream_lets_calls_and_other_streams_pass() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client
        .send(&stream_call("slow", "Gated", json!(["a"]), &[]))
        .await;
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, item("slow", json!("a 0")));
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    let quick = stream_call("quick", "Values", json!([[1, 2]]), &[]);
    client.send(&quick).await;
    assert_eq!(client.message().await, item("quick", json!(1)));
    assert_eq!(client.message().await, item("quick", json!(2)));
    assert_eq!(client.message().await, end("quick"));
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, item("slow", json!("a 1")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_streams_at_once_keep_their_own_orders() {
    const STREAMS: usize = 20;
    const ITEMS: usize = 300;
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let values: Vec<_> = (0..ITEMS).collect();
    let calls: Vec<_> = (0..STREAMS)
        .map(|id| stream_call(&id.to_string(), "Values", json!([values]), &[]))
        .collect();
    client.send(&together(&calls)).await;
    let mut next = [0; STREAMS];
    for _ in 0..STREAMS * (ITEMS + 1) {
        let message: Value = serde_json::from_str(&client.message().await).unwrap();
        let id: usize = message["invocationId"].as_str().unwrap().parse().unwrap();
        match message.get("item") {
            Some(item) => assert_eq!(*item, json!(next[id])),
            None => assert_eq!(next[id], ITEMS),
        }
        next[id] += 1;
    }
    assert_eq!(next, [ITEMS + 1; STREAMS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_makes_no_more_than_a_slow_client_takes() {
    const ITEMS: usize = 8_000;
    const SIZE: usize = 1_000;
    let server = narrow(HubOptions::default()).await;
    let mut slow = Client::connect_narrow(&server).await;
    let call = stream_call("7", "Flood", json!([ITEMS, SIZE]), &[]);
    slow.send(&call).await;
    let made = stalls(&server).await;
    // What its socket and the outbox hold, and far from everything.
    assert!(made * SIZE >= TransportOptions::default().transport_buffer);
    assert!(made < ITEMS / 2, "{made} items were made for nobody");
    assert_eq!(server.hub.find(slow.id).unwrap().ending(), None);
    let expected = item("7", json!("x".repeat(SIZE)));
    for _ in 0..ITEMS {
        assert_eq!(slow.message().await, expected);
    }
    assert_eq!(slow.message().await, end("7"));
    assert_eq!(server.stage.produced.load(Ordering::Relaxed), ITEMS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_streams_together_do_not_overflow_a_slow_client() {
    const STREAMS: usize = 40;
    const ITEMS: usize = 20;
    const SIZE: usize = 8_000;
    let server = narrow(HubOptions {
        outbox_limit: 128 * 1024,
        ..HubOptions::default()
    })
    .await;
    let mut slow = Client::connect_narrow(&server).await;
    let calls: Vec<_> = (0..STREAMS)
        .map(|id| stream_call(&id.to_string(), "Flood", json!([ITEMS, SIZE]), &[]))
        .collect();
    slow.send(&together(&calls)).await;
    assert!(stalls(&server).await < STREAMS * ITEMS);
    for _ in 0..STREAMS * (ITEMS + 1) {
        slow.message().await;
    }
    assert_eq!(slow.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn a_slow_client_can_cancel_what_waits_for_it() {
    let server = narrow(HubOptions::default()).await;
    let mut slow = Client::connect_narrow(&server).await;
    let call = stream_call("7", "Flood", json!([1_000_000, 1_000]), &[]);
    slow.send(&call).await;
    let made = stalls(&server).await;
    slow.send(&cancel("7")).await;
    let mut items = 0;
    while slow.message().await != end("7") {
        items += 1;
    }
    assert_eq!(items, made);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_with_their_connection() {
    for how in ["lost", "stopped", "aborted"] {
        let server = Server::start().await;
        let mut client = Client::connect(&server).await;
        let (a, b) = ("a", "b");
        for name in [a, b] {
            client
                .send(&stream_call(name, "Gated", json!([name]), &[]))
                .await;
        }
        let plain = call(Some("plain"), "UntilCancelled", json!([]), &[]);
        client.send(&plain).await;
        server.stage.started(3).await;
        match how {
            "lost" => drop(client),
            "stopped" => client.send("{\"type\":7}").await,
            _ => assert!(server.hub.disconnect(client.id, Ending::Aborted)),
        }
        let mut notes = server.stage.notes(3).await;
        notes.sort_unstable();
        assert_eq!(
            notes,
            [
                "UntilCancelled is cancelled",
                "a is cancelled",
                "b is cancelled"
            ],
            "{how}"
        );
        server.counts(0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_waits_for_a_slow_client_ends_with_the_connection() {
    let server = narrow(HubOptions::default()).await;
    let mut slow = Client::connect_narrow(&server).await;
    let calls = [
        stream_call("1", "Flood", json!([1_000_000, 1_000]), &[]),
        stream_call("2", "Gated", json!(["a"]), &[]),
    ];
    slow.send(&together(&calls)).await;
    stalls(&server).await;
    drop(slow);
    assert_eq!(server.stage.notes(1).await, ["a is cancelled"]);
    server.counts(0).await;
    let made = server.stage.produced.load(Ordering::Relaxed);
    pass_time(&server).await;
    assert_eq!(server.stage.produced.load(Ordering::Relaxed), made);
}

async fn detailed_errors(detailed: bool) -> Server {
    Server::with(HubOptions {
        enable_detailed_errors: detailed,
        ..HubOptions::default()
    })
    .await
}

/// A server whose sockets hold little.
async fn narrow(options: HubOptions) -> Server {
    let plan = Plan {
        options,
        send_buffer: Some(16 * 1024),
        ..Plan::default()
    };
    plan.start().await
}

/// Waits until `Flood` makes nothing more; how much it has made.
async fn stalls(server: &Server) -> usize {
    let produced = &server.stage.produced;
    becomes("the flood to begin", || {
        produced.load(Ordering::Relaxed) > 0
    })
    .await;
    let standing = async {
        loop {
            let made = produced.load(Ordering::Relaxed);
            pass_time(server).await;
            if produced.load(Ordering::Relaxed) == made {
                return made;
            }
        }
    };
    within("the flood to stand still", standing).await
}

/// Has the server do a hundred other things.
async fn pass_time(server: &Server) {
    let mut other = Client::connect(server).await;
    for _ in 0..100 {
        assert_eq!(other.call("Add", json!([1, 2])).await, json!(3));
    }
}
