//! Calls: who is answered, with which text, and in which order.

use std::num::NonZeroUsize;

use mesahub::hub::{Ending, HubOptions};
use serde_json::json;

use crate::support::{Client, PING, PONG, Raw, Sent, Server, masked};

#[tokio::test]
async fn a_failure_is_told_word_for_word() {
    let invoking =
        |name: &str| format!("An unexpected error occurred invoking '{name}' on the server.");
    let failed = |name: &str| format!("Failed to invoke '{name}' due to an error on the server.");
    let count = |given: u64| {
        format!(
            " InvalidDataException: Invocation provides {given} argument(s) but target expects 2."
        )
    };
    let binding = " InvalidDataException: Error binding arguments. Make sure that the types of the \
                   provided values match the types of the hub method being invoked.";
    let rows = [
        (
            "Fail",
            json!([]),
            invoking("Fail"),
            " InvalidOperation: the kitchen is on fire".to_owned(),
        ),
        (
            "Panic",
            json!([]),
            invoking("Panic"),
            " Panic: the handler broke".to_owned(),
        ),
        (
            "PanicAtOnce",
            json!([]),
            invoking("PanicAtOnce"),
            " Panic: the handler broke".to_owned(),
        ),
        ("Add", json!([1]), failed("Add"), count(1)),
        ("Add", json!([1, 2, 3]), failed("Add"), count(3)),
        ("Add", json!([]), failed("Add"), count(0)),
        ("Add", json!(["1", "2"]), failed("Add"), binding.to_owned()),
        ("Add", json!([1, null]), failed("Add"), binding.to_owned()),
        ("aDD", json!([1, 2.5]), failed("Add"), binding.to_owned()),
    ];
    for detailed in [false, true] {
        let server = Server::with(HubOptions {
            enable_detailed_errors: detailed,
            ..HubOptions::default()
        })
        .await;
        let mut client = Client::connect(&server).await;
        for (target, arguments, base, detail) in &rows {
            let id = client.begin(target, arguments.clone()).await;
            let text = if detailed {
                format!("{base}{detail}")
            } else {
                base.clone()
            };
            assert_eq!(client.message().await, refusal(id, &text));
        }
        assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    }
}

#[tokio::test]
async fn a_deliberate_error_always_reaches_its_caller() {
    for detailed in [false, true] {
        let server = Server::with(HubOptions {
            enable_detailed_errors: detailed,
            ..HubOptions::default()
        })
        .await;
        let mut client = Client::connect(&server).await;
        let id = client.begin("refuse", json!([])).await;
        let text = "An unexpected error occurred invoking 'Refuse' on the server. \
                    HubException: The table is taken.";
        assert_eq!(client.message().await, refusal(id, text));
        let id = client.begin("Nope", json!([])).await;
        let text = "Failed to invoke 'Nope' due to an error on the server. \
                    HubException: Method does not exist.";
        assert_eq!(client.message().await, refusal(id, text));
        let id = client.begin("Members", json!([])).await;
        let text = "Failed to invoke 'Members' because user is unauthorized";
        assert_eq!(client.message().await, refusal(id, text));
    }
}

#[tokio::test]
async fn methods_are_found_in_any_case() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for target in ["Add", "add", "ADD", "aDd"] {
        assert_eq!(client.call(target, json!([20, 3])).await, json!(23));
    }
}

#[tokio::test]
async fn lifecycle_handlers_cannot_be_called() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for target in [
        "on_disconnected",
        "OnDisconnectedAsync",
        "OnConnectedAsync",
        "",
    ] {
        let id = client.begin(target, json!([])).await;
        let text = format!(
            "Failed to invoke '{target}' due to an error on the server. HubException: Method does not exist."
        );
        assert_eq!(client.message().await, refusal(id, &text));
    }
}

