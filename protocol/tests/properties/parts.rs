//! Messages of any content.

use std::borrow::Cow;

use mesahub_protocol::{HubMessage, Invocation, Outcome, Payload};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use serde_json::Value;
use serde_json::value::RawValue;

/// The parts of a message, owned, so that a strategy can make them.
#[derive(Debug)]
pub(crate) struct Parts {
    kind: u8,
    id: String,
    optional_id: Option<String>,
    text: String,
    values: Vec<Form>,
    stream_ids: Vec<String>,
    flag: bool,
    number: u64,
    unknown: i64,
}

impl Parts {
    pub(crate) fn message(&self) -> HubMessage<'_> {
        let invocation_id = Cow::Borrowed(self.id.as_str());
        let value = self.values[0].payload();
        let text = Cow::Borrowed(self.text.as_str());
        match self.kind {
            0 => HubMessage::Invocation(self.call(self.optional_id.as_deref())),
            1 => HubMessage::StreamInvocation(self.call(Some(&self.id))),
            2 => HubMessage::StreamItem {
                invocation_id,
                item: value,
            },
            3 => HubMessage::Completion {
                invocation_id,
                outcome: Outcome::Error(text),
            },
            4 => HubMessage::Completion {
                invocation_id,
                outcome: Outcome::Void,
            },
            5 => HubMessage::Completion {
                invocation_id,
                outcome: Outcome::Result(value),
            },
            6 => HubMessage::CancelInvocation { invocation_id },
            7 => HubMessage::Ping,
            8 => HubMessage::Close {
                error: self.optional_id.is_some().then_some(text),
                allow_reconnect: self.flag,
            },
            9 => HubMessage::Ack {
                sequence_id: self.number,
            },
            10 => HubMessage::Sequence {
                sequence_id: self.number,
            },
            _ => HubMessage::Unknown { kind: self.unknown },
        }
    }

    fn call<'a>(&'a self, id: Option<&'a str>) -> Invocation<'a> {
        Invocation {
            invocation_id: id.map(Cow::Borrowed),
            target: Cow::Borrowed(&self.text),
            arguments: self.values.iter().map(Form::payload).collect(),
            stream_ids: self
                .stream_ids
                .iter()
                .map(|id| Cow::Borrowed(id.as_str()))
                .collect(),
        }
    }
}

/// A value in the form of one protocol.
#[derive(Debug)]
pub(crate) enum Form {
    Json(Box<RawValue>),
    #[cfg(feature = "messagepack")]
    MessagePack(Vec<u8>),
}

impl Form {
    fn payload(&self) -> Payload<'_> {
        match self {
            Self::Json(raw) => Payload::Json(raw),
            #[cfg(feature = "messagepack")]
            Self::MessagePack(bytes) => Payload::MessagePack(bytes),
        }
    }
}

/// A value as JSON text.
pub(crate) fn json() -> impl Strategy<Value = Form> {
    value().prop_map(|value| Form::Json(RawValue::from_string(value.to_string()).unwrap()))
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

pub(crate) fn non_empty() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("an id is not empty", |id| !id.is_empty())
}

/// Messages with values from `values`.
pub(crate) fn parts(values: impl Strategy<Value = Form>) -> impl Strategy<Value = Parts> {
    let texts = (non_empty(), option::of(non_empty()), any::<String>());
    let lists = (vec(values, 1..4), vec(any::<String>(), 0..3));
    let unknown = any::<i64>().prop_filter("not a known type", |kind| !(1..=9).contains(kind));
    (0..12_u8, texts, lists, any::<bool>(), any::<u64>(), unknown).prop_map(
        |(kind, (id, optional_id, text), (values, stream_ids), flag, number, unknown)| Parts {
            kind,
            id,
            optional_id,
            text,
            values,
            stream_ids,
            flag,
            number,
            unknown,
        },
    )
}
