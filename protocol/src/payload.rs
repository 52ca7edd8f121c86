//! One value of the application inside a hub message, not yet decoded.

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::ProtocolError;

/// An argument, stream item or result as it stands in the frame. Copying it copies a pointer.
///
/// It serialises as itself, so it can be passed on with
/// [`encode_result`](crate::encode_result) or [`encode_invocation`](crate::encode_invocation)
/// without knowing its type.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// One syntactically valid JSON value.
    Json(&'a RawValue),
}

impl Payload<'_> {
    /// Decodes the value.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::Value`] if it is not a `T`, or nests deeper than 128 levels. The message
    /// around it stays usable.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, ProtocolError> {
        match self {
            Self::Json(raw) => serde_json::from_str(raw.get()).map_err(ProtocolError::Value),
        }
    }
}

/// Two payloads are equal when their bytes are.
impl PartialEq for Payload<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Json(left), Self::Json(right)) => left.get() == right.get(),
        }
    }
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(raw) => raw.serialize(serializer),
        }
    }
}
