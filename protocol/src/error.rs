//! Why a hub message could not be read or written.

use crate::pack::PackError;

/// A hub message that cannot be accepted. Every one of them is fatal for its connection, except
/// [`ProtocolError::Value`], which concerns one argument, item or result and is answered with an
/// error completion.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A message with its framing is larger than the limit, in bytes.
    #[error(
        "The maximum message size of {limit}B was exceeded. The message size can be configured in AddHubOptions."
    )]
    TooLarge {
        /// The limit, in bytes, framing included.
        limit: usize,
    },
    /// A JSON message is not UTF-8.
    #[error("the message is not UTF-8: {0}")]
    NotUtf8(#[from] std::str::Utf8Error),
    /// The message is not a JSON object, or a property has the wrong type.
    #[error("malformed message: {0}")]
    Json(#[source] serde_json::Error),
    /// A property that the message type requires is absent, or an id is empty.
    #[error("a message of type {kind} requires the property '{property}'")]
    MissingProperty {
        /// The message type, or `?` when the type itself is missing.
        kind: &'static str,
        /// The name of the property.
        property: &'static str,
    },
    /// A completion has both an error and a result.
    #[error("a message of type Completion has 'error' or 'result', not both")]
    ErrorAndResult,
    /// A MessagePack message is not the array that its type requires.
    #[error("malformed message: {0}")]
    MessagePack(#[from] PackError),
    /// The length before a MessagePack message is 2 GiB or more, or takes more than five bytes.
    #[error("the length of a message is above 2147483647 bytes")]
    LengthPrefix,
    /// A payload value does not decode as the type asked for.
    #[error("the value does not have the expected type: {0}")]
    Value(#[source] ValueError),
}

/// A value the application supplied cannot be put into a hub message. The output buffer is then as
/// it was before the call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The arguments of an invocation do not serialise to an array.
    #[error("the arguments must serialise to an array: pass a tuple, a slice or a Vec")]
    NotAnArray,
    /// The value's own serialisation failed.
    #[error("the value cannot be serialised: {0}")]
    Serialize(#[source] ValueError),
    /// A MessagePack message would reach 2 GiB.
    #[error("the message is longer than 2147483647 bytes")]
    TooLong,
}

/// What is wrong with one value of the application.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The value was read from or written to JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The value was read from or written to MessagePack.
    #[error(transparent)]
    MessagePack(#[from] PackError),
}

impl From<serde_json::Error> for EncodeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Serialize(error.into())
    }
}

impl From<PackError> for EncodeError {
    fn from(error: PackError) -> Self {
        Self::Serialize(error.into())
    }
}
