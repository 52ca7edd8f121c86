//! The methods of the hub under test that ask clients for values.

use std::time::Duration;

use mesahub::hub::{Caller, ConnectionId, HubBuilder, InvokeError, State};

use super::methods::Staged;

/// Longer than any test may take.
const LONG: Duration = Duration::from_secs(60);

pub(super) fn with_questions(hub: HubBuilder) -> HubBuilder {
    hub.method("Ask", ask)
        .method("AskMe", ask_me)
        .method("AskMeLater", ask_me_later)
}

async fn ask(caller: Caller, whom: String, milliseconds: u64) -> Result<i64, InvokeError> {
    let id: ConnectionId = whom.parse().expect("tests name connections");
    let deadline = Duration::from_millis(milliseconds);
    caller.clients().invoke(id, "Value", &(), deadline).await
}

async fn ask_me(caller: Caller) -> Result<i64, InvokeError> {
    caller
        .clients()
        .invoke(caller.id(), "Value", &(), LONG)
        .await
}

async fn ask_me_later(caller: Caller, State(stage): Staged) -> Result<i64, InvokeError> {
    stage.record_start("AskMeLater".to_owned());
    stage.gate.acquire().await.expect("never closed").forget();
    ask_me(caller).await
}
