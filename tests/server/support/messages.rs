//! Hub messages as JSON, without their end marks.

use serde_json::{Value, json};

/// A call; `streams` are the ids of what its caller uploads.
pub(crate) fn call(
    id: Option<&str>,
    target: &str,
    arguments: impl Into<Value>,
    streams: &[&str],
) -> String {
    invocation(1, id, target, arguments, streams)
}

/// A call that asks for a stream.
pub(crate) fn stream_call(
    id: &str,
    target: &str,
    arguments: impl Into<Value>,
    streams: &[&str],
) -> String {
    invocation(4, Some(id), target, arguments, streams)
}

/// An item of a stream, in either direction.
pub(crate) fn item(id: &str, item: impl Into<Value>) -> String {
    let item: Value = item.into();
    format!("{{\"type\":2,\"invocationId\":\"{id}\",\"item\":{item}}}")
}

/// The end of a stream, in either direction, or a completion without a result.
pub(crate) fn end(id: &str) -> String {
    format!("{{\"type\":3,\"invocationId\":\"{id}\"}}")
}

/// A completion with a result.
pub(crate) fn result(id: &str, result: impl Into<Value>) -> String {
    let result: Value = result.into();
    format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":{result}}}")
}

/// A completion with an error.
pub(crate) fn error(id: &str, text: &str) -> String {
    format!(
        "{{\"type\":3,\"invocationId\":\"{id}\",\"error\":{}}}",
        json!(text)
    )
}

/// Asks for the end of a call.
pub(crate) fn cancel(id: &str) -> String {
    format!("{{\"type\":5,\"invocationId\":\"{id}\"}}")
}

/// Several messages for one chunk.
pub(crate) fn together(messages: &[String]) -> String {
    messages.join("\u{1e}")
}

/// The type stands last, as the JavaScript client writes it.
fn invocation(
    kind: u8,
    id: Option<&str>,
    target: &str,
    arguments: impl Into<Value>,
    streams: &[&str],
) -> String {
    let arguments: Value = arguments.into();
    let mut message = String::from("{");
    if let Some(id) = id {
        message.push_str(&format!("\"invocationId\":\"{id}\","));
    }
    if !streams.is_empty() {
        message.push_str(&format!("\"streamIds\":{},", json!(streams)));
    }
    message.push_str(&format!(
        "\"target\":\"{target}\",\"arguments\":{arguments},\"type\":{kind}}}"
    ));
    message
}
