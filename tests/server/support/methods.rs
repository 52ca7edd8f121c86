//! The methods of the hub under test.

use std::sync::Arc;
use std::time::Duration;

use mesahub::auth::Policy;
use mesahub::hub::{Caller, Ended, Hub, HubBuilder, HubError, SendError, State};
use serde_json::Value;

use super::asking::with_questions;
use super::stage::{Door, Stage};
use super::streaming::{with_streams, with_uploads};

pub(super) type Staged = State<Arc<Stage>>;

/// Stands for any error that is not meant for callers.
#[derive(Debug)]
pub(super) struct InvalidOperation;

impl std::fmt::Display for InvalidOperation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the kitchen is on fire")
    }
}

impl std::error::Error for InvalidOperation {}

/// A hub with a method for every purpose of the tests.
pub(crate) fn hub(stage: Arc<Stage>) -> HubBuilder {
    let hub = Hub::builder("test")
        .with_state(stage)
        .on_connected(welcome)
        .on_disconnected(record)
        .method("Add", async |a: i64, b: i64| a + b)
        .method("Echo", async |value: Value| value)
        .method("Fail", fail)
        .method("Refuse", refuse)
        .method("Panic", explode)
        .method("PanicAtOnce", explode_at_once)
        .method("PanicLater", explode_later)
        .method("SlowEcho", slow_echo)
        .method("Note", note)
        .method("NoteAtOnce", note_at_once)
        .method("Large", async |size: usize| "x".repeat(size))
        .method("WhoAmI", async |caller: Caller| caller.id().to_string())
        .method("Abort", async |caller: Caller| caller.abort())
        .method_for(Policy::Authenticated, "Members", async || true);
    with_questions(with_uploads(with_streams(with_groups(hub))))
}

fn with_groups(hub: HubBuilder) -> HubBuilder {
    hub.method("Join", join)
        .method("Leave", leave)
        .method("Groups", groups)
        .method("SendAll", send_all)
        .method("SendOthers", send_others)
        .method("SendCaller", send_caller)
        .method("SendGroup", send_group)
        .method("SendOthersInGroup", send_others_in_group)
}

async fn welcome(caller: Caller, State(stage): Staged) -> Result<(), HubError> {
    let door = *stage.door.lock().expect("never poisoned");
    match door {
        Door::Open => Ok(()),
        Door::Waits => {
            stage.record_start("welcome".to_owned());
            stage.gate.acquire().await?.forget();
            Ok(())
        }
        Door::Fails => Err(InvalidOperation.into()),
        Door::Refuses => Err(HubError::new("No table is free.")),
        Door::Panics => panic!("the door broke"),
        Door::Asks => {
            let (id, long) = (caller.id(), Duration::from_secs(60));
            let answer = caller.clients().invoke(id, "Value", &(), long).await;
            Ok(answer?)
        }
    }
}

async fn record(caller: Caller, Ended(ending): Ended, State(stage): Staged) {
    stage.record_ending(caller.id(), ending);
}

async fn fail() -> Result<(), InvalidOperation> {
    Err(InvalidOperation)
}

async fn refuse() -> Result<(), HubError> {
    Err(HubError::new("The table is taken."))
}

async fn explode() {
    panic!("the handler broke");
}

/// Not an async function: it does not even come to a future.
fn explode_at_once() -> std::future::Ready<()> {
    panic!("the handler broke");
}

async fn explode_later(State(stage): Staged) {
    stage.record_start("PanicLater".to_owned());
    let _permit = stage.gate.acquire().await.expect("never closed");
    panic!("the handler broke");
}

async fn slow_echo(text: String, State(stage): Staged) -> String {
    stage.record_start(text.clone());
    stage.gate.acquire().await.expect("never closed").forget();
    text
}

async fn note(text: String, State(stage): Staged) {
    stage.note(text);
}

/// Not an async function: it notes before there is a future.
fn note_at_once(text: String, State(stage): Staged) -> std::future::Ready<()> {
    stage.note(text);
    std::future::ready(())
}

async fn join(caller: Caller, group: String) -> Result<(), HubError> {
    Ok(caller.join(&group).await?)
}

async fn leave(caller: Caller, group: String) -> Result<(), HubError> {
    Ok(caller.leave(&group)?)
}

async fn groups(caller: Caller) -> Vec<String> {
    let mut groups = caller.groups();
    groups.sort_unstable();
    groups
}

async fn send_all(caller: Caller, text: String) -> Result<(), SendError> {
    caller.clients().all().send("Heard", &[text]).await
}

async fn send_others(caller: Caller, text: String) -> Result<(), SendError> {
    caller.clients().others().send("Heard", &[text]).await
}

async fn send_caller(caller: Caller, text: String) -> Result<(), SendError> {
    caller.clients().caller().send("Heard", &[text]).await
}

async fn send_group(caller: Caller, group: String, text: String) -> Result<(), SendError> {
    caller.clients().group(group).send("Heard", &[text]).await
}

async fn send_others_in_group(
    caller: Caller,
    group: String,
    text: String,
) -> Result<(), SendError> {
    let others = caller.clients().others_in_group(group);
    others.send("Heard", &[text]).await
}
