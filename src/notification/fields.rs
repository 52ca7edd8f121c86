//! What each kind of event has to tell. The names of the fields are those of the HTTP API and of
//! the notification's data.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::auth::{OrderId, SessionId, TenantKey};
use crate::notification::{label::Label, metadata::Metadata};

/// An order has another status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderStatusChanged {
    /// The tenant of the order.
    pub tenant_key: TenantKey,
    /// The order.
    pub order_id: OrderId,
    /// Its status now.
    pub status: Label,
    /// The order as clients show it; `{}` when left out.
    #[serde(default = "nothing", deserialize_with = "or_nothing")]
    pub order: Value,
    /// The dining session it belongs to. Named, its customers may follow the order from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// What the publisher adds.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Metadata::is_empty"
    )]
    pub metadata: Metadata,
}

/// An order was placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOrder {
    /// The tenant of the order.
    pub tenant_key: TenantKey,
    /// The order.
    pub order_id: OrderId,
    /// The table it was placed at.
    pub table_number: Label,
    /// The order as clients show it; `{}` when left out.
    #[serde(default = "nothing", deserialize_with = "or_nothing")]
    pub order: Value,
    /// The dining session it belongs to. Named, its customers may follow the order from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// What the publisher adds.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Metadata::is_empty"
    )]
    pub metadata: Metadata,
}

/// A dining session has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionStarted {
    /// The tenant of the session.
    pub tenant_key: TenantKey,
    /// The session.
    pub session_id: SessionId,
    /// The table it sits at.
    pub table_number: Label,
    /// What the publisher adds.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Metadata::is_empty"
    )]
    pub metadata: Metadata,
}

/// A dining session has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionExpired {
    /// The tenant of the session.
    pub tenant_key: TenantKey,
    /// The session.
    pub session_id: SessionId,
    /// The table it sat at.
    pub table_number: Label,
    /// Why it ended, such as `InactiveSessionTimeout`.
    pub reason: Label,
    /// What the publisher adds.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Metadata::is_empty"
    )]
    pub metadata: Metadata,
}

/// A table was taken or has become free.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableStatusChanged {
    /// The tenant of the table.
    pub tenant_key: TenantKey,
    /// The table.
    pub table_id: Uuid,
    /// Whether somebody sits there now.
    pub is_occupied: bool,
    /// What the publisher adds.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Metadata::is_empty"
    )]
    pub metadata: Metadata,
}

/// An order has another status, told to the customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerOrderUpdate {
    /// The tenant of the order.
    pub tenant_key: TenantKey,
    /// The dining session that is told.
    pub session_id: SessionId,
    /// The order. Named, whoever follows it is told too, and the session's customers may follow it
    /// from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Its status now.
    pub status: Label,
    /// The order as clients show it; `{}` when left out.
    #[serde(default = "nothing", deserialize_with = "or_nothing")]
    pub order: Value,
    /// What the publisher adds.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Metadata::is_empty"
    )]
    pub metadata: Metadata,
}

/// A dining session is about to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerSessionExpiring {
    /// The tenant of the session, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_key: Option<TenantKey>,
    /// The session that is told.
    pub session_id: SessionId,
    /// How many minutes it has left.
    pub minutes_remaining: u32,
    /// What the publisher adds.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Metadata::is_empty"
    )]
    pub metadata: Metadata,
}

/// The cart of a dining session is another. Of several that wait for a slow client only the last
/// counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CartUpdated {
    /// The tenant of the session, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_key: Option<TenantKey>,
    /// The session that is told.
    pub session_id: SessionId,
    /// The whole cart; `{}` when left out.
    #[serde(default = "nothing", deserialize_with = "or_nothing")]
    pub cart: Value,
    /// What the publisher adds.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Metadata::is_empty"
    )]
    pub metadata: Metadata,
}

/// An object without properties.
fn nothing() -> Value {
    Value::Object(Map::new())
}

fn or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(nothing))
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
