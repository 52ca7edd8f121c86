//! What a handler may take: arguments of the call, and what the hub knows about it.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use mesahub_protocol::Payload;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::hub::caller::Caller;
use crate::hub::calls::Calls;
use crate::hub::ending::Ending;
use crate::hub::error::BindError;
use crate::hub::upload::Upload;

/// One call while its handler's parameters are being filled.
pub struct Call<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) arguments: &'a [Payload<'a>],
    pub(crate) next: usize,
    pub(crate) states: &'a States,
    pub(crate) ending: Option<&'a Ending>,
    pub(crate) uploads: Uploads<'a>,
    pub(crate) cancelled: Option<&'a CancellationToken>,
}

/// The streams that come with a call.
#[derive(Default)]
pub(crate) struct Uploads<'a> {
    pub(crate) ids: &'a [Cow<'a, str>],
    pub(crate) next: usize,
    pub(crate) calls: Option<&'a Arc<Calls>>,
    /// Items that wait in each.
    pub(crate) capacity: usize,
}

/// A parameter of a handler.
///
/// Implemented for every type that can be deserialised (it takes the next argument of the call)
/// and for [`Caller`], [`State`], [`Upload`], [`Cancelled`] and [`Ended`], which take none.
pub trait Param: Sized + Send + 'static {
    /// How many arguments of the call it consumes.
    const ARGUMENTS: usize = 0;

    /// How many streams of the call it consumes.
    const UPLOADS: usize = 0;

    /// Whether the call must be cancellable for it.
    const CANCELLABLE: bool = false;

    /// Takes the value out of the call.
    ///
    /// # Errors
    /// When the next argument is not of this type.
    fn bind(call: &mut Call<'_>) -> Result<Self, BindError>;

    /// The name of a state that it needs and that `states` lacks; asked once, when the hub is
    /// built.
    fn missing(_states: &States) -> Option<&'static str> {
        None
    }
}

/// Shared state, given to the hub with `with_state`. Cloned for each call, so usually an `Arc`.
#[derive(Clone, Copy, Debug)]
pub struct State<T>(pub T);

/// Why the connection ended: for `on_disconnected` handlers. `Aborted` anywhere else.
#[derive(Clone, Debug)]
pub struct Ended(pub Ending);

/// Resolves when the client cancels the call or its connection goes.
#[derive(Clone, Debug)]
pub struct Cancelled(pub CancellationToken);

/// The states of a hub, one per type.
#[derive(Default)]
pub struct States(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl States {
    pub(crate) fn insert<T: Clone + Send + Sync + 'static>(&mut self, state: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(state));
    }

    fn find<T: Clone + 'static>(&self) -> Option<T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref::<T>().cloned()
    }
}

impl<T: DeserializeOwned + Send + 'static> Param for T {
    const ARGUMENTS: usize = 1;

    fn bind(call: &mut Call<'_>) -> Result<Self, BindError> {
        let index = call.next;
        call.next += 1;
        // The number of arguments has been compared with the handler's before.
        let argument = call.arguments[index];
        argument
            .decode()
            .map_err(|source| BindError::Argument { index, source })
    }
}

impl Param for Caller {
    fn bind(call: &mut Call<'_>) -> Result<Self, BindError> {
        Ok(call.caller.clone())
    }
}

impl<T: Clone + Send + Sync + 'static> Param for State<T> {
    fn bind(call: &mut Call<'_>) -> Result<Self, BindError> {
        Ok(Self(
            call.states
                .find()
                .expect("the hub was built only if every state was given"),
        ))
    }

    fn missing(states: &States) -> Option<&'static str> {
        states.find::<T>().is_none().then(std::any::type_name::<T>)
    }
}

impl Param for Ended {
    fn bind(call: &mut Call<'_>) -> Result<Self, BindError> {
        Ok(Self(call.ending.cloned().unwrap_or(Ending::Aborted)))
    }
}

impl Param for Cancelled {
    const CANCELLABLE: bool = true;

    fn bind(call: &mut Call<'_>) -> Result<Self, BindError> {
        Ok(Self(call.cancelled.cloned().unwrap_or_default()))
    }
}

impl<T: DeserializeOwned + Send + 'static> Param for Upload<T> {
    const UPLOADS: usize = 1;

    fn bind(call: &mut Call<'_>) -> Result<Self, BindError> {
        let uploads = &mut call.uploads;
        // The number of streams has been compared with the handler's before, and only handlers
        // of invocations take any.
        let id = &uploads.ids[uploads.next];
        uploads.next += 1;
        let calls = uploads
            .calls
            .expect("an invocation has a connection with calls");
        Ok(Self::open(
            id,
            uploads.capacity,
            calls,
            call.caller.connection(),
        ))
    }
}
