//! Methods that are answered once.

use std::time::Duration;

use mesahub::hub::{Caller, Ending, HubBuilder, HubError, InvokeError, SendError};
use serde_json::Value;

use crate::failure::InvalidOperation;
use crate::octets::Octets;

/// How long a client has to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest text that `Repeat` makes, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// Adds them to the hub.
pub(crate) fn calls(hub: HubBuilder) -> HubBuilder {
    hub.method("Add", async |a: i64, b: i64| a + b)
        .method("Nothing", async || ())
        .method("Echo", async |value: Value| value)
        .method("EchoBytes", async |bytes: Octets| bytes)
        .method("Repeat", repeat)
        .method("Fail", fail)
        .method("Crash", crash)
        .method("Panic", break_down)
        .method("WhoAmI", who_am_i)
        .method("AskName", ask_name)
        .method("Tell", tell)
        .method("Broadcast", broadcast)
        .method("Join", join)
        .method("TellGroup", tell_group)
        .method("Leave", async |caller: Caller| caller.abort())
        .method("SendAway", send_away)
}

async fn repeat(text: String, times: usize) -> Result<String, HubError> {
    match text.len().checked_mul(times) {
        Some(0..=LONGEST) => Ok(text.repeat(times)),
        _ => Err(HubError::new("That is too long.")),
    }
}

async fn fail() -> Result<(), HubError> {
    Err(HubError::new("The table is taken."))
}

async fn crash() -> Result<(), InvalidOperation> {
    Err(InvalidOperation)
}

async fn break_down() {
    panic!("the handler broke");
}

/// The user that the caller's token names.
async fn who_am_i(caller: Caller) -> Option<String> {
    caller.principal().user.as_ref().map(ToString::to_string)
}

/// Asks the caller's client for a name.
async fn ask_name(caller: Caller) -> Result<String, InvokeError> {
    let clients = caller.clients();
    clients.invoke(caller.id(), "name", &(), PATIENCE).await
}

/// Calls a method of the caller's client.
async fn tell(caller: Caller, method: String, arguments: Vec<Value>) -> Result<(), SendError> {
    let clients = caller.clients();
    clients.caller().send(&method, &arguments).await
}

async fn broadcast(caller: Caller, text: String) -> Result<(), SendError> {
    caller.clients().all().send("heard", &[text]).await
}

async fn join(caller: Caller, group: String) -> Result<(), HubError> {
    Ok(caller.join(&group).await?)
}

async fn tell_group(caller: Caller, group: String, text: String) -> Result<(), SendError> {
    caller.clients().group(group).send("heard", &[text]).await
}

/// Ends the caller's connection; its client may come back.
async fn send_away(caller: Caller) {
    caller.hub().disconnect(caller.id(), Ending::SentAway);
}
