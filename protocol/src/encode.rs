//! Writers for what a server sends most: each appends one framed message, without building a
//! [`HubMessage`](crate::HubMessage) first.
//!
//! In MessagePack no message reaches 2 GiB. Where values of the application make one longer that
//! is an [`EncodeError`]; writers of nothing but texts panic.

use serde::Serialize;

use crate::error::EncodeError;
use crate::json;
#[cfg(feature = "messagepack")]
use crate::messagepack;
use crate::protocol::Protocol;

/// Appends an invocation. `arguments` is a tuple, slice, array or `Vec`; `()` stands for no
/// arguments. An empty `invocation_id` is written as none.
///
/// # Errors
///
/// [`EncodeError`] if `arguments` fails to serialise or is not an array; `out` is then unchanged.
pub fn encode_invocation<A: Serialize + ?Sized>(
    protocol: Protocol,
    out: &mut Vec<u8>,
    invocation_id: Option<&str>,
    target: &str,
    arguments: &A,
) -> Result<(), EncodeError> {
    match protocol {
        Protocol::Json => json::encode_invocation(out, invocation_id, target, arguments),
        #[cfg(feature = "messagepack")]
        Protocol::MessagePack => {
            messagepack::encode_invocation(out, invocation_id, target, arguments)
        }
    }
}

/// Appends a completion with a result, which may be null.
///
/// # Errors
///
/// [`EncodeError`] if `result` fails to serialise; `out` is then unchanged.
pub fn encode_result<T: Serialize + ?Sized>(
    protocol: Protocol,
    out: &mut Vec<u8>,
    invocation_id: &str,
    result: &T,
) -> Result<(), EncodeError> {
    match protocol {
        Protocol::Json => json::encode_result(out, invocation_id, result),
        #[cfg(feature = "messagepack")]
        Protocol::MessagePack => messagepack::encode_result(out, invocation_id, result),
    }
}

/// Appends a completion that says why the call failed.
pub fn encode_error(protocol: Protocol, out: &mut Vec<u8>, invocation_id: &str, error: &str) {
    match protocol {
        Protocol::Json => json::encode_error(out, invocation_id, error),
        #[cfg(feature = "messagepack")]
        Protocol::MessagePack => messagepack::encode_error(out, invocation_id, error),
    }
}

/// Appends a completion without result or error: the end of a stream.
pub fn encode_void(protocol: Protocol, out: &mut Vec<u8>, invocation_id: &str) {
    match protocol {
        Protocol::Json => json::encode_void(out, invocation_id),
        #[cfg(feature = "messagepack")]
        Protocol::MessagePack => messagepack::encode_void(out, invocation_id),
    }
}

/// Appends one item of a stream, which may be null.
///
/// # Errors
///
/// [`EncodeError`] if `item` fails to serialise; `out` is then unchanged.
pub fn encode_stream_item<T: Serialize + ?Sized>(
    protocol: Protocol,
    out: &mut Vec<u8>,
    invocation_id: &str,
    item: &T,
) -> Result<(), EncodeError> {
    match protocol {
        Protocol::Json => json::encode_stream_item(out, invocation_id, item),
        #[cfg(feature = "messagepack")]
        Protocol::MessagePack => messagepack::encode_stream_item(out, invocation_id, item),
    }
}

/// Appends the goodbye.
pub fn encode_close(
    protocol: Protocol,
    out: &mut Vec<u8>,
    error: Option<&str>,
    allow_reconnect: bool,
) {
    match protocol {
        Protocol::Json => json::encode_close(out, error, allow_reconnect),
        #[cfg(feature = "messagepack")]
        Protocol::MessagePack => messagepack::encode_close(out, error, allow_reconnect),
    }
}

/// The keep-alive message, framed. It never changes, so nothing is allocated.
#[must_use]
pub const fn ping(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::Json => json::PING,
        #[cfg(feature = "messagepack")]
        Protocol::MessagePack => messagepack::PING,
    }
}
