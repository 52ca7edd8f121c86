//! The connect and disconnect handlers of a hub.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::hub::caller::Caller;
use crate::hub::dispatch::panicked;
use crate::hub::ending::Ending;
use crate::hub::error::HubError;
use crate::hub::extract::{Call, States, Uploads};
use crate::hub::filter::HubFilter;
use crate::hub::handler::{Method, Running};
use crate::hub::reply::{Answer, ReplyTo};

/// What runs once when a connection is there, and once when it has gone.
pub(crate) struct Lifecycle {
    pub(crate) on_connected: Option<Box<dyn Method>>,
    pub(crate) on_disconnected: Option<Box<dyn Method>>,
    pub(crate) states: Arc<States>,
    pub(crate) filters: Arc<[Box<dyn HubFilter>]>,
}

impl Lifecycle {
    /// Runs the connect handler.
    pub(crate) async fn connected(&self, caller: &Caller) -> Result<(), HubError> {
        if self.on_connected.is_none() && self.filters.is_empty() {
            return Ok(());
        }
        let caller = caller.connecting();
        run(async {
            let mut running = self.start(self.on_connected.as_deref(), &caller, None)?;
            for filter in self.filters.iter().rev() {
                running = filter.connected(&caller, running);
            }
            running.await
        })
        .await
    }

    /// Runs the disconnect handler; its failure is only logged, since nobody is left to tell.
    pub(crate) async fn disconnected(&self, caller: &Caller, ending: &Ending) {
        let ran = run(async {
            let mut running = self.start(self.on_disconnected.as_deref(), caller, Some(ending))?;
            for filter in self.filters.iter().rev() {
                running = filter.disconnected(caller, ending, running);
            }
            running.await
        });
        if let Err(error) = ran.await {
            tracing::error!(connection = %caller.id(), %error, "the disconnect handler failed");
        }
    }

    fn start(
        &self,
        handler: Option<&dyn Method>,
        caller: &Caller,
        ending: Option<&Ending>,
    ) -> Result<Running, HubError> {
        let Some(handler) = handler else {
            return Ok(Box::pin(async { Ok(Answer::default()) }));
        };
        let mut call = Call {
            caller,
            arguments: &[],
            next: 0,
            states: &self.states,
            ending,
            uploads: Uploads::default(),
            cancelled: None,
        };
        Ok(handler.start(&mut call, ReplyTo::nobody())?)
    }
}

async fn run(running: impl Future<Output = Result<Answer, HubError>>) -> Result<(), HubError> {
    match AssertUnwindSafe(running).catch_unwind().await {
        Ok(result) => result.map(drop),
        Err(panic) => Err(panicked(&*panic)),
    }
}
