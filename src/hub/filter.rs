//! Filters: code around every invocation, connect and disconnect of a hub.

use crate::hub::caller::Caller;
use crate::hub::ending::Ending;
use crate::hub::handler::Running;

/// Wraps what a hub does, for logging, limits or authorisation. The filter that was added first is
/// outermost. Each method is given the future that does the work and returns the one that is run:
/// the same, one that does something around it, or one that refuses with a
/// [`HubError`](crate::hub::HubError) and drops the work undone.
///
/// ```
/// use mesahub::hub::{HubError, HubFilter, Invoked};
/// use mesahub::hub::handler::Running;
///
/// struct NoMondays;
///
/// impl HubFilter for NoMondays {
///     fn invocation(&self, call: &Invoked<'_>, next: Running) -> Running {
///         if call.method == "Work" {
///             return Box::pin(async { Err(HubError::new("not on a Monday")) });
///         }
///         Box::pin(async move {
///             let answer = next.await;
///             println!("worked: {}", answer.is_ok());
///             answer
///         })
///     }
/// }
/// ```
pub trait HubFilter: Send + Sync + 'static {
    /// Around the handler of an invocation whose arguments have been bound.
    fn invocation(&self, _call: &Invoked<'_>, next: Running) -> Running {
        next
    }

    /// Around the connect handler; an error closes the connection.
    fn connected(&self, _caller: &Caller, next: Running) -> Running {
        next
    }

    /// Around the disconnect handler.
    fn disconnected(&self, _caller: &Caller, _ending: &Ending, next: Running) -> Running {
        next
    }
}

/// An invocation that is about to run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Invoked<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// The method's name as it was declared.
    pub method: &'a str,
    /// How many arguments were sent.
    pub arguments: usize,
}
