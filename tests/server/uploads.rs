//! Streams from a client to a handler.

use mesahub::hub::{Ending, HubOptions};
use serde_json::json;

use crate::support::messages::{call, cancel, end, error, item, result, stream_call, together};
use crate::support::{Client, Server, becomes};

const INVOKING: &str = "An unexpected error occurred invoking";

#[tokio::test]
async fn a_call_its_items_and_their_end_may_come_in_one_chunk() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let upload = [
        call(Some("1"), "sum", json!([]), &["u"]),
        item("u", json!(20)),
        item("u", json!(3)),
        end("u"),
        call(Some("2"), "Sum", json!([]), &["empty"]),
        end("empty"),
    ];
    client.send(&together(&upload)).await;
    let mut answers = [client.message().await, client.message().await];
    answers.sort_unstable();
    assert_eq!(answers, [result("1", json!(23)), result("2", json!(0))]);
}

#[tokio::test]
async fn several_streams_are_told_apart_by_the_order_of_their_ids() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let calls = [
        call(Some("1"), "SumBoth", json!([100]), &["z", "a"]),
        item("z", json!(1)),
        item("a", json!(10)),
        item("z", json!(2)),
        item("a", json!(20)),
    ];
    client.send(&together(&calls)).await;
    client.send(&end("z")).await;
    client.send(&end("a")).await;
    assert_eq!(client.message().await, result("1", json!([103, 130])));
}

