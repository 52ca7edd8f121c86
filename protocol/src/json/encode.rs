//! Writes JSON messages in the official server's byte layout.

use serde::Serialize;

use crate::error::EncodeError;
use crate::framing::SEPARATOR;
use crate::message::{HubMessage, Invocation, Outcome};

/// The keep-alive message, framed.
pub(crate) const PING: &[u8] = b"{\"type\":6}\x1e";

/// Appends any message.
pub(crate) fn encode(message: &HubMessage<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match message {
        HubMessage::Invocation(call) => encode_call(out, 1, call)?,
        HubMessage::StreamInvocation(call) => encode_call(out, 4, call)?,
        HubMessage::StreamItem {
            invocation_id,
            item,
        } => encode_stream_item(out, invocation_id, item)?,
        HubMessage::Completion {
            invocation_id,
            outcome,
        } => match outcome {
            Outcome::Error(error) => encode_error(out, invocation_id, error),
            Outcome::Void => encode_void(out, invocation_id),
            Outcome::Result(result) => encode_result(out, invocation_id, result)?,
        },
        HubMessage::CancelInvocation { invocation_id } => {
            open(out, 5, Some(invocation_id));
            close(out);
        }
        HubMessage::Ping => out.extend_from_slice(PING),
        HubMessage::Close {
            error,
            allow_reconnect,
        } => {
            encode_close(out, error.as_deref(), *allow_reconnect);
        }
        HubMessage::Ack { sequence_id } => encode_sequence(out, 8, *sequence_id),
        HubMessage::Sequence { sequence_id } => encode_sequence(out, 9, *sequence_id),
        HubMessage::Unknown { kind } => {
            open(out, *kind, None);
            close(out);
        }
    }
    Ok(())
}

/// Appends an invocation; leaves `out` alone if the arguments are no array.
pub(crate) fn encode_invocation<A: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    invocation_id: Option<&str>,
    target: &str,
    arguments: &A,
) -> Result<(), EncodeError> {
    all_or_nothing(out, |out| {
        open(out, 1, invocation_id.filter(|id| !id.is_empty()));
        property(out, b",\"target\":", target);
        out.extend_from_slice(b",\"arguments\":");
        let start = out.len();
        serde_json::to_writer(&mut *out, arguments)?;
        if out.get(start) != Some(&b'[') {
            if !is_unit(arguments, &out[start..]) {
                return Err(EncodeError::NotAnArray);
            }
            out.truncate(start);
            out.extend_from_slice(b"[]");
        }
        close(out);
        Ok(())
    })
}

/// Appends a completion with a result.
pub(crate) fn encode_result<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    invocation_id: &str,
    result: &T,
) -> Result<(), EncodeError> {
    encode_value(out, 3, invocation_id, b",\"result\":", result)
}

/// Appends a stream item.
pub(crate) fn encode_stream_item<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    invocation_id: &str,
    item: &T,
) -> Result<(), EncodeError> {
    encode_value(out, 2, invocation_id, b",\"item\":", item)
}

/// Appends a completion with an error.
pub(crate) fn encode_error(out: &mut Vec<u8>, invocation_id: &str, error: &str) {
    open(out, 3, Some(invocation_id));
    property(out, b",\"error\":", error);
    close(out);
}

/// Appends a completion without result.
pub(crate) fn encode_void(out: &mut Vec<u8>, invocation_id: &str) {
    open(out, 3, Some(invocation_id));
    close(out);
}

/// Appends a close message.
pub(crate) fn encode_close(out: &mut Vec<u8>, error: Option<&str>, allow_reconnect: bool) {
    open(out, 7, None);
    if let Some(error) = error {
        property(out, b",\"error\":", error);
    }
    if allow_reconnect {
        out.extend_from_slice(b",\"allowReconnect\":true");
    }
    close(out);
}

fn encode_call(out: &mut Vec<u8>, kind: i64, call: &Invocation<'_>) -> Result<(), EncodeError> {
    let id = call.invocation_id.as_deref().filter(|id| !id.is_empty());
    all_or_nothing(out, |out| {
        open(out, kind, id);
        property(out, b",\"target\":", &call.target);
        out.extend_from_slice(b",\"arguments\":");
        serde_json::to_writer(&mut *out, &call.arguments)?;
        if !call.stream_ids.is_empty() {
            out.extend_from_slice(b",\"streamIds\":");
            plain(out, &call.stream_ids);
        }
        close(out);
        Ok(())
    })
}

fn encode_value<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    kind: i64,
    invocation_id: &str,
    label: &[u8],
    value: &T,
) -> Result<(), EncodeError> {
    all_or_nothing(out, |out| {
        open(out, kind, Some(invocation_id));
        out.extend_from_slice(label);
        serde_json::to_writer(&mut *out, value)?;
        close(out);
        Ok(())
    })
}

fn encode_sequence(out: &mut Vec<u8>, kind: i64, sequence_id: u64) {
    open(out, kind, None);
    out.extend_from_slice(b",\"sequenceId\":");
    plain(out, &sequence_id);
    close(out);
}

/// `()` serialises to null and has no size; an `Option` or a `Value` that is null has one.
fn is_unit<A: ?Sized>(value: &A, encoded: &[u8]) -> bool {
    encoded == b"null" && size_of_val(value) == 0
}

fn all_or_nothing(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    write(out).inspect_err(|_| out.truncate(start))
}

fn open(out: &mut Vec<u8>, kind: i64, invocation_id: Option<&str>) {
    out.extend_from_slice(b"{\"type\":");
    plain(out, &kind);
    if let Some(id) = invocation_id {
        property(out, b",\"invocationId\":", id);
    }
}

fn close(out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'}', SEPARATOR]);
}

fn property(out: &mut Vec<u8>, label: &[u8], text: &str) {
    out.extend_from_slice(label);
    string(out, text);
}

fn string(out: &mut Vec<u8>, text: &str) {
    plain(out, text);
}

/// Strings, integers and lists of them, which always serialise.
fn plain<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("strings and integers always serialise into memory");
}
