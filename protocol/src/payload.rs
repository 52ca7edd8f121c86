//! One value of the application inside a hub message, not yet decoded.

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::ProtocolError;
#[cfg(feature = "messagepack")]
use crate::pack;

/// An argument, stream item or result as it stands in the frame. Copying it copies a pointer.
///
/// It serialises as itself, so it can be passed on with
/// [`encode_result`](crate::encode_result) or [`encode_invocation`](crate::encode_invocation)
/// without knowing its type. Within one protocol its bytes are copied; from one to the other it is
/// rewritten, where byte strings become arrays of numbers in JSON, timestamps RFC 3339 texts, and
/// other extensions and keys that are no texts or numbers are errors.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// One syntactically valid JSON value.
    Json(&'a RawValue),
    /// The bytes of exactly one MessagePack value.
    #[cfg(feature = "messagepack")]
    MessagePack(&'a [u8]),
}

impl<'a> Payload<'a> {
    /// The value as it stands in the frame: JSON text, or MessagePack.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Json(raw) => raw.get().as_bytes(),
            #[cfg(feature = "messagepack")]
            Self::MessagePack(value) => value,
        }
    }

    /// Decodes the value.
    ///
    /// MessagePack binds as leniently as the official server does, and a little more:
    ///
    /// - integers of any width and sign where the value fits; floats from integers and from floats
    ///   of either width, but no integers from floats;
    /// - structs from maps by their exact serde names, or from arrays by position;
    /// - enums from their names, or from their positions;
    /// - byte strings as bytes or as sequences of numbers;
    /// - timestamps (extension -1) as RFC 3339 texts, for any type that reads those;
    /// - in the keys of maps, numbers from texts and texts from numbers, as JSON has it;
    /// - bytes of a string that are not UTF-8 as U+FFFD.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::Value`] if it is not a `T`, or nests deeper than 128 levels. The message
    /// around it stays usable.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, ProtocolError> {
        match self {
            Self::Json(raw) => {
                serde_json::from_str(raw.get()).map_err(|error| ProtocolError::Value(error.into()))
            }
            #[cfg(feature = "messagepack")]
            Self::MessagePack(value) => {
                pack::decode(value).map_err(|error| ProtocolError::Value(error.into()))
            }
        }
    }
}

/// Two payloads are equal when their protocols and their bytes are.
impl PartialEq for Payload<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Json(left), Self::Json(right)) => left.get() == right.get(),
            #[cfg(feature = "messagepack")]
            (Self::MessagePack(left), Self::MessagePack(right)) => left == right,
            #[cfg(feature = "messagepack")]
            _ => false,
        }
    }
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(raw) => raw.serialize(serializer),
            #[cfg(feature = "messagepack")]
            Self::MessagePack(value) => {
                serializer.serialize_newtype_struct(pack::PACKED, &pack::Packed(value))
            }
        }
    }
}
