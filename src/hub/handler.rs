//! Handlers: plain async functions with typed parameters.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use mesahub_protocol::{EncodeError, Protocol, encode_result};
use serde::Serialize;

use crate::hub::error::{BindError, HubError};
use crate::hub::extract::{Call, Param, States};

/// A handler's future: the encoded completion, or nothing where the caller wants none.
pub type Running = Pin<Box<dyn Future<Output = Result<Option<Vec<u8>>, HubError>> + Send>>;

/// How a call wants to be answered: the protocol and the invocation's id, or not at all.
#[derive(Clone, Debug)]
pub struct ReplyTo {
    pub(crate) protocol: Protocol,
    pub(crate) invocation_id: Option<String>,
}

/// An async function that can be a method of a hub. `M` only helps inference.
pub trait Handler<M>: Send + Sync + 'static {
    /// How many arguments its callers send.
    const ARGUMENTS: usize;

    /// The name of a state that it needs and that `states` lacks.
    fn missing(states: &States) -> Option<&'static str>;

    /// Binds the arguments now and runs the handler in the future.
    ///
    /// # Errors
    /// When the arguments do not fit.
    fn start(&self, call: &mut Call<'_>, reply: ReplyTo) -> Result<Running, BindError>;
}

/// What a handler may return: nothing, a value, or a `Result` of one.
pub trait IntoReply<M>: Send {
    /// The value that is sent to the caller.
    type Value: Serialize + Send;

    /// Turns it into a value or an error.
    ///
    /// # Errors
    /// The handler's own.
    fn into_reply(self) -> Result<Self::Value, HubError>;
}

/// Marks a handler that returns its value as it is.
#[derive(Debug)]
pub struct Plain;

/// Marks a handler that returns a `Result`.
#[derive(Debug)]
pub struct Fallible;

impl<T: Serialize + Send> IntoReply<Plain> for T {
    type Value = T;

    fn into_reply(self) -> Result<T, HubError> {
        Ok(self)
    }
}

impl<T: Serialize + Send, E: Into<HubError> + Send> IntoReply<Fallible> for Result<T, E> {
    type Value = T;

    fn into_reply(self) -> Result<T, HubError> {
        self.map_err(Into::into)
    }
}

/// A handler without its type.
pub(crate) trait Method: Send + Sync {
    fn arguments(&self) -> usize;
    fn start(&self, call: &mut Call<'_>, reply: ReplyTo) -> Result<Running, BindError>;
}

struct Erased<H, M>(H, PhantomData<fn() -> M>);

pub(crate) fn erase<M: 'static, H: Handler<M>>(handler: H) -> Box<dyn Method> {
    Box::new(Erased(handler, PhantomData))
}

impl<M: 'static, H: Handler<M>> Method for Erased<H, M> {
    fn arguments(&self) -> usize {
        H::ARGUMENTS
    }

    fn start(&self, call: &mut Call<'_>, reply: ReplyTo) -> Result<Running, BindError> {
        self.0.start(call, reply)
    }
}

impl ReplyTo {
    fn encode<T: Serialize>(&self, value: &T) -> Result<Option<Vec<u8>>, EncodeError> {
        let Some(id) = &self.invocation_id else {
            return Ok(None);
        };
        let mut out = Vec::with_capacity(64);
        encode_result(self.protocol, &mut out, id, value)?;
        Ok(Some(out))
    }
}

macro_rules! handler_of {
    ($($param:ident),*) => {
        impl<F, Fut, Out, R, $($param,)*> Handler<(R, $($param,)*)> for F
        where
            F: Fn($($param),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Out> + Send + 'static,
            Out: IntoReply<R> + 'static,
            $($param: Param,)*
        {
            const ARGUMENTS: usize = 0 $(+ $param::ARGUMENTS)*;

            fn missing(_states: &States) -> Option<&'static str> {
                let needs: [Option<&'static str>; _] = [$($param::missing(_states)),*];
                needs.into_iter().flatten().next()
            }

            #[allow(non_snake_case, unused_variables)]
            fn start(&self, call: &mut Call<'_>, reply: ReplyTo) -> Result<Running, BindError> {
                $(let $param = $param::bind(call)?;)*
                let running = self($($param),*);
                Ok(Box::pin(async move {
                    let value = running.await.into_reply()?;
                    Ok(reply.encode(&value)?)
                }))
            }
        }
    };
}

handler_of!();
handler_of!(A1);
handler_of!(A1, A2);
handler_of!(A1, A2, A3);
handler_of!(A1, A2, A3, A4);
handler_of!(A1, A2, A3, A4, A5);
handler_of!(A1, A2, A3, A4, A5, A6);
handler_of!(A1, A2, A3, A4, A5, A6, A7);
handler_of!(A1, A2, A3, A4, A5, A6, A7, A8);
handler_of!(A1, A2, A3, A4, A5, A6, A7, A8, A9);
handler_of!(A1, A2, A3, A4, A5, A6, A7, A8, A9, A10);