#[tokio::test]
async fn whatever_a_value_is_it_comes_back_unchanged() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for value in [
        json!(null),
        json!("\u{1f355} \"quoted\" \\ \u{0} </script>"),
        json!({ "invocationId": "x", "type": 7, "nested": [[], {}, [null, true, -1.5e300]] }),
        json!(u64::MAX),
        json!(i64::MIN),
    ] {
        assert_eq!(client.call("Echo", json!([value])).await, value);
    }
}

#[tokio::test]
async fn ids_are_the_callers_own_text() {
    let server = Server::start().await;
    let mut raw = Raw::connect(&server).await;
    for id in [
        "0",
        "s1",
        "\\u00fc\\n\\\"",
        "a very long id, with: everything {}",
    ] {
        raw.text(format!(
            "{{\"arguments\":[1,2],\"invocationId\":\"{id}\",\"target\":\"Add\",\"type\":1}}\u{1e}"
        ))
        .await;
        let id: String = serde_json::from_str(&format!("\"{id}\"")).unwrap();
        let completion = format!("{{\"type\":3,\"invocationId\":{},\"result\":3}}", json!(id));
        assert_eq!(raw.receive().await, Sent::text(&completion));
    }
}

#[tokio::test]
async fn a_method_without_a_value_completes_with_null() {
    let server = Server::start().await;
    let mut raw = Raw::connect(&server).await;
    raw.text("{\"type\":1,\"invocationId\":\"4\",\"target\":\"Note\",\"arguments\":[\"x\"]}\u{1e}")
        .await;
    let completion = "{\"type\":3,\"invocationId\":\"4\",\"result\":null}";
    assert_eq!(raw.receive().await, Sent::text(completion));
}

#[tokio::test]
async fn calls_without_an_id_run_in_order_and_are_never_answered() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for text in ["one", "two", "three"] {
        client
            .send(&json!({ "type": 1, "target": "Note", "arguments": [text] }).to_string())
            .await;
        for target in ["Fail", "Panic", "Nope", "Refuse"] {
            client
                .send(&json!({ "type": 1, "target": target, "arguments": [] }).to_string())
                .await;
        }
    }
    // The first answer of all is that of the first call that wants one.
    let id = client.begin("Add", json!([1, 1])).await;
    assert_eq!(client.message().await, completion(id, "2"));
    assert_eq!(server.stage.notes(3).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn a_panic_ends_nothing_but_its_own_call() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let mut other = Client::connect(&server).await;
    let id = client.begin("PanicLater", json!([])).await;
    server.stage.started(1).await;
    server.stage.gate.add_permits(1);
    let text = "An unexpected error occurred invoking 'PanicLater' on the server.";
    assert_eq!(client.message().await, refusal(id, text));
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    assert_eq!(other.call("Add", json!([3, 4])).await, json!(7));
}

#[tokio::test]
async fn one_at_a_time_calls_start_and_end_in_order() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(client.begin("SlowEcho", json!([text])).await);
    }
    let last = client.begin("Add", json!([1, 1])).await;
    for (index, id) in ids.into_iter().enumerate() {
        let started = server.stage.started(index + 1).await;
        assert_eq!(started, ["one", "two", "three"][..=index]);
        server.stage.gate.add_permits(1);
        assert_eq!(
            client.message().await,
            completion(id, &format!("{}", json!(started[index])))
        );
    }
    assert_eq!(client.message().await, completion(last, "2"));
}

#[tokio::test]
async fn nothing_of_a_handler_runs_before_its_turn() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let first = client.begin("SlowEcho", json!(["one"])).await;
    let second = client.begin("NoteAtOnce", json!(["two"])).await;
    server.stage.started(1).await;
    // Refused at once, so the call before it has been read.
    let refused = client.begin("Nope", json!([])).await;
    let told = client.message().await;
    assert!(
        told.contains(&format!("\"invocationId\":\"{refused}\"")),
        "{told}"
    );
    assert!(server.stage.notes(0).await.is_empty());
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, completion(first, "\"one\""));
    assert_eq!(client.message().await, completion(second, "null"));
    assert_eq!(server.stage.notes(1).await, ["two"]);
}

