//! Something that happened in a restaurant, and who is told.

use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::auth::{OrderId, SessionId, TenantKey};
use crate::channel::Channel;
use crate::hub::Overflow;
use crate::notification::fields::{
    CartUpdated, CustomerOrderUpdate, CustomerSessionExpiring, NewOrder, OrderStatusChanged,
    SessionExpired, SessionStarted, TableStatusChanged,
};
use crate::notification::{kind::NotificationKind, metadata::Metadata};

/// Something that happened in a restaurant: the body of `POST /api/v1/notifications`.
///
/// In JSON it is an object whose `type` is the name of the variant, beside the fields of the
/// variant in camel case. Unknown fields and unknown types are refused, and the error names the
/// field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum Event {
    /// An order has another status.
    OrderStatusChanged(OrderStatusChanged),
    /// An order was placed.
    NewOrder(NewOrder),
    /// A dining session has begun.
    SessionStarted(SessionStarted),
    /// A dining session has ended.
    SessionExpired(SessionExpired),
    /// A table was taken or has become free.
    TableStatusChanged(TableStatusChanged),
    /// An order has another status, told to the customer.
    CustomerOrderUpdate(CustomerOrderUpdate),
    /// A dining session is about to end.
    CustomerSessionExpiring(CustomerSessionExpiring),
    /// The cart of a dining session is another.
    CartUpdated(CartUpdated),
}

impl Event {
    /// The types that an event may have.
    pub const TYPES: [&'static str; 8] = [
        "OrderStatusChanged",
        "NewOrder",
        "SessionStarted",
        "SessionExpired",
        "TableStatusChanged",
        "CustomerOrderUpdate",
        "CustomerSessionExpiring",
        "CartUpdated",
    ];

    /// What its notification is about.
    #[must_use]
    pub fn kind(&self) -> NotificationKind {
        match self {
            Self::OrderStatusChanged(_) => NotificationKind::OrderStatusChanged,
            Self::NewOrder(_) => NotificationKind::NewOrder,
            Self::SessionStarted(_) => NotificationKind::SessionStarted,
            Self::SessionExpired(_) => NotificationKind::SessionExpired,
            Self::TableStatusChanged(_) => NotificationKind::TableStatusChanged,
            Self::CustomerOrderUpdate(_) => NotificationKind::CustomerOrderUpdate,
            Self::CustomerSessionExpiring(_) => NotificationKind::CustomerSessionExpiring,
            Self::CartUpdated(_) => NotificationKind::CartUpdated,
        }
    }