#[tokio::test]
async fn a_stream_can_be_answered_with_a_stream() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client
        .send(&stream_call("1", "Scale", json!([3]), &["u"]))
        .await;
    for number in 0..30 {
        client.send(&item("u", json!(number))).await;
        assert_eq!(client.message().await, item("1", json!(number * 3)));
    }
    client.send(&end("u")).await;
    assert_eq!(client.message().await, end("1"));

    // One that is cancelled takes no more.
    client
        .send(&stream_call("1", "Scale", json!([3]), &["u"]))
        .await;
    client.send(&item("u", json!(1))).await;
    assert_eq!(client.message().await, item("1", json!(3)));
    client.send(&cancel("1")).await;
    assert_eq!(client.message().await, end("1"));
    client.send(&item("u", json!(2))).await;
    client.send(&end("u")).await;
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn a_call_that_wants_no_answer_may_upload_too() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    server.stage.gate.add_permits(1);
    client.send(&call(None, "Collect", json!([]), &["u"])).await;
    client.send(&item("u", json!(1))).await;
    client.send(&end("u")).await;
    assert_eq!(server.stage.notes(2).await, ["1", "the end"]);
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn another_number_of_streams_is_told_word_for_word() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let refused = |name: &str, sent: usize, expected: usize| {
        format!(
            "{INVOKING} '{name}' on the server. HubException: Client sent {sent} stream(s), Hub \
             method expects {expected}."
        )
    };
    let streams = ["a", "b", "c"];
    for (name, arguments, expected) in [
        ("Sum", json!([]), 1),
        ("SumBoth", json!([1]), 2),
        ("Add", json!([1, 2]), 0),
    ] {
        for sent in (0..=3).filter(|sent| *sent != expected) {
            let call = call(Some("7"), name, arguments.clone(), &streams[..sent]);
            client.send(&call).await;
            let text = refused(name, sent, expected);
            assert_eq!(client.message().await, error("7", &text));
        }
    }
    let scale = stream_call("7", "Scale", json!([3]), &streams);
    client.send(&scale).await;
    let text = refused("Scale", 3, 1);
    assert_eq!(client.message().await, error("7", &text));
    client.send(&call(None, "Sum", json!([]), &[])).await;
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn what_fails_on_the_clients_side_is_seen_by_the_handler() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for (last, seen) in [
        (item("u", json!("two")), "Failed to bind Stream message."),
        (item("u", json!(null)), "Failed to bind Stream message."),
        (error("u", "the oven is cold"), "the oven is cold"),
        (error("u", ""), ""),
    ] {
        let upload = [
            call(Some("7"), "Sum", json!([]), &["u"]),
            item("u", json!(1)),
            last.clone(),
            // Nobody waits for these any more.
            item("u", json!(2)),
            end("u"),
        ];
        client.send(&together(&upload)).await;
        // It comes from the client, so there is nothing to hide from it.
        let text = format!("{INVOKING} 'Sum' on the server. HubException: {seen}");
        assert_eq!(client.message().await, error("7", &text), "{last}");
        let scaled = [
            stream_call("8", "Scale", json!([3]), &["u"]),
            item("u", json!(1)),
            last,
        ];
        client.send(&together(&scaled)).await;
        assert_eq!(client.message().await, item("8", json!(3)));
        let text = "An error occurred on the server while streaming results. HubException: ";
        let text = format!("{text}{seen}");
        assert_eq!(client.message().await, error("8", &text));
    }
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn no_more_items_are_read_than_the_buffer_holds() {
    for capacity in 1_u32..=3 {
        let server = capacity_of(capacity as usize).await;
        let mut client = Client::connect(&server).await;
        let mut messages = vec![call(None, "Collect", json!([]), &["u"])];
        messages.extend((0..=capacity).map(|number| item("u", json!(number))));
        messages.push(call(Some("behind"), "Add", json!([1, 2]), &[]));
        client.send(&together(&messages)).await;
        let received = || server.hub.traffic().received.messages.value();
        let taken = 1 + u64::from(capacity);
        becomes("the buffer to be full", || received() == taken).await;
        // Another connection is served meanwhile, so that one had every chance to be read.
        let mut other = Client::connect(&server).await;
        for _ in 0..100 {
            other.call("Add", json!([1, 1])).await;
        }
        assert_eq!(received(), taken + 100);
        server.stage.gate.add_permits(1);
        assert_eq!(client.message().await, result("behind", json!(3)));
        client.send(&end("u")).await;
        let mut expected: Vec<_> = (0..=capacity).map(|number| number.to_string()).collect();
        expected.push("the end".to_owned());
        assert_eq!(server.stage.notes(expected.len()).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_buffer_never_stands_still_while_its_handler_reads() {
    const ITEMS: i64 = 5_000;
    let server = capacity_of(1).await;
    let mut client = Client::connect(&server).await;
    let mut messages = vec![call(Some("1"), "Sum", json!([]), &["u"])];
    messages.extend((1..=ITEMS).map(|number| item("u", json!(number))));
    messages.push(end("u"));
    for _ in 0..10 {
        // In chunks, so that the reading and the handler run side by side.
        for chunk in messages.chunks(50) {
            client.send(&together(chunk)).await;
        }
        let sum = ITEMS * (ITEMS + 1) / 2;
        assert_eq!(client.message().await, result("1", json!(sum)));
    }
}

#[tokio::test]
async fn a_buffer_that_is_just_full_holds_nothing_up() {
    let server = capacity_of(3).await;
    let mut client = Client::connect(&server).await;
    let mut messages = vec![call(None, "Collect", json!([]), &["u"])];
    messages.extend((0..3).map(|number| item("u", json!(number))));
    messages.push(error("u", "enough"));
    messages.push(call(Some("behind"), "Add", json!([1, 2]), &[]));
    client.send(&together(&messages)).await;
    assert_eq!(client.message().await, result("behind", json!(3)));
    server.stage.gate.add_permits(1);
    let expected = ["0", "1", "2", "enough", "the end"];
    assert_eq!(server.stage.notes(5).await, expected);
}

#[tokio::test]
async fn items_for_a_handler_that_has_had_enough_are_ignored() {
    let server = capacity_of(1).await;
    let mut client = Client::connect(&server).await;
    let mut messages = vec![call(Some("1"), "First", json!([]), &["u"])];
    messages.extend((0..20).map(|number| item("u", json!(number))));
    messages.push(call(Some("behind"), "Add", json!([1, 2]), &[]));
    client.send(&together(&messages)).await;
    // The reading stands still at the second item until the handler lets the stream go.
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, result("behind", json!(3)));
    assert_eq!(server.stage.started(2).await, ["First", "dropped"]);
    client.send(&item("u", json!("not even a number"))).await;
    client.send(&end("u")).await;
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, result("1", json!(0)));
}

#[tokio::test]
async fn a_stream_fails_when_its_connection_ends() {
    for how in ["lost", "stopped", "aborted", "aborted while full"] {
        let server = capacity_of(2).await;
        let mut client = Client::connect(&server).await;
        let count = if how == "aborted while full" { 3 } else { 1 };
        let mut messages = vec![call(None, "Collect", json!([]), &["u"])];
        messages.extend((0..count).map(|number| item("u", json!(number))));
        client.send(&together(&messages)).await;
        let taken = 1 + count.min(2);
        let received = || server.hub.traffic().received.messages.value();
        becomes("the items to be read", || received() == taken).await;
        match how {
            "lost" => drop(client),
            "stopped" => client.send("{\"type\":7}").await,
            _ => assert!(server.hub.disconnect(client.id, Ending::Aborted)),
        }
        server.counts(0).await;
        server.stage.gate.add_permits(1);
        let mut expected = vec!["0", "1", "The underlying connection was closed.", "the end"];
        if count == 1 {
            expected.remove(1);
        }
        assert_eq!(server.stage.notes(expected.len()).await, expected, "{how}");
    }
}

#[tokio::test]
async fn items_and_ends_of_unknown_streams_are_ignored() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let messages = [
        item("nobody", json!([1, { "a": null }])),
        end("nobody"),
        error("nobody", "it failed"),
        result("nobody", json!(1)),
        call(Some("1"), "Sum", json!([]), &["u"]),
        item("U", json!(1000)),
        item("1", json!(1000)),
        item("u", json!(1)),
        end("u"),
        item("u", json!(1000)),
        error("u", "too late"),
    ];
    client.send(&together(&messages)).await;
    assert_eq!(client.message().await, result("1", json!(1)));
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn an_id_can_be_used_again_while_a_handler_still_holds_the_ended_stream() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let messages = [
        call(Some("1"), "SumAndWait", json!([]), &["u"]),
        item("u", json!(1)),
        end("u"),
        call(Some("2"), "Sum", json!([]), &["u"]),
        item("u", json!(10)),
    ];
    client.send(&together(&messages)).await;
    server.stage.started(1).await;
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, result("1", json!(1)));
    client.send(&item("u", json!(20))).await;
    client.send(&end("u")).await;
    assert_eq!(client.message().await, result("2", json!(30)));
}

async fn capacity_of(items: usize) -> Server {
    Server::with(HubOptions {
        stream_buffer_capacity: items,
        ..HubOptions::default()
    })
    .await
}
