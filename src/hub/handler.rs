//! Handlers: plain async functions with typed parameters.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use crate::hub::error::{BindError, HubError};
use crate::hub::extract::{Call, Param, States};
use crate::hub::reply::{Answer, IntoReply, ReplyTo};

/// A handler's future.
pub type Running = Pin<Box<dyn Future<Output = Result<Answer, HubError>> + Send>>;

/// An async function that can be a method of a hub. `M` only helps inference.
pub trait Handler<M>: Send + Sync + 'static {
    /// What its callers send, and what they get.
    const SHAPE: Shape;

    /// The name of a state that it needs and that `states` lacks.
    fn missing(states: &States) -> Option<&'static str>;

    /// Binds the arguments now, and calls the handler in the future, so that nothing of it runs
    /// before the filters around it, or before its turn.
    ///
    /// # Errors
    /// When the arguments do not fit.
    fn start(&self, call: &mut Call<'_>, reply: ReplyTo) -> Result<Running, BindError>;
}

/// What the callers of a method send, and what they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many arguments they send.
    pub arguments: usize,
    /// How many streams they upload.
    pub uploads: usize,
    /// Whether they get a stream.
    pub streams: bool,
    /// Whether they can cancel it.
    pub cancellable: bool,
}

/// A handler without its type.
pub(crate) trait Method: Send + Sync {
    fn shape(&self) -> Shape;
    fn start(&self, call: &mut Call<'_>, reply: ReplyTo) -> Result<Running, BindError>;
}

struct Erased<H, M>(H, PhantomData<fn() -> M>);

pub(crate) fn erase<M: 'static, H: Handler<M>>(handler: H) -> Box<dyn Method> {
    Box::new(Erased(handler, PhantomData))
}

impl<M: 'static, H: Handler<M>> Method for Erased<H, M> {
    fn shape(&self) -> Shape {
        H::SHAPE
    }

    fn start(&self, call: &mut Call<'_>, reply: ReplyTo) -> Result<Running, BindError> {
        self.0.start(call, reply)
    }
}

macro_rules! handler_of {
    ($($param:ident),*) => {
        impl<F, Fut, Out, R, $($param,)*> Handler<(R, $($param,)*)> for F
        where
            F: Fn($($param),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Out> + Send + 'static,
            Out: IntoReply<R>,
            $($param: Param,)*
        {
            const SHAPE: Shape = Shape {
                arguments: 0 $(+ $param::ARGUMENTS)*,
                uploads: 0 $(+ $param::UPLOADS)*,
                streams: Out::STREAMS,
                cancellable: Out::STREAMS $(|| $param::CANCELLABLE)*,
            };

            fn missing(_states: &States) -> Option<&'static str> {
                let needs: [Option<&'static str>; _] = [$($param::missing(_states)),*];
                needs.into_iter().flatten().next()
            }

            #[allow(non_snake_case, unused_variables)]
            fn start(&self, call: &mut Call<'_>, reply: ReplyTo) -> Result<Running, BindError> {
                $(let $param = $param::bind(call)?;)*
                let handler = self.clone();
                Ok(Box::pin(async move { handler($($param),*).await.reply(reply).await }))
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
