//! From a decoded invocation to a running handler and its completion.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use mesahub_protocol::{Invocation, Protocol};
use tokio_util::sync::CancellationToken;

use crate::auth::Policy;
use crate::hub::caller::Caller;
use crate::hub::calls::{Calls, Cancellable};
use crate::hub::error::{BindError, HubError};
use crate::hub::extract::{Call, States, Uploads};
use crate::hub::filter::{HubFilter, Invoked};
use crate::hub::handler::{Method, Running};
use crate::hub::options::HubOptions;
use crate::hub::reply::{Answer, ReplyTo};
use crate::hub::traffic::{CallKind, CallOutcome};

/// The methods of a hub.
pub(crate) struct Dispatcher {
    methods: Vec<Registered>,
    /// By declared spelling and by lower case, so that the usual call needs no conversion.
    by_name: HashMap<String, usize>,
    states: Arc<States>,
    filters: Arc<[Box<dyn HubFilter>]>,
    detailed: bool,
    upload_capacity: usize,
}

/// One method with its name and who may call it.
pub(crate) struct Registered {
    pub(crate) name: Arc<str>,
    pub(crate) method: Box<dyn Method>,
    pub(crate) policy: Option<Policy>,
}

/// A call as it came: who calls, what, and whether a stream is asked for.
pub(crate) struct Incoming<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) calls: &'a Arc<Calls>,
    pub(crate) protocol: Protocol,
    pub(crate) invocation: &'a Invocation<'a>,
    pub(crate) wants_stream: bool,
}

/// A bound invocation. As a future it runs the handler and yields the completion to send, if the
/// caller wants one. A panic in the handler becomes an error like any other.
pub(crate) struct Job {
    running: Running,
    method: Arc<str>,
    reply: ReplyTo,
    kind: CallKind,
    _cancellable: Option<Cancellable>,
}

/// What became of an invocation.
pub(crate) enum Dispatched {
    /// It runs in its turn.
    InTurn(Job),
    /// It streams one way or the other, and runs beside the others.
    Beside(Job),
    /// It was refused; the completion to send, if the caller wants one.
    Refused(Answer),
}

/// Why a call is refused, and what its caller is told.
struct Refusal {
    outcome: CallOutcome,
    text: String,
}

impl Dispatcher {
    pub(crate) fn new(
        methods: Vec<Registered>,
        states: Arc<States>,
        filters: Arc<[Box<dyn HubFilter>]>,
        options: &HubOptions,
    ) -> Self {
        let mut by_name = HashMap::new();
        for (index, registered) in methods.iter().enumerate() {
            by_name.insert(registered.name.to_ascii_lowercase(), index);
            by_name.insert(registered.name.to_string(), index);
        }
        Self {
            methods,
            by_name,
            states,
            filters,
            detailed: options.enable_detailed_errors,
            upload_capacity: options.stream_buffer_capacity,
        }
    }

    /// Finds the method, asks its policy and binds the arguments.
    pub(crate) fn dispatch(&self, incoming: &Incoming<'_>) -> Dispatched {
        let mut reply = self.reply_to(incoming);
        match self.bind(incoming, &mut reply) {
            Ok(dispatched) => dispatched,
            Err(Refusal { outcome, text }) => {
                let kind = CallKind::of(incoming.wants_stream);
                incoming.caller.connection().traffic().called(kind, outcome);
                let target = &incoming.invocation.target;
                tracing::debug!(connection = %incoming.caller.id(), %target, %text, "call refused");
                Dispatched::Refused(reply.error(&text))
            }
        }
    }

    /// Refuses a call without looking at it; the completion to send, if its caller wants one.
    pub(crate) fn refuse(&self, incoming: &Incoming<'_>, why: &str) -> Answer {
        let invocation = incoming.invocation;
        let reply = self.reply_to(incoming);
        let target = &invocation.target;
        reply.error(&format!(
            "Failed to invoke '{target}' due to an error on the server. HubException: {why}"
        ))
    }

    fn reply_to(&self, incoming: &Incoming<'_>) -> ReplyTo {
        ReplyTo {
            connection: Some(Arc::clone(incoming.caller.connection())),
            protocol: incoming.protocol,
            invocation_id: incoming.invocation.invocation_id.as_deref().map(Arc::from),
            cancelled: None,
            detailed: self.detailed,
        }
    }

