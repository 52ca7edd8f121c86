//! Writes MessagePack messages in the official server's byte layout.

use serde::Serialize;

use super::prefix;
use crate::error::EncodeError;
use crate::message::{HubMessage, Invocation, Outcome};
use crate::pack::{Head, Reader, Writer, encode as encode_value};
use crate::payload::Payload;

/// The keep-alive message, framed.
pub(crate) const PING: &[u8] = b"\x02\x91\x06";

const ERROR: i64 = 1;
const VOID: i64 = 2;
const RESULT: i64 = 3;

const NOT_TOO_LONG: &str = "no text of a hub message reaches 2 GiB";

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
        HubMessage::CancelInvocation { invocation_id } => framed(out, |out| {
            open(out, 3, 5, Some(invocation_id));
            Ok(())
        })?,
        HubMessage::Ping => out.extend_from_slice(PING),
        HubMessage::Close {
            error,
            allow_reconnect,
        } => encode_close(out, error.as_deref(), *allow_reconnect),
        HubMessage::Ack { sequence_id } => encode_sequence(out, 8, *sequence_id)?,
        HubMessage::Sequence { sequence_id } => encode_sequence(out, 9, *sequence_id)?,
        HubMessage::Unknown { kind } => framed(out, |out| {
            let mut writer = Writer::new(out);
            writer.array(1);
            writer.integer(*kind);
            Ok(())
        })?,
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
    framed(out, |out| {
        open(out, 6, 1, invocation_id);
        Writer::new(out).text(target);
        let start = out.len();
        encode_value(out, arguments)?;
        match Reader::new(&out[start..]).head("the arguments")? {
            Head::Array(_) => {}
            // `()` has no size; an `Option` or a `Value` that is nil has one.
            Head::Nil if size_of_val(arguments) == 0 => {
                out.truncate(start);
                Writer::new(out).array(0);
            }
            _ => return Err(EncodeError::NotAnArray),
        }
        Writer::new(out).array(0);
        Ok(())
    })
}

/// Appends a completion with a result.
pub(crate) fn encode_result<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    invocation_id: &str,
    result: &T,
) -> Result<(), EncodeError> {
    framed(out, |out| {
        open(out, 5, 3, Some(invocation_id));
        Writer::new(out).integer(RESULT);
        Ok(encode_value(out, result)?)
    })
}

/// Appends a stream item.
pub(crate) fn encode_stream_item<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    invocation_id: &str,
    item: &T,
) -> Result<(), EncodeError> {
    framed(out, |out| {
        open(out, 4, 2, Some(invocation_id));
        Ok(encode_value(out, item)?)
    })
}

/// Appends a completion with an error.
pub(crate) fn encode_error(out: &mut Vec<u8>, invocation_id: &str, error: &str) {
    let written = framed(out, |out| {
        open(out, 5, 3, Some(invocation_id));
        let mut writer = Writer::new(out);
        writer.integer(ERROR);
        writer.text(error);
        Ok(())
    });
    written.expect(NOT_TOO_LONG);
}

/// Appends a completion without result.
pub(crate) fn encode_void(out: &mut Vec<u8>, invocation_id: &str) {
    let written = framed(out, |out| {
        open(out, 4, 3, Some(invocation_id));
        Writer::new(out).integer(VOID);
        Ok(())
    });
    written.expect(NOT_TOO_LONG);
}

/// Appends a close message.
pub(crate) fn encode_close(out: &mut Vec<u8>, error: Option<&str>, allow_reconnect: bool) {
    let written = framed(out, |out| {
        let mut writer = Writer::new(out);
        writer.array(3);
        writer.integer(7);
        text_or_nil(&mut writer, error);
        writer.boolean(allow_reconnect);
        Ok(())
    });
    written.expect(NOT_TOO_LONG);
}

fn encode_call(out: &mut Vec<u8>, kind: i64, call: &Invocation<'_>) -> Result<(), EncodeError> {
    framed(out, |out| {
        open(out, 6, kind, call.invocation_id.as_deref());
        let mut writer = Writer::new(out);
        writer.text(&call.target);
        writer.array(call.arguments.len());
        for argument in &call.arguments {
            payload(out, *argument)?;
        }
        let mut writer = Writer::new(out);
        writer.array(call.stream_ids.len());
        for id in &call.stream_ids {
            writer.text(id);
        }
        Ok(())
    })
}

fn encode_sequence(out: &mut Vec<u8>, kind: i64, sequence_id: u64) -> Result<(), EncodeError> {
    framed(out, |out| {
        let mut writer = Writer::new(out);
        writer.array(2);
        writer.integer(kind);
        writer.unsigned(sequence_id);
        Ok(())
    })
}

/// Puts the length before what `write` appends, or leaves `out` as it was.
fn framed(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.push(0);
    let body = start + 1;
    let prefix = write(out)
        .and_then(|()| prefix::write(out.len() - body).ok_or(EncodeError::TooLong))
        .inspect_err(|_| out.truncate(start));
    let (prefix, width) = prefix?;
    out.splice(start..body, prefix.into_iter().take(width));
    Ok(())
}

/// The head of the array, the type, no headers, and an id, of which an empty one is written nil.
fn open(out: &mut Vec<u8>, elements: usize, kind: i64, invocation_id: Option<&str>) {
    let mut writer = Writer::new(out);
    writer.array(elements);
    writer.integer(kind);
    writer.map(0);
    text_or_nil(&mut writer, invocation_id.filter(|id| !id.is_empty()));
}

fn text_or_nil(writer: &mut Writer<'_>, text: Option<&str>) {
    match text {
        Some(text) => writer.text(text),
        None => writer.nil(),
    }
}

fn payload(out: &mut Vec<u8>, value: Payload<'_>) -> Result<(), EncodeError> {
    Ok(encode_value(out, &value)?)
}