    /// The client method that its notification calls.
    #[must_use]
    pub fn target(&self) -> &'static str {
        match self {
            Self::OrderStatusChanged(_) => "OrderStatusChanged",
            Self::NewOrder(_) => "NewOrder",
            Self::SessionStarted(_) => "SessionStarted",
            Self::SessionExpired(_) => "SessionExpired",
            Self::TableStatusChanged(_) => "TableStatusChanged",
            Self::CustomerOrderUpdate(_) => "OrderStatusUpdate",
            Self::CustomerSessionExpiring(_) => "SessionExpiring",
            Self::CartUpdated(_) => "CartUpdated",
        }
    }

    /// The tenant that it names, which its publisher needs a right to.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantKey> {
        match self {
            Self::OrderStatusChanged(event) => Some(&event.tenant_key),
            Self::NewOrder(event) => Some(&event.tenant_key),
            Self::SessionStarted(event) => Some(&event.tenant_key),
            Self::SessionExpired(event) => Some(&event.tenant_key),
            Self::TableStatusChanged(event) => Some(&event.tenant_key),
            Self::CustomerOrderUpdate(event) => Some(&event.tenant_key),
            Self::CustomerSessionExpiring(event) => event.tenant_key.as_ref(),
            Self::CartUpdated(event) => event.tenant_key.as_ref(),
        }
    }

    /// What the publisher added.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::OrderStatusChanged(event) => &event.metadata,
            Self::NewOrder(event) => &event.metadata,
            Self::SessionStarted(event) => &event.metadata,
            Self::SessionExpired(event) => &event.metadata,
            Self::TableStatusChanged(event) => &event.metadata,
            Self::CustomerOrderUpdate(event) => &event.metadata,
            Self::CustomerSessionExpiring(event) => &event.metadata,
            Self::CartUpdated(event) => &event.metadata,
        }
    }

    /// The channels that are told, each once.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        match self {
            Self::OrderStatusChanged(OrderStatusChanged {
                tenant_key,
                order_id,
                ..
            }) => vec![
                Channel::Admins(tenant_key.clone()),
                Channel::AdminOrders(tenant_key.clone()),
                order_channel(tenant_key, *order_id),
            ],
            Self::NewOrder(NewOrder { tenant_key, .. }) => vec![
                Channel::Admins(tenant_key.clone()),
                Channel::AdminOrders(tenant_key.clone()),
            ],
            Self::SessionStarted(SessionStarted { tenant_key, .. }) => vec![
                Channel::Admins(tenant_key.clone()),
                Channel::AdminSessions(tenant_key.clone()),
            ],
            Self::SessionExpired(SessionExpired {
                tenant_key,
                session_id,
                ..
            }) => vec![
                Channel::Admins(tenant_key.clone()),
                Channel::AdminSessions(tenant_key.clone()),
                Channel::Session(*session_id),
            ],
            Self::TableStatusChanged(event) => vec![Channel::Admins(event.tenant_key.clone())],
            Self::CustomerOrderUpdate(event) => {
                let order = event
                    .order_id
                    .map(|order| order_channel(&event.tenant_key, order));
                let session = Channel::Session(event.session_id);
                [session].into_iter().chain(order).collect()
            }
            Self::CustomerSessionExpiring(event) => vec![Channel::Session(event.session_id)],
            Self::CartUpdated(event) => vec![Channel::Session(event.session_id)],
        }
    }

    /// The data of its notification, made at `at`.
    #[must_use]
    pub fn into_data(self, at: Timestamp) -> Value {
        let mut data = match self {
            Self::OrderStatusChanged(event) => object([
                ("orderId", json!(event.order_id)),
                ("status", json!(event.status)),
                ("order", event.order),
            ]),
            Self::NewOrder(event) => object([
                ("orderId", json!(event.order_id)),
                ("tableNumber", json!(event.table_number)),
                ("order", event.order),
            ]),
            Self::SessionStarted(event) => object([
                ("sessionId", json!(event.session_id)),
                ("tableNumber", json!(event.table_number)),
            ]),
            Self::SessionExpired(event) => object([
                ("sessionId", json!(event.session_id)),
                ("tableNumber", json!(event.table_number)),
                ("reason", json!(event.reason)),
            ]),
            Self::TableStatusChanged(event) => object([
                ("tableId", json!(event.table_id)),
                ("isOccupied", json!(event.is_occupied)),
            ]),
            Self::CustomerOrderUpdate(event) => {
                let mut data = object([
                    ("sessionId", json!(event.session_id)),
                    ("status", json!(event.status)),
                    ("order", event.order),
                ]);
                data.extend(
                    event
                        .order_id
                        .map(|order| ("orderId".to_owned(), json!(order))),
                );
                data
            }
            Self::CustomerSessionExpiring(event) => object([
                ("sessionId", json!(event.session_id)),
                ("minutesRemaining", json!(event.minutes_remaining)),
            ]),
            Self::CartUpdated(event) => {
                object([("sessionId", json!(event.session_id)), ("cart", event.cart)])
            }
        };
        data.insert("timestamp".to_owned(), json!(at));
        Value::Object(data)
    }

    /// What happens at a client that reads too slowly: it is closed, so that it comes back and
    /// resumes, except that of several carts only the last is kept.
    pub(crate) fn overflow(&self) -> Overflow {
        match self {
            Self::CartUpdated(event) => {
                Overflow::LatestPerKey(format!("cart:{}", event.session_id).into())
            }
            _ => Overflow::Close,
        }
    }

    /// The order and the dining session that it belongs to, when the event names both.
    pub(crate) fn order_session(&self) -> Option<(&TenantKey, OrderId, SessionId)> {
        let (tenant, order, session) = match self {
            Self::OrderStatusChanged(OrderStatusChanged {
                tenant_key,
                order_id,
                session_id,
                ..
            })
            | Self::NewOrder(NewOrder {
                tenant_key,
                order_id,
                session_id,
                ..
            }) => (tenant_key, Some(*order_id), *session_id),
            Self::CustomerOrderUpdate(CustomerOrderUpdate {
                tenant_key,
                order_id,
                session_id,
                ..
            }) => (tenant_key, *order_id, Some(*session_id)),
            _ => return None,
        };
        Some((tenant, order?, session?))
    }
}