    fn bind(&self, incoming: &Incoming<'_>, reply: &mut ReplyTo) -> Result<Dispatched, Refusal> {
        let invocation = incoming.invocation;
        let found = self
            .find(&invocation.target)
            .ok_or_else(|| Refusal::new(CallOutcome::Unknown, unknown(&invocation.target)))?;
        let (name, shape) = (&found.name, found.method.shape());
        if let Some(policy) = found.policy
            && let Err(refusal) = policy.allows(incoming.caller.principal())
        {
            tracing::info!(connection = %incoming.caller.id(), method = %name, %refusal, "not allowed");
            let text = format!("Failed to invoke '{name}' because user is unauthorized");
            return Err(Refusal::new(CallOutcome::Forbidden, text));
        }
        if shape.streams != incoming.wants_stream {
            return Err(Refusal::malformed(wrong_mode(name, shape.streams)));
        }
        if invocation.stream_ids.len() != shape.uploads {
            return Err(Refusal::malformed(format!(
                "{} HubException: Client sent {} stream(s), Hub method expects {}.",
                invoking(name),
                invocation.stream_ids.len(),
                shape.uploads
            )));
        }
        let mut cancellable = None;
        if shape.cancellable {
            let token = CancellationToken::new();
            if let Some(id) = reply.invocation_id.as_deref() {
                let registered = incoming.calls.cancellable(id, &token);
                let in_use =
                    || Refusal::malformed(format!("Invocation ID '{id}' is already in use."));
                cancellable = Some(registered.ok_or_else(in_use)?);
            }
            reply.cancelled = Some(token);
        }
        // What is the application's own here may panic, and it runs in the connection's task.
        let started = catch_unwind(AssertUnwindSafe(|| self.start(found, incoming, reply)))
            .map_err(|panic| {
                let text = panicked(&*panic).told(&invoking(name), self.detailed);
                Refusal::new(CallOutcome::Failed, text)
            })?;
        let running = started.map_err(|error| {
            let base = format!("Failed to invoke '{name}' due to an error on the server.");
            Refusal::malformed(if self.detailed {
                format!("{base} InvalidDataException: {error}")
            } else {
                base
            })
        })?;
        let job = Job {
            running,
            method: Arc::clone(name),
            reply: reply.clone(),
            kind: CallKind::of(incoming.wants_stream),
            _cancellable: cancellable,
        };
        let beside = shape.streams || shape.uploads > 0;
        Ok(if beside {
            Dispatched::Beside(job)
        } else {
            Dispatched::InTurn(job)
        })
    }

    fn start(
        &self,
        found: &Registered,
        incoming: &Incoming<'_>,
        reply: &ReplyTo,
    ) -> Result<Running, BindError> {
        let invocation = incoming.invocation;
        let (given, expected) = (invocation.arguments.len(), found.method.shape().arguments);
        if given != expected {
            return Err(BindError::Count { given, expected });
        }
        let mut call = Call {
            caller: incoming.caller,
            arguments: &invocation.arguments,
            next: 0,
            states: &self.states,
            ending: None,
            uploads: Uploads {
                ids: &invocation.stream_ids,
                next: 0,
                calls: Some(incoming.calls),
                capacity: self.upload_capacity,
            },
            cancelled: reply.cancelled.as_ref(),
        };
        let mut running = found.method.start(&mut call, reply.clone())?;
        let invoked = Invoked {
            caller: incoming.caller,
            method: &found.name,
            arguments: given,
        };
        for filter in self.filters.iter().rev() {
            running = filter.invocation(&invoked, running);
        }
        Ok(running)
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
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.running.as_mut().poll(context)));
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(panic) => Err(panicked(&*panic)),
        };
        if let Some(connection) = &self.reply.connection {
            let outcome = match result {
                Ok(_) => CallOutcome::Completed,
                Err(_) => CallOutcome::Failed,
            };
            connection.traffic().called(self.kind, outcome);
        }
        Poll::Ready(result.unwrap_or_else(|error| {
            tracing::debug!(method = %self.method, %error, "the handler failed");
            let text = error.told(&invoking(&self.method), self.reply.detailed);
            self.reply.error(&text)
        }))
    }
}

impl Refusal {
    fn new(outcome: CallOutcome, text: String) -> Self {
        Self { outcome, text }
    }

    fn malformed(text: String) -> Self {
        Self::new(CallOutcome::Malformed, text)
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

/// The text of a handler that fails, before any detail.
fn invoking(name: &str) -> String {
    format!("An unexpected error occurred invoking '{name}' on the server.")
}

fn unknown(target: &str) -> String {
    format!(
        "Failed to invoke '{target}' due to an error on the server. HubException: Method does not \
         exist."
    )
}

fn wrong_mode(name: &str, streams: bool) -> String {
    let (method, invocation) = if streams {
        ("streaming", "non-streaming")
    } else {
        ("non-streaming", "streaming")
    };
    format!(
        "The client attempted to invoke the {method} '{name}' method with a {invocation} invocation."
    )
}
