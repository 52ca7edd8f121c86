//! Hub messages, borrowed from the frame they came in.

use std::borrow::Cow;

use crate::error::{EncodeError, ProtocolError};
use crate::json;
#[cfg(feature = "messagepack")]
use crate::messagepack;
use crate::payload::Payload;
use crate::protocol::Protocol;

/// One hub message. Strings borrow from the frame unless they hold escapes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HubMessage<'a> {
    /// Type 1: a call that has one result or none.
    Invocation(Invocation<'a>),
    /// Type 4: a call that answers with a stream; `invocation_id` is always present.
    StreamInvocation(Invocation<'a>),
    /// Type 2: one item of an upload or download stream.
    StreamItem {
        /// The call or upload stream it belongs to; never empty.
        invocation_id: Cow<'a, str>,
        /// The item.
        item: Payload<'a>,
    },
    /// Type 3: the end of a call or stream.
    Completion {
        /// The call or upload stream that ended; never empty.
        invocation_id: Cow<'a, str>,
        /// How it ended.
        outcome: Outcome<'a>,
    },
    /// Type 5: the caller no longer wants the result.
    CancelInvocation {
        /// The call to cancel; never empty.
        invocation_id: Cow<'a, str>,
    },
    /// Type 6: keep-alive.
    Ping,
    /// Type 7: the sender is about to end the connection.
    Close {
        /// Why, if something went wrong.
        error: Option<Cow<'a, str>>,
        /// Whether the client may connect again by itself.
        allow_reconnect: bool,
    },
    /// Type 8, stateful reconnect only: everything up to this number was processed.
    Ack {
        /// The number of the last message processed.
        sequence_id: u64,
    },
    /// Type 9, stateful reconnect only: the number of the next message to come.
    Sequence {
        /// The number that the next tracked message has.
        sequence_id: u64,
    },
    /// A type this version does not know, to be ignored.
    Unknown {
        /// The type number.
        kind: i64,
    },
}

/// A call of a method by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation<'a> {
    /// The id that the answer will carry. `None` asks for no answer at all; an empty id in a frame
    /// reads as `None`.
    pub invocation_id: Option<Cow<'a, str>>,
    /// The method, in the caller's spelling.
    pub target: Cow<'a, str>,
    /// The arguments in order, without upload streams.
    pub arguments: Vec<Payload<'a>>,
    /// The ids of upload streams, one per stream parameter.
    pub stream_ids: Vec<Cow<'a, str>>,
}

/// How a call or stream ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<'a> {
    /// It failed.
    Error(Cow<'a, str>),
    /// It ended without a result, as every stream does.
    Void,
    /// It returned a value, JSON `null` included.
    Result(Payload<'a>),
}

impl<'a> HubMessage<'a> {
    /// Reads one message from a frame body, that is without the 0x1E that ends it in JSON and
    /// without the length before it in MessagePack.
    ///
    /// JSON properties may come in any order, unknown ones are skipped and of repeated ones the
    /// last counts. MessagePack arrays may be as short as official clients write them, and surplus
    /// elements are skipped. Payloads are checked for syntax only. An empty target is accepted; no
    /// method has that name.
    ///
    /// # Errors
    ///
    /// Any error means that the connection has to be closed.
    pub fn decode(protocol: Protocol, frame_body: &'a [u8]) -> Result<Self, ProtocolError> {
        match protocol {
            Protocol::Json => json::decode(frame_body),
            #[cfg(feature = "messagepack")]
            Protocol::MessagePack => messagepack::decode(frame_body),
        }
    }

    /// Appends the message with its framing to `out`. Payloads that came in another protocol are
    /// rewritten in this one.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if a payload has no form in `protocol`, or the message reaches the 2 GiB
    /// that MessagePack allows; `out` is then unchanged. Never for JSON payloads in JSON.
    pub fn encode(&self, protocol: Protocol, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match protocol {
            Protocol::Json => json::encode(self, out),
            #[cfg(feature = "messagepack")]
            Protocol::MessagePack => messagepack::encode(self, out),
        }
    }

    /// Whether stateful reconnect counts this message: types 1 to 5.
    #[must_use]
    pub const fn is_tracked(&self) -> bool {
        matches!(
            self,
            Self::Invocation(_)
                | Self::StreamInvocation(_)
                | Self::StreamItem { .. }
                | Self::Completion { .. }
                | Self::CancelInvocation { .. }
        )
    }
}
