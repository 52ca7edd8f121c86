//! From a decoded invocation to a running handler and its completion.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use mesahub_protocol::{Invocation, Protocol, encode_error};

use crate::auth::Policy;
use crate::hub::caller::Caller;
use crate::hub::error::{BindError, HubError};
use crate::hub::extract::{Call, States};
use crate::hub::handler::{Method, ReplyTo, Running};

/// The methods of a hub.
pub(crate) struct Dispatcher {
    methods: Vec<Registered>,
    /// By declared spelling and by lower case, so that the usual call needs no conversion.
    by_name: HashMap<String, usize>,
    states: Arc<States>,
    detailed: bool,
}

/// One method with its name and who may call it.
pub(crate) struct Registered {
    pub(crate) name: Arc<str>,
    pub(crate) method: Box<dyn Method>,
    pub(crate) policy: Option<Policy>,
}

/// A bound invocation. As a future it runs the handler and yields the completion to send, if the
/// caller wants one. A panic in the handler becomes an error like any other.
pub(crate) struct Job {
    running: Running,
    method: Arc<str>,
    reply: ReplyTo,
    detailed: bool,
}

/// What became of an invocation.
pub(crate) enum Dispatched {
    /// It has to run.
    Run(Job),
    /// It was refused; the completion to send, if the caller wants one.
    Refused(Option<Vec<u8>>),
}

impl Dispatcher {
    pub(crate) fn new(methods: Vec<Registered>, states: Arc<States>, detailed: bool) -> Self {
        let mut by_name = HashMap::new();
        for (index, registered) in methods.iter().enumerate() {
            by_name.insert(registered.name.to_ascii_lowercase(), index);
            by_name.insert(registered.name.to_string(), index);
        }
        Self {
            methods,
            by_name,
            states,
            detailed,
        }
    }

    /// Finds the method, asks its policy and binds the arguments.
    pub(crate) fn dispatch(
        &self,
        caller: &Caller,
        protocol: Protocol,
        call: &Invocation<'_>,
    ) -> Dispatched {
        let reply = ReplyTo {
            protocol,
            invocation_id: call.invocation_id.as_deref().map(str::to_owned),
        };
        match self.bind(caller, &reply, call) {
            Ok(job) => Dispatched::Run(job),
            Err(text) => {
                tracing::debug!(connection = %caller.id(), target = %call.target, %text, "invocation refused");
                Dispatched::Refused(reply.error(&text))
            }
        }
    }

    /// Refuses a streaming invocation of a method that returns no stream.
    pub(crate) fn refuse_streaming(
        &self,
        protocol: Protocol,
        call: &Invocation<'_>,
    ) -> Option<Vec<u8>> {
        let reply = ReplyTo {
            protocol,
            invocation_id: call.invocation_id.as_deref().map(str::to_owned),
        };
        let text = match self.find(&call.target) {
            Some(found) => format!(
                "The client attempted to invoke the non-streaming '{}' method with a streaming invocation.",
                found.name
            ),
            None => unknown(&call.target),
        };
        reply.error(&text)
    }

    fn bind(&self, caller: &Caller, reply: &ReplyTo, call: &Invocation<'_>) -> Result<Job, String> {
        let found = self
            .find(&call.target)
            .ok_or_else(|| unknown(&call.target))?;
        let name = &found.name;
        if let Some(policy) = found.policy
            && let Err(refusal) = policy.allows(caller.principal())
        {
            tracing::info!(connection = %caller.id(), method = %name, %refusal, "not allowed");
            return Err(format!(
                "Failed to invoke '{name}' because user is unauthorized"
            ));
        }
        if !call.stream_ids.is_empty() {
            return Err(format!(
                "An unexpected error occurred invoking '{name}' on the server. HubException: \
                 Client sent {} stream(s), Hub method expects 0.",
                call.stream_ids.len()
            ));
        }
        let running = self.start(found, caller, reply, call).map_err(|error| {
            let base = format!("Failed to invoke '{name}' due to an error on the server.");
            if self.detailed {
                format!("{base} InvalidDataException: {error}")
            } else {
                base
            }
        })?;
        Ok(Job {
            running,
            method: Arc::clone(name),
            reply: reply.clone(),
            detailed: self.detailed,
        })
    }

    fn start(
        &self,
        found: &Registered,
        caller: &Caller,
        reply: &ReplyTo,
        call: &Invocation<'_>,
    ) -> Result<Running, BindError> {
        let (given, expected) = (call.arguments.len(), found.method.arguments());
        if given != expected {
            return Err(BindError::Count { given, expected });
        }
        let mut binding = Call {
            caller,
            arguments: &call.arguments,
            next: 0,
            states: &self.states,
            ending: None,
        };
        found.method.start(&mut binding, reply.clone())
    }

    fn find(&self, target: &str) -> Option<&Registered> {
        let index = self
            .by_name
            .get(target)
            .or_else(|| self.by_name.get(target.to_ascii_lowercase().as_str()))?;
        self.methods.get(*index)
    }
}

impl Future for Job {
    type Output = Option<Vec<u8>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.running.as_mut().poll(context)));
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(panic) => Err(panicked(&*panic)),
        };
        Poll::Ready(result.unwrap_or_else(|error| {
            tracing::debug!(method = %self.method, %error, "the handler failed");
            let base = format!(
                "An unexpected error occurred invoking '{}' on the server.",
                self.method
            );
            self.reply.error(&error.told(&base, self.detailed))
        }))
    }
}

impl ReplyTo {
    fn error(&self, text: &str) -> Option<Vec<u8>> {
        let id = self.invocation_id.as_deref()?;
        let mut out = Vec::with_capacity(64 + text.len());
        encode_error(self.protocol, &mut out, id, text);
        Some(out)
    }
}

/// A panic as the error that the official server would make of an unexpected exception.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> HubError {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "the handler panicked".to_owned());
    tracing::error!(%text, "a handler panicked");
    HubError::internal("Panic", text)
}

fn unknown(target: &str) -> String {
    format!(
        "Failed to invoke '{target}' due to an error on the server. HubException: Method does not exist."
    )
}
