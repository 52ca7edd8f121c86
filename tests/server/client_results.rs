//! Asking one client for a value.

use std::sync::Arc;
use std::time::Duration;

use mesahub::hub::handler::Running;
use mesahub::hub::{Caller, ConnectionId, Ending, HubFilter, HubOptions, InvokeError};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::support::messages::{call, end, error, result, together};
use crate::support::{Client, Door, Plan, Raw, Sent, Server, Stage, becomes, within};

/// Longer than any test may take.
const LONG: Duration = Duration::from_secs(60);

type Asking = JoinHandle<Result<i64, InvokeError>>;

/// Asks a connection for a number, from outside of any handler.
fn ask(server: &Server, id: ConnectionId, deadline: Duration) -> Asking {
    let clients = server.hub.clients();
    TaskTracker::new()
        .spawn(async move { clients.invoke(id, "Value", &(1, "two"), deadline).await })
}

async fn answer_to(asking: Asking) -> Result<i64, InvokeError> {
    within("the answer", asking).await.unwrap()
}

/// The question as it arrives.
fn question(number: u32) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"s{number}\",\"target\":\"Value\",\"arguments\":[1,\"two\"]}}"
    )
}

/// The same without arguments.
fn short_question(number: u32) -> String {
    question(number).replace("1,\"two\"", "")
}

#[tokio::test]
async fn a_client_is_asked_and_its_value_comes_back() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for number in 1..=3 {
        let asking = ask(&server, client.id, LONG);
        assert_eq!(client.message().await, question(number));
        client
            .send(&result(&format!("s{number}"), json!(40 + number)))
            .await;
        assert_eq!(answer_to(asking).await.unwrap(), 40 + i64::from(number));
    }
}

#[tokio::test]
async fn an_answer_without_a_value_is_an_error_for_whoever_asked() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for (number, answer) in [
        (1, error("s1", "Error: the oven is cold")),
        (2, end("s2")),
        (3, result("s3", json!("three"))),
        (4, result("s4", json!(null))),
    ] {
        let asking = ask(&server, client.id, LONG);
        assert_eq!(client.message().await, question(number));
        client.send(&answer).await;
        let failure = answer_to(asking).await.unwrap_err();
        match number {
            1 => assert!(
                matches!(&failure, InvokeError::Client(text) if text == "Error: the oven is cold")
            ),
            2 => assert!(matches!(&failure, InvokeError::Client(text) if text.is_empty())),
            _ => {
                let begins = "Error trying to deserialize result to Int64. ";
                assert!(failure.to_string().starts_with(begins), "{failure}");
            }
        }
    }
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn a_late_answer_is_too_late_and_does_no_harm() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let asking = ask(&server, client.id, Duration::from_millis(50));
    assert_eq!(client.message().await, question(1));
    let failure = answer_to(asking).await.unwrap_err();
    assert_eq!(failure.to_string(), "Invocation canceled by the server.");
    client.send(&result("s1", json!(1))).await;
    // Nor is it taken for the answer to the next question.
    let asking = ask(&server, client.id, LONG);
    assert_eq!(client.message().await, question(2));
    client.send(&result("s2", json!(2))).await;
    assert_eq!(answer_to(asking).await.unwrap(), 2);
}

#[tokio::test]
async fn whoever_gives_up_withdraws_the_question() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let asking = ask(&server, client.id, LONG);
    assert_eq!(client.message().await, question(1));
    asking.abort();
    assert!(within("the end", asking).await.unwrap_err().is_cancelled());
    client.send(&result("s1", json!("not even a number"))).await;
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn the_first_of_two_answers_counts() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let asking = ask(&server, client.id, LONG);
    assert_eq!(client.message().await, question(1));
    let answers = [result("s1", json!(1)), result("s1", json!(2))];
    client.send(&together(&answers)).await;
    assert_eq!(answer_to(asking).await.unwrap(), 1);
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn questions_may_be_answered_in_any_order() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let mut questions = Vec::new();
    for number in 1..=10 {
        questions.push((number, ask(&server, client.id, LONG)));
        assert_eq!(client.message().await, question(number));
    }
    for (number, asking) in questions.into_iter().rev() {
        client
            .send(&result(&format!("s{number}"), json!(number)))
            .await;
        assert_eq!(answer_to(asking).await.unwrap(), i64::from(number));
    }
}