impl<'de> Deserialize<'de> for Event {
    /// Looks at the type first, so that an error can name the field at fault.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let kind = match fields.remove("type") {
            Some(Value::String(kind)) => kind,
            Some(_) => return Err(D::Error::custom("type: expected the name of an event type")),
            None => return Err(D::Error::missing_field("type")),
        };
        match kind.as_str() {
            "OrderStatusChanged" => read(fields).map(Self::OrderStatusChanged),
            "NewOrder" => read(fields).map(Self::NewOrder),
            "SessionStarted" => read(fields).map(Self::SessionStarted),
            "SessionExpired" => read(fields).map(Self::SessionExpired),
            "TableStatusChanged" => read(fields).map(Self::TableStatusChanged),
            "CustomerOrderUpdate" => read(fields).map(Self::CustomerOrderUpdate),
            "CustomerSessionExpiring" => read(fields).map(Self::CustomerSessionExpiring),
            "CartUpdated" => read(fields).map(Self::CartUpdated),
            other => {
                let shown: String = other.escape_debug().take(64).collect();
                Err(D::Error::unknown_variant(&shown, &Self::TYPES))
            }
        }
    }
}

fn read<T: DeserializeOwned, E: Error>(fields: Map<String, Value>) -> Result<T, E> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(E::custom)
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn order_channel(tenant: &TenantKey, order: OrderId) -> Channel {
    Channel::Order {
        tenant: tenant.clone(),
        order,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ORDER: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    const SESSION: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3302";

    fn event(body: Value) -> Event {
        serde_json::from_value(body).unwrap()
    }

    fn refused(body: &Value) -> String {
        serde_json::from_str::<Event>(&body.to_string())
            .unwrap_err()
            .to_string()
    }

    /// Each body with the client method it calls, the channels it goes to and its data.
    fn table() -> Vec<(Value, &'static str, Vec<String>, Value)> {
        let admins = || "tenant:pizza:admins".to_owned();
        let session = || format!("session:{SESSION}");
        let order = || format!("tenant:pizza:order:{ORDER}");
        vec![
            (
                json!({"type": "OrderStatusChanged", "tenantKey": "pizza", "orderId": ORDER,
                    "status": "Ready", "order": {"total": 17.5}}),
                "OrderStatusChanged",
                vec![admins(), "tenant:pizza:admins:orders".to_owned(), order()],
                json!({"orderId": ORDER, "status": "Ready", "order": {"total": 17.5}}),
            ),
            (
                json!({"type": "NewOrder", "tenantKey": "pizza", "orderId": ORDER,
                    "tableNumber": "12", "order": {"items": [1]}, "sessionId": SESSION}),
                "NewOrder",
                vec![admins(), "tenant:pizza:admins:orders".to_owned()],
                json!({"orderId": ORDER, "tableNumber": "12", "order": {"items": [1]}}),
            ),
            (
                json!({"type": "SessionStarted", "tenantKey": "pizza", "sessionId": SESSION,
                    "tableNumber": "4"}),
                "SessionStarted",
                vec![admins(), "tenant:pizza:admins:sessions".to_owned()],
                json!({"sessionId": SESSION, "tableNumber": "4"}),
            ),
            (
                json!({"type": "SessionExpired", "tenantKey": "pizza", "sessionId": SESSION,
                    "tableNumber": "4", "reason": "idle"}),
                "SessionExpired",
                vec![
                    admins(),
                    "tenant:pizza:admins:sessions".to_owned(),
                    session(),
                ],
                json!({"sessionId": SESSION, "tableNumber": "4", "reason": "idle"}),
            ),
            (
                json!({"type": "TableStatusChanged", "tenantKey": "pizza", "tableId": ORDER,
                    "isOccupied": true}),
                "TableStatusChanged",
                vec![admins()],
                json!({"tableId": ORDER, "isOccupied": true}),
            ),
            (
                json!({"type": "CustomerOrderUpdate", "tenantKey": "pizza", "sessionId": SESSION,
                    "orderId": ORDER, "status": "Preparing", "order": {}}),
                "OrderStatusUpdate",
                vec![session(), order()],
                json!({"sessionId": SESSION, "orderId": ORDER, "status": "Preparing", "order": {}}),
            ),
            (
                json!({"type": "CustomerOrderUpdate", "tenantKey": "pizza", "sessionId": SESSION,
                    "status": "Preparing", "order": {}, "metadata": {"source": "till"}}),
                "OrderStatusUpdate",
                vec![session()],
                json!({"sessionId": SESSION, "status": "Preparing", "order": {}}),
            ),
            (
                json!({"type": "CustomerSessionExpiring", "sessionId": SESSION,
                    "minutesRemaining": 5}),
                "SessionExpiring",
                vec![session()],
                json!({"sessionId": SESSION, "minutesRemaining": 5}),
            ),
            (
                json!({"type": "CartUpdated", "tenantKey": "pizza", "sessionId": SESSION,
                    "cart": {"lines": 3}}),
                "CartUpdated",
                vec![session()],
                json!({"sessionId": SESSION, "cart": {"lines": 3}}),
            ),
        ]
    }

    #[test]
    fn each_event_has_its_target_its_channels_and_its_data() {
        let at: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for (body, target, channels, mut data) in table() {
            let event = event(body.clone());
            assert_eq!(event.target(), target, "{body}");
            assert_eq!(event.kind().name(), body["type"]);
            let named: Vec<String> = event.channels().iter().map(Channel::to_string).collect();
            assert_eq!(named, channels, "{body}");
            data["timestamp"] = json!("2026-11-23T12:00:00Z");
            assert_eq!(event.into_data(at), data);
        }
    }

    #[test]
    fn an_event_is_written_as_it_was_read() {
        for (body, ..) in table() {
            let event = event(body.clone());
            assert_eq!(
                event.tenant().map(TenantKey::as_str),
                body["tenantKey"].as_str()
            );
            assert_eq!(serde_json::to_value(&event).unwrap(), body);
        }
    }

    #[test]
    fn what_is_left_out_or_null_is_empty() {
        let body = json!({"type": "CartUpdated", "sessionId": SESSION, "cart": null,
            "metadata": null, "tenantKey": null});
        let Event::CartUpdated(cart) = event(body) else {
            unreachable!()
        };
        assert_eq!(cart.cart, json!({}));
        assert!(cart.metadata.is_empty());
        assert_eq!(cart.tenant_key, None);
    }

    #[test]
    fn a_refusal_names_the_field_and_what_was_expected() {
        let new_order = json!({"type": "NewOrder", "tenantKey": "pizza", "orderId": ORDER,
            "tableNumber": "12"});
        let changed = |field: &str, value: Value| {
            let mut body = new_order.clone();
            body[field] = value;
            refused(&body)
        };
        assert!(
            changed("orderId", json!("twelve")).starts_with("orderId: the order id is no GUID")
        );
        assert!(changed("tenantKey", json!("a:b")).contains("tenantKey: the tenant key has ':'"));
        assert!(changed("colour", json!(1)).contains("unknown field `colour`"));
        assert!(changed("tableNumber", json!("")).contains("tableNumber: a text of 0 characters"));
        assert!(changed("tableNumber", Value::Null).contains("tableNumber: "));
        assert!(changed("metadata", json!({"a": 1})).contains("metadata.a: "));
        assert!(changed("type", json!("OrderEaten")).contains("unknown variant `OrderEaten`"));
        assert!(changed("type", json!("SystemAlert")).contains("expected one of"));
        assert!(changed("type", json!(3)).contains("type: expected"));
        assert_eq!(
            refused(&json!({"tenantKey": "pizza"})),
            "missing field `type`"
        );
        assert!(refused(&json!({"type": "NewOrder"})).contains("missing field `tenantKey`"));
    }

    #[test]
    fn an_event_tells_the_session_of_its_order_when_it_names_both() {
        let known: Vec<bool> = table()
            .into_iter()
            .map(|(body, ..)| event(body).order_session().is_some())
            .collect();
        assert_eq!(
            known,
            [false, true, false, false, false, true, false, false, false]
        );
    }

    #[test]
    fn only_carts_give_way_to_later_ones() {
        for (body, target, ..) in table() {
            let overflow = event(body).overflow();
            let expected = match target {
                "CartUpdated" => Overflow::LatestPerKey(format!("cart:{SESSION}").into()),
                _ => Overflow::Close,
            };
            assert_eq!(overflow, expected);
        }
    }
}
