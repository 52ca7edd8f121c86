//! Reads one JSON message. Properties come in any order, so all are collected before the type
//! decides which of them matter.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::property::{Boolean, Headers, Integer, PayloadList, Text, TextList, payload};
use crate::error::ProtocolError;
use crate::message::{HubMessage, Invocation, Outcome};
use crate::payload::Payload;

/// Reads the message in `body`, which has no 0x1E at its end.
pub(crate) fn decode(body: &[u8]) -> Result<HubMessage<'_>, ProtocolError> {
    let text = std::str::from_utf8(body)?;
    let properties: Properties<'_> = serde_json::from_str(text).map_err(ProtocolError::Json)?;
    properties.into_message()
}

#[derive(Default)]
struct Properties<'a> {
    kind: Option<i64>,
    invocation_id: Option<Cow<'a, str>>,
    target: Option<Cow<'a, str>>,
    arguments: Option<Vec<Payload<'a>>>,
    stream_ids: Vec<Cow<'a, str>>,
    item: Option<Payload<'a>>,
    result: Option<Payload<'a>>,
    error: Option<Cow<'a, str>>,
    allow_reconnect: bool,
    sequence_id: Option<u64>,
}

impl<'a> Properties<'a> {
    fn into_message(self) -> Result<HubMessage<'a>, ProtocolError> {
        Ok(match required("?", "type", self.kind)? {
            1 => HubMessage::Invocation(self.into_invocation("Invocation")?),
            2 => HubMessage::StreamItem {
                invocation_id: required_id("StreamItem", self.invocation_id)?,
                item: required("StreamItem", "item", self.item)?,
            },
            3 => HubMessage::Completion {
                invocation_id: required_id("Completion", self.invocation_id)?,
                outcome: match (self.error, self.result) {
                    (Some(_), Some(_)) => return Err(ProtocolError::ErrorAndResult),
                    (Some(error), None) => Outcome::Error(error),
                    (None, Some(result)) => Outcome::Result(result),
                    (None, None) => Outcome::Void,
                },
            },
            4 => {
                let call = self.into_invocation("StreamInvocation")?;
                required(
                    "StreamInvocation",
                    "invocationId",
                    call.invocation_id.as_ref(),
                )?;
                HubMessage::StreamInvocation(call)
            }
            5 => HubMessage::CancelInvocation {
                invocation_id: required_id("CancelInvocation", self.invocation_id)?,
            },
            6 => HubMessage::Ping,
            7 => HubMessage::Close {
                error: self.error,
                allow_reconnect: self.allow_reconnect,
            },
            8 => HubMessage::Ack {
                sequence_id: required("Ack", "sequenceId", self.sequence_id)?,
            },
            9 => HubMessage::Sequence {
                sequence_id: required("Sequence", "sequenceId", self.sequence_id)?,
            },
            kind => HubMessage::Unknown { kind },
        })
    }

    fn into_invocation(self, kind: &'static str) -> Result<Invocation<'a>, ProtocolError> {
        Ok(Invocation {
            invocation_id: self.invocation_id.filter(|id| !id.is_empty()),
            target: required(kind, "target", self.target)?,
            arguments: required(kind, "arguments", self.arguments)?,
            stream_ids: self.stream_ids,
        })
    }
}

fn required<T>(
    kind: &'static str,
    property: &'static str,
    value: Option<T>,
) -> Result<T, ProtocolError> {
    value.ok_or(ProtocolError::MissingProperty { kind, property })
}

fn required_id<'a>(
    kind: &'static str,
    id: Option<Cow<'a, str>>,
) -> Result<Cow<'a, str>, ProtocolError> {
    required(kind, "invocationId", id.filter(|id| !id.is_empty()))
}

impl<'de> Deserialize<'de> for Properties<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(PropertiesVisitor)
    }
}

struct PropertiesVisitor;

impl<'de> Visitor<'de> for PropertiesVisitor {
    type Value = Properties<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message to be an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Properties::default();
        while let Some(name) = map.next_key::<Name>()? {
            match name {
                Name::Type => all.kind = Some(map.next_value_seed(Integer("type", PhantomData))?),
                Name::InvocationId => {
                    all.invocation_id = Some(map.next_value_seed(Text("invocationId"))?);
                }
                Name::Target => all.target = Some(map.next_value_seed(Text("target"))?),
                Name::Arguments => {
                    all.arguments = Some(map.next_value_seed(PayloadList("arguments"))?);
                }
                Name::StreamIds => all.stream_ids = map.next_value_seed(TextList("streamIds"))?,
                Name::Item => all.item = Some(payload(&mut map)?),
                Name::Result => all.result = Some(payload(&mut map)?),
                Name::Error => all.error = Some(map.next_value_seed(Text("error"))?),
                Name::AllowReconnect => {
                    all.allow_reconnect = map.next_value_seed(Boolean("allowReconnect"))?;
                }
                Name::SequenceId => {
                    all.sequence_id =
                        Some(map.next_value_seed(Integer("sequenceId", PhantomData))?);
                }
                Name::Headers => map.next_value_seed(Headers)?,
                Name::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(all)
    }
}

enum Name {
    Type,
    InvocationId,
    Target,
    Arguments,
    StreamIds,
    Item,
    Result,
    Error,
    AllowReconnect,
    SequenceId,
    Headers,
    Unknown,
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        Ok(match name {
            "type" => Name::Type,
            "invocationId" => Name::InvocationId,
            "target" => Name::Target,
            "arguments" => Name::Arguments,
            "streamIds" => Name::StreamIds,
            "item" => Name::Item,
            "result" => Name::Result,
            "error" => Name::Error,
            "allowReconnect" => Name::AllowReconnect,
            "sequenceId" => Name::SequenceId,
            "headers" => Name::Headers,
            _ => Name::Unknown,
        })
    }
}
