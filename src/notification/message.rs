//! A notification as clients receive it.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

use crate::auth::TenantKey;
use crate::channel::Channel;
use crate::notification::{id::NotificationId, kind::NotificationKind, metadata::Metadata};

/// A notification on the wire: the one argument of a call of a client method.
///
/// ```json
/// {"id":"01932f5e-8c1e-7d3a-9a0c-0305e82c3301","type":"NewOrder","tenantKey":"pizza",
///  "data":{"orderId":"…","tableNumber":"12","order":{}},
///  "timestamp":"2026-11-23T12:00:00.5Z","metadata":{},"channel":"tenant:pizza:admins"}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The id, the same in every channel that the notification goes to.
    pub id: NotificationId,
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: NotificationKind,
    /// The tenant concerned. Empty text on the wire when there is none.
    #[serde(serialize_with = "or_empty", deserialize_with = "unless_empty")]
    pub tenant_key: Option<TenantKey>,
    /// What its kind has to tell.
    pub data: Value,
    /// When it was made, in UTC, to the millisecond.
    pub timestamp: Timestamp,
    /// What the publisher added.
    pub metadata: Metadata,
    /// The channel by which it came to the recipient, and the one to name when resuming after it.
    /// Whoever is in several of its channels gets it once, by any of them. Empty text on the
    /// wire for what went to a user or a role, which are no channels.
    #[serde(serialize_with = "or_empty", deserialize_with = "unless_empty")]
    pub channel: Option<Channel>,
}

impl Notification {
    /// The present moment as notifications carry it.
    pub(crate) fn moment() -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

fn or_empty<S, T>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    T: Serialize,
{
    match value {
        Some(value) => value.serialize(serializer),
        None => serializer.serialize_str(""),
    }
}

fn unless_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    const ID: &str = "01932f5e-8c1e-7d3a-9a0c-0305e82c3301";

    fn sample() -> Notification {
        Notification {
            id: ID.parse().unwrap(),
            kind: NotificationKind::NewOrder,
            tenant_key: Some("pizza".parse().unwrap()),
            data: json!({"tableNumber": "12"}),
            timestamp: "2026-11-23T13:00:00.5+01:00".parse().unwrap(),
            metadata: serde_json::from_value(json!({"source": "till"})).unwrap(),
            channel: Some("tenant:pizza:admins".parse().unwrap()),
        }
    }

    #[test]
    fn the_wire_shape_is_what_clients_read() {
        let expected = format!(
            "{{\"id\":\"{ID}\",\"type\":\"NewOrder\",\"tenantKey\":\"pizza\",\
             \"data\":{{\"tableNumber\":\"12\"}},\"timestamp\":\"2026-11-23T12:00:00.5Z\",\
             \"metadata\":{{\"source\":\"till\"}},\"channel\":\"tenant:pizza:admins\"}}"
        );
        assert_eq!(serde_json::to_string(&sample()).unwrap(), expected);
        let read: Notification = serde_json::from_str(&expected).unwrap();
        assert_eq!(read, sample());
    }

    #[test]
    fn without_tenant_and_channel_both_are_empty_text() {
        let alert = Notification {
            tenant_key: None,
            channel: None,
            ..sample()
        };
        let json = serde_json::to_value(&alert).unwrap();
        assert_eq!(json["tenantKey"], "");
        assert_eq!(json["channel"], "");
        assert_eq!(serde_json::from_value::<Notification>(json).unwrap(), alert);
    }
}