#[tokio::test]
async fn the_connection_is_read_while_a_handler_waits() {
    let server = Server::start().await;
    let mut raw = Raw::connect(&server).await;
    raw.text(
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"SlowEcho\",\"arguments\":[\"a\"]}\u{1e}",
    )
    .await;
    server.stage.started(1).await;
    raw.write(&masked(PING, b"are you there")).await;
    assert_eq!(
        raw.receive().await,
        Sent::Frame(PONG, b"are you there".to_vec())
    );
    raw.text("{\"type\":6}\u{1e}{\"type\":1,\"invocationId\":\"2\",\"target\":\"Nope\",\"arguments\":[]}\u{1e}")
        .await;
    let refused = "{\"type\":3,\"invocationId\":\"2\",\"error\":\"Failed to invoke 'Nope' due to an \
                   error on the server. HubException: Method does not exist.\"}";
    assert_eq!(raw.receive().await, Sent::text(refused));
    raw.text("{\"type\":7}\u{1e}").await;
    raw.part_with("{\"type\":7}").await;
    assert_eq!(
        server.stage.ending_of(raw.id).await,
        Ending::ClientClosed(None)
    );
    assert_eq!(server.stage.started_so_far(), 1);
}

#[tokio::test]
async fn with_a_limit_of_two_the_third_call_waits() {
    let server = Server::with(HubOptions {
        maximum_parallel_invocations: NonZeroUsize::new(2).unwrap(),
        ..HubOptions::default()
    })
    .await;
    let mut client = Client::connect(&server).await;
    for text in ["one", "two", "three"] {
        client.begin("SlowEcho", json!([text])).await;
    }
    assert_eq!(server.stage.started(2).await, ["one", "two"]);
    // Another connection is served meanwhile, so the third had every chance to start.
    let mut other = Client::connect(&server).await;
    other.call("Add", json!([1, 1])).await;
    assert_eq!(server.stage.started_so_far(), 2);
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, completion(1, "\"one\""));
    assert_eq!(server.stage.started(3).await, ["one", "two", "three"]);
    server.stage.gate.add_permits(2);
    assert_eq!(client.message().await, completion(2, "\"two\""));
    assert_eq!(client.message().await, completion(3, "\"three\""));
}

#[tokio::test]
async fn too_many_waiting_calls_stop_the_reading_until_one_is_done() {
    let server = Server::with(HubOptions {
        invocation_backlog: 2,
        ..HubOptions::default()
    })
    .await;
    let mut raw = Raw::connect(&server).await;
    let mut bytes = Vec::new();
    for id in 1..=3 {
        let call = json!({
            "type": 1, "invocationId": id.to_string(), "target": "SlowEcho", "arguments": ["x"],
        });
        bytes.extend(masked(1, format!("{call}\u{1e}").as_bytes()));
    }
    bytes.extend(masked(PING, b"behind"));
    raw.write(&bytes).await;
    server.stage.started(1).await;
    let mut other = Client::connect(&server).await;
    other.call("Add", json!([1, 1])).await;
    server.stage.gate.add_permits(1);
    // Had the ping been read before the first call was done, its answer would come first.
    let done = |id: u8| {
        Sent::text(&format!(
            "{{\"type\":3,\"invocationId\":\"{id}\",\"result\":\"x\"}}"
        ))
    };
    assert_eq!(raw.receive().await, done(1));
    assert_eq!(raw.receive().await, Sent::Frame(PONG, b"behind".to_vec()));
    server.stage.gate.add_permits(2);
    assert_eq!(raw.receive().await, done(2));
    assert_eq!(raw.receive().await, done(3));
}

fn completion(id: u64, result: &str) -> String {
    format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":{result}}}")
}

fn refusal(id: u64, text: &str) -> String {
    format!(
        "{{\"type\":3,\"invocationId\":\"{id}\",\"error\":{}}}",
        json!(text)
    )
}
