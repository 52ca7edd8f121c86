//! Filters: code around every invocation, connect and disconnect.

use std::sync::Arc;

use mesahub::hub::handler::Running;
use mesahub::hub::{Caller, Ending, HubBuilder, HubError, HubFilter, HubOptions, Invoked};
use serde_json::json;

use crate::support::messages::{call, cancel, end, error, item, result, stream_call};
use crate::support::{Client, Plan, Raw, Sent, Server, Stage};

/// Notes what passes, under a name.
struct Noting(&'static str, Arc<Stage>);

/// Refuses some calls, and fails in other ways.
struct Strict;

/// Refuses everybody.
struct Closed;

impl Noting {
    fn around(&self, what: String, next: Running) -> Running {
        let (name, stage) = (self.0, Arc::clone(&self.1));
        Box::pin(async move {
            stage.note(format!("{name} before {what}"));
            let done = next.await;
            let how = match &done {
                Ok(_) => "after".to_owned(),
                Err(error) => format!("sees {error} after"),
            };
            stage.note(format!("{name} {how} {what}"));
            done
        })
    }
}

impl HubFilter for Noting {
    fn invocation(&self, call: &Invoked<'_>, next: Running) -> Running {
        let (method, arguments, id) = (call.method, call.arguments, call.caller.id());
        self.around(format!("{method}/{arguments} of {id}"), next)
    }

    fn connected(&self, caller: &Caller, next: Running) -> Running {
        self.around(format!("connect of {}", caller.id()), next)
    }

    fn disconnected(&self, caller: &Caller, ending: &Ending, next: Running) -> Running {
        self.around(format!("disconnect of {}: {ending}", caller.id()), next)
    }
}

impl HubFilter for Strict {
    fn invocation(&self, call: &Invoked<'_>, next: Running) -> Running {
        match call.method {
            "Note" | "NoteAtOnce" | "Gated" => {
                Box::pin(async { Err(HubError::new("not on a Monday")) })
            }
            "Echo" => panic!("the filter broke"),
            "WhoAmI" => Box::pin(async { panic!("the filter broke later") }),
            _ => next,
        }
    }
}

impl HubFilter for Closed {
    fn connected(&self, _caller: &Caller, _next: Running) -> Running {
        Box::pin(async { Err(HubError::new("We are closed.")) })
    }
}

async fn with(also: fn(HubBuilder, &Arc<Stage>) -> HubBuilder) -> Server {
    let plan = Plan {
        also,
        ..Plan::default()
    };
    plan.start().await
}

fn noting(hub: HubBuilder, stage: &Arc<Stage>) -> HubBuilder {
    hub.filter(Noting("outer", Arc::clone(stage)))
        .filter(Noting("inner", Arc::clone(stage)))
}

#[tokio::test]
async fn the_first_filter_is_outermost_and_sees_who_calls_what() {
    let server = with(noting).await;
    let mut client = Client::connect(&server).await;
    let id = client.id;
    client.send(&call(None, "nOTE", json!(["here"]), &[])).await;
    assert_eq!(
        server.stage.notes(9).await,
        [
            format!("outer before connect of {id}"),
            format!("inner before connect of {id}"),
            format!("inner after connect of {id}"),
            format!("outer after connect of {id}"),
            format!("outer before Note/1 of {id}"),
            format!("inner before Note/1 of {id}"),
            "here".to_owned(),
            format!("inner after Note/1 of {id}"),
            format!("outer after Note/1 of {id}"),
        ]
    );
}

#[tokio::test]
async fn a_filter_is_before_all_of_a_handler_that_is_no_async_function() {
    let server = with(noting).await;
    let mut client = Client::connect(&server).await;
    let id = client.id;
    let note = call(None, "NoteAtOnce", json!(["here"]), &[]);
    client.send(&note).await;
    let notes = server.stage.notes(9).await;
    let inner = |when: &str| format!("inner {when} NoteAtOnce/1 of {id}");
    let expected = [inner("before"), "here".to_owned(), inner("after")];
    assert_eq!(notes[5..8], expected);
}

#[tokio::test]
async fn a_filter_sees_how_a_connection_ended() {
    let server = with(noting).await;
    let mut client = Client::connect(&server).await;
    let id = client.id;
    client
        .send("{\"type\":7,\"error\":\"I am going home\"}")
        .await;
    let what = format!("disconnect of {id}: client_closed: I am going home");
    let notes = server.stage.notes(8).await;
    assert_eq!(notes[4], format!("outer before {what}"));
    assert_eq!(notes[7], format!("outer after {what}"));
    let ending = Ending::ClientClosed(Some("I am going home".to_owned()));
    assert_eq!(server.stage.ending_of(id).await, ending);
}

#[tokio::test]
async fn a_filter_sees_how_a_call_failed() {
    let server = with(noting).await;
    let mut client = Client::connect(&server).await;
    let text = "An unexpected error occurred invoking 'Fail' on the server.";
    client.send(&call(Some("1"), "Fail", json!([]), &[])).await;
    assert_eq!(client.message().await, error("1", text));
    let notes = server.stage.notes(8).await;
    let seen = "outer sees InvalidOperation: the kitchen is on fire after Fail/0";
    assert!(notes[7].starts_with(seen), "{}", notes[7]);
}

#[tokio::test]
async fn what_cannot_be_called_does_not_reach_a_filter() {
    let server = with(noting).await;
    let mut client = Client::connect(&server).await;
    for (target, arguments) in [
        ("Nope", json!([])),
        ("Add", json!([1])),
        ("Add", json!(["1", 2])),
        ("Members", json!([])),
        ("Gated", json!(["x"])),
        ("Sum", json!([])),
    ] {
        client.send(&call(Some("1"), target, arguments, &[])).await;
        let refused = client.message().await;
        assert!(refused.contains("\"error\""), "{refused}");
    }
    assert_eq!(server.stage.notes(4).await.len(), 4);
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    let notes = server.stage.notes(8).await;
    assert!(notes[4].starts_with("outer before Add/2"), "{}", notes[4]);
}

#[tokio::test]
async fn a_filter_is_around_a_stream_until_it_ends() {
    let server = with(noting).await;
    let mut client = Client::connect(&server).await;
    client
        .send(&stream_call("7", "Gated", json!(["a"]), &[]))
        .await;
    server.stage.gate.add_permits(1);
    assert_eq!(client.message().await, item("7", json!("a 0")));
    assert_eq!(server.stage.notes(6).await.len(), 6);
    client.send(&cancel("7")).await;
    assert_eq!(client.message().await, end("7"));
    let notes = server.stage.notes(9).await;
    assert_eq!(notes[6], "a is cancelled");
    assert!(notes[8].starts_with("outer after Gated/1"), "{}", notes[8]);
}

#[tokio::test]
async fn what_a_filter_refuses_is_not_run() {
    let server = with(|hub, _| hub.filter(Strict)).await;
    let mut client = Client::connect(&server).await;
    let refused = |name: &str| {
        format!(
            "An unexpected error occurred invoking '{name}' on the server. HubException: not on a \
             Monday"
        )
    };
    client
        .send(&call(Some("1"), "Note", json!(["x"]), &[]))
        .await;
    assert_eq!(client.message().await, error("1", &refused("Note")));
    client.send(&call(None, "Note", json!(["x"]), &[])).await;
    client
        .send(&call(Some("1"), "NoteAtOnce", json!(["x"]), &[]))
        .await;
    assert_eq!(client.message().await, error("1", &refused("NoteAtOnce")));
    client
        .send(&stream_call("2", "Gated", json!(["x"]), &[]))
        .await;
    assert_eq!(client.message().await, error("2", &refused("Gated")));
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    assert!(server.stage.notes(0).await.is_empty());
    assert_eq!(server.stage.started_so_far(), 0);
}

#[tokio::test]
async fn a_filter_that_panics_ends_only_the_call() {
    let server = with(|hub, _| hub.filter(Strict)).await;
    let mut client = Client::connect(&server).await;
    for name in ["Echo", "WhoAmI"] {
        let arguments = if name == "Echo" {
            json!([1])
        } else {
            json!([])
        };
        client.send(&call(Some("1"), name, arguments, &[])).await;
        let text = format!("An unexpected error occurred invoking '{name}' on the server.");
        assert_eq!(client.message().await, error("1", &text));
    }
    client
        .send(&call(Some("2"), "Add", json!([1, 2]), &[]))
        .await;
    assert_eq!(client.message().await, result("2", json!(3)));
}

#[tokio::test]
async fn whom_a_filter_refuses_does_not_get_in() {
    let plan = Plan {
        also: |hub, stage| {
            hub.filter(Noting("outer", Arc::clone(stage)))
                .filter(Closed)
        },
        options: HubOptions::default(),
        ..Plan::default()
    };
    let server = plan.start().await;
    let mut raw = Raw::open(&server).await;
    raw.text("{\"protocol\":\"json\",\"version\":1}\u{1e}")
        .await;
    assert_eq!(raw.receive().await, Sent::text("{}"));
    raw.part_with(
        "{\"type\":7,\"error\":\"Connection closed with an error. HubException: We are closed.\"}",
    )
    .await;
    server.counts(0).await;
    let notes = server.stage.notes(2).await;
    let seen = format!(
        "outer sees HubException: We are closed. after connect of {}",
        raw.id
    );
    assert_eq!(notes[1..], [seen]);
}
