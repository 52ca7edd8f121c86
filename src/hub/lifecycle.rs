//! The connect and disconnect handlers of a hub.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use mesahub_protocol::Protocol;

use crate::hub::caller::Caller;
use crate::hub::dispatch::panicked;
use crate::hub::ending::Ending;
use crate::hub::error::HubError;
use crate::hub::extract::{Call, States};
use crate::hub::handler::{Method, ReplyTo};

/// What runs once when a connection is there, and once when it has gone.
pub(crate) struct Lifecycle {
    pub(crate) on_connected: Option<Box<dyn Method>>,
    pub(crate) on_disconnected: Option<Box<dyn Method>>,
    pub(crate) states: Arc<States>,
}

impl Lifecycle {
    /// Runs the connect handler.
    pub(crate) async fn connected(&self, caller: &Caller) -> Result<(), HubError> {
        self.run(self.on_connected.as_deref(), caller, None).await
    }

    /// Runs the disconnect handler; its failure is only logged, since nobody is left to tell.
    pub(crate) async fn disconnected(&self, caller: &Caller, ending: &Ending) {
        let ran = self
            .run(self.on_disconnected.as_deref(), caller, Some(ending))
            .await;
        if let Err(error) = ran {
            tracing::error!(connection = %caller.id(), %error, "the disconnect handler failed");
        }
    }

    async fn run(
        &self,
        handler: Option<&dyn Method>,
        caller: &Caller,
        ending: Option<&Ending>,
    ) -> Result<(), HubError> {
        let Some(handler) = handler else {
            return Ok(());
        };
        let running = {
            let mut call = Call {
                caller,
                arguments: &[],
                next: 0,
                states: &self.states,
                ending,
            };
            let reply = ReplyTo {
                protocol: Protocol::Json,
                invocation_id: None,
            };
            handler.start(&mut call, reply)?
        };
        match AssertUnwindSafe(running).catch_unwind().await {
            Ok(result) => result.map(drop),
            Err(panic) => Err(panicked(&*panic)),
        }
    }
}