#[tokio::test]
async fn an_answer_from_another_connection_costs_that_connection() {
    let server = Server::start().await;
    let mut asked = Client::connect(&server).await;
    let mut intruder = Client::connect(&server).await;
    let asking = ask(&server, asked.id, LONG);
    assert_eq!(asked.message().await, question(1));
    intruder.send(&result("s1", json!(666))).await;
    let close =
        "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}";
    intruder.is_sent_away_with(close).await;
    assert!(matches!(
        server.stage.ending_of(intruder.id).await,
        Ending::ProtocolViolation(_)
    ));
    asked.send(&result("s1", json!(1))).await;
    assert_eq!(answer_to(asking).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_does_not_answer() {
    for how in ["lost", "stopped", "aborted"] {
        let server = Server::start().await;
        let mut client = Client::connect(&server).await;
        let id = client.id;
        let first = ask(&server, id, LONG);
        assert_eq!(client.message().await, question(1));
        let second = ask(&server, id, LONG);
        assert_eq!(client.message().await, question(2));
        match how {
            "lost" => drop(client),
            "stopped" => client.send("{\"type\":7}").await,
            _ => assert!(server.hub.disconnect(id, Ending::Aborted)),
        }
        for asking in [first, second] {
            let failure = answer_to(asking).await.unwrap_err();
            let text = format!("Connection '{id}' disconnected.");
            assert_eq!(failure.to_string(), text, "{how}");
        }
        server.counts(0).await;
        let failure = answer_to(ask(&server, id, LONG)).await.unwrap_err();
        let text = format!("Connection '{id}' does not exist.");
        assert_eq!(failure.to_string(), text, "{how}");
    }
}

#[tokio::test]
async fn a_failed_question_is_told_to_a_caller_word_for_word() {
    let base = "An unexpected error occurred invoking 'Ask' on the server.";
    let stranger = ConnectionId::random();
    for detailed in [false, true] {
        let server = Server::with(HubOptions {
            enable_detailed_errors: detailed,
            ..HubOptions::default()
        })
        .await;
        let mut client = Client::connect(&server).await;
        let mut asked = Client::connect(&server).await;
        let id = asked.id.to_string();
        // What the client said is always told.
        let begun = client.begin("Ask", json!([id, 60_000])).await.to_string();
        assert_eq!(asked.message().await, short_question(1));
        asked.send(&error("s1", "Error: no")).await;
        let text = format!("{base} HubException: Error: no");
        assert_eq!(client.message().await, error(&begun, &text));
        let begun = client.begin("Ask", json!([id, 20])).await.to_string();
        let text = format!("{base} HubException: Invocation canceled by the server.");
        assert_eq!(client.message().await, error(&begun, &text));
        // Who is connected is not.
        let begun = client
            .begin("Ask", json!([stranger.to_string(), 60_000]))
            .await;
        let detail = format!(" IOException: Connection '{stranger}' does not exist.");
        let text = format!("{base}{}", if detailed { &detail } else { "" });
        assert_eq!(client.message().await, error(&begun.to_string(), &text));
    }
}

#[tokio::test]
async fn a_connect_handler_may_not_ask_its_client() {
    let server = Server::with(HubOptions {
        enable_detailed_errors: true,
        ..HubOptions::default()
    })
    .await;
    *server.stage.door.lock().unwrap() = Door::Asks;
    let mut raw = Raw::open(&server).await;
    raw.text("{\"protocol\":\"json\",\"version\":1}\u{1e}")
        .await;
    assert_eq!(raw.receive().await, Sent::text("{}"));
    raw.part_with(
        "{\"type\":7,\"error\":\"Connection closed with an error. InvalidOperationException: \
         Client results inside OnConnectedAsync Hub methods are not allowed.\"}",
    )
    .await;
}

#[tokio::test]
async fn a_connect_handler_may_not_ask_another_client_either() {
    /// Asks whoever came first.
    struct Nosy(Arc<Stage>, std::sync::OnceLock<ConnectionId>);

    impl HubFilter for Nosy {
        fn connected(&self, caller: &Caller, next: Running) -> Running {
            let first = *self.1.get_or_init(|| caller.id());
            let (asking, stage) = (caller.clients(), Arc::clone(&self.0));
            Box::pin(async move {
                let answer = asking.invoke::<i64, _>(first, "Value", &(), LONG);
                stage.note(answer.await.unwrap_err().to_string());
                next.await
            })
        }
    }

    let plan = Plan {
        also: |hub, stage| hub.filter(Nosy(Arc::clone(stage), std::sync::OnceLock::new())),
        ..Plan::default()
    };
    let server = plan.start().await;
    let mut first = Client::connect(&server).await;
    let _second = Client::connect(&server).await;
    let refused = "Client results inside OnConnectedAsync Hub methods are not allowed.";
    assert_eq!(server.stage.notes(2).await, [refused, refused]);
    // Neither was asked.
    assert_eq!(first.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn a_client_that_is_still_being_welcomed_can_be_asked_from_elsewhere() {
    let server = Server::start().await;
    *server.stage.door.lock().unwrap() = Door::Waits;
    let mut raw = Raw::open(&server).await;
    raw.text("{\"protocol\":\"json\",\"version\":1}\u{1e}")
        .await;
    assert_eq!(raw.receive().await, Sent::text("{}"));
    server.stage.started(1).await;
    let asking = ask(&server, raw.id, LONG);
    assert_eq!(raw.receive().await, Sent::text(&question(1)));
    // The answer is read when the connect handler has let it in.
    raw.text(format!("{}\u{1e}", result("s1", json!(7)))).await;
    server.stage.gate.add_permits(1);
    assert_eq!(answer_to(asking).await.unwrap(), 7);
}

#[tokio::test]
async fn a_disconnect_handler_asks_in_vain() {
    struct Curious(Arc<Stage>);

    impl HubFilter for Curious {
        fn disconnected(&self, caller: &Caller, _: &Ending, next: Running) -> Running {
            let (caller, stage) = (caller.clone(), Arc::clone(&self.0));
            Box::pin(async move {
                let asking = caller.clients();
                let answer = asking.invoke::<i64, _>(caller.id(), "Value", &(), LONG);
                stage.note(answer.await.unwrap_err().to_string());
                next.await
            })
        }
    }

    let plan = Plan {
        also: |hub, stage| hub.filter(Curious(Arc::clone(stage))),
        ..Plan::default()
    };
    let server = plan.start().await;
    let mut client = Client::connect(&server).await;
    client.send("{\"type\":7}").await;
    let text = format!("Connection '{}' disconnected.", client.id);
    assert_eq!(server.stage.notes(1).await, [text]);
    // It is told of nothing but the goodbye.
    client.is_sent_away_with("{\"type\":7}").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_may_ask_its_own_caller() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let begun = client.begin("AskMe", json!([])).await.to_string();
    assert_eq!(client.message().await, short_question(1));
    // More calls than may wait stand between the question and its answer.
    let backlog = server.hub.options().invocation_backlog;
    for number in 0..backlog * 2 {
        let id = format!("behind {number}");
        client
            .send(&call(Some(&id), "Add", json!([number, 0]), &[]))
            .await;
    }
    client.send(&result("s1", json!(7))).await;
    assert_eq!(client.message().await, result(&begun, json!(7)));
    for number in 0..backlog * 2 {
        let id = format!("behind {number}");
        assert_eq!(client.message().await, result(&id, json!(number)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_may_ask_its_own_caller_whose_reading_has_stopped() {
    for backlog in [0, 1, 5] {
        let server = Server::with(HubOptions {
            invocation_backlog: backlog,
            ..HubOptions::default()
        })
        .await;
        let mut client = Client::connect(&server).await;
        let later = call(Some("asking"), "AskMeLater", json!([]), &[]);
        client.send(&later).await;
        server.stage.started(1).await;
        for number in 0..=backlog {
            let id = format!("behind {number}");
            client
                .send(&call(Some(&id), "Add", json!([number, 0]), &[]))
                .await;
        }
        let received = || server.hub.traffic().received.messages.value();
        let taken = 1 + u64::try_from(backlog).unwrap();
        becomes("the backlog to be full", || received() == taken).await;
        server.stage.gate.add_permits(1);
        assert_eq!(client.message().await, short_question(1));
        client.send(&result("s1", json!(7))).await;
        assert_eq!(client.message().await, result("asking", json!(7)));
        for number in 0..=backlog {
            let id = format!("behind {number}");
            assert_eq!(client.message().await, result(&id, json!(number)));
        }
    }
}
