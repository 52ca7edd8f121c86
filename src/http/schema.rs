//! The shapes of bodies, in JSON Schema, for the OpenAPI document.
//!
//! A test holds them against what serde writes and reads.

use serde_json::{Map, Value, json};

use crate::auth::{TenantKey, UserId};
use crate::notification::{Event, EventName, IdempotencyKey, Label, Metadata};

/// The most notifications in one batch.
pub(super) const LARGEST_BATCH: usize = 1_000;

/// The most items on one page of a list.
pub(super) const LARGEST_PAGE: usize = 100;

/// Every schema, by name.
pub(super) fn all() -> Map<String, Value> {
    let mut schemas = Map::new();
    for (name, schema) in texts()
        .into_iter()
        .chain(events())
        .chain(broadcasts())
        .chain(sessions())
        .chain(answers())
    {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

/// A reference to a schema.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn texts() -> [(&'static str, Value); 12] {
    [
        (
            "TenantKey",
            json!({
                "type": "string", "pattern": "^[A-Za-z0-9._-]+$",
                "minLength": 1, "maxLength": TenantKey::LONGEST,
            }),
        ),
        (
            "UserId",
            json!({
                "type": "string", "minLength": 1, "maxLength": UserId::LONGEST,
                "description": "Without control characters, and without white space at its ends.",
            }),
        ),
        ("Guid", json!({ "type": "string", "format": "uuid" })),
        ("Moment", json!({ "type": "string", "format": "date-time" })),
        ("Flag", json!({ "type": "boolean", "default": false })),
        (
            "Limit",
            json!({
                "type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": LARGEST_PAGE,
            }),
        ),
        (
            "IdempotencyKey",
            json!({
                "type": "string", "pattern": "^[!-~]+$",
                "minLength": 1, "maxLength": IdempotencyKey::LONGEST,
            }),
        ),
        (
            "ConnectionId",
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{22}$" }),
        ),
        (
            "Channel",
            json!({
                "type": "string",
                "examples": ["tenant:demo:admins:orders"],
                "description": "`global:broadcast`, `session:{sessionId}`, or \
                                `tenant:{tenantKey}:` followed by `broadcast`, `admins`, \
                                `admins:orders`, `admins:sessions`, `customer:{userId}` or \
                                `order:{orderId}`. Ids in lower case with hyphens.",
            }),
        ),
        (
            "Label",
            json!({
                "type": "string", "minLength": 1, "maxLength": Label::LONGEST,
                "description": "Without control characters.",
            }),
        ),
        (
            "EventName",
            json!({
                "type": "string", "pattern": "^[A-Za-z0-9._-]+$",
                "minLength": 1, "maxLength": EventName::LONGEST, "default": "SystemAlert",
                "description": "The client method that is called.",
            }),
        ),
        (
            "Metadata",
            json!({
                "type": "object", "maxProperties": Metadata::MOST,
                "propertyNames": { "minLength": 1, "maxLength": Metadata::LONGEST_NAME },
                "additionalProperties": { "type": "string", "maxLength": Metadata::LONGEST_TEXT },
                "description": "Handed on to clients untouched.",
            }),
        ),
    ]
}

fn events() -> Vec<(&'static str, Value)> {
    let any = |description: &str| json!({ "default": {}, "description": description });
    let order = || any("The order as clients show it, any JSON.");
    let shapes = [
        event(
            "OrderStatusChanged",
            "An order has another status; for admins and whoever follows the order.",
            &[
                ("tenantKey", "TenantKey"),
                ("orderId", "Guid"),
                ("status", "Label"),
            ],
            &[("order", order()), ("sessionId", reference("Guid"))],
        ),
        event(
            "NewOrder",
            "An order was placed; for admins.",
            &[
                ("tenantKey", "TenantKey"),
                ("orderId", "Guid"),
                ("tableNumber", "Label"),
            ],
            &[("order", order()), ("sessionId", reference("Guid"))],
        ),
        event(
            "SessionStarted",
            "A dining session has begun; for admins.",
            &[
                ("tenantKey", "TenantKey"),
                ("sessionId", "Guid"),
                ("tableNumber", "Label"),
            ],
            &[],
        ),
        event(
            "SessionExpired",
            "A dining session has ended; for admins and the session.",
            &[
                ("tenantKey", "TenantKey"),
                ("sessionId", "Guid"),
                ("tableNumber", "Label"),
                ("reason", "Label"),
            ],
            &[],
        ),
        event(
            "TableStatusChanged",
            "A table was taken or has become free; for admins.",
            &[
                ("tenantKey", "TenantKey"),
                ("tableId", "Guid"),
                ("isOccupied", ""),
            ],
            &[("isOccupied", json!({ "type": "boolean" }))],
        ),
        event(
            "CustomerOrderUpdate",
            "An order has another status; for the session and whoever follows the order.",
            &[
                ("tenantKey", "TenantKey"),
                ("sessionId", "Guid"),
                ("status", "Label"),
            ],
            &[("order", order()), ("orderId", reference("Guid"))],
        ),
        event(
            "CustomerSessionExpiring",
            "A dining session is about to end; for the session.",
            &[("sessionId", "Guid"), ("minutesRemaining", "")],
            &[
                ("tenantKey", reference("TenantKey")),
                (
                    "minutesRemaining",
                    json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
                ),
            ],
        ),
        event(
            "CartUpdated",
            "The cart of a dining session is another; for the session.",
            &[("sessionId", "Guid")],
            &[
                ("tenantKey", reference("TenantKey")),
                ("cart", any("The whole cart, any JSON.")),
            ],
        ),
    ];
    let mapping: Map<String, Value> = Event::TYPES
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                json!(format!("#/components/schemas/{name}")),
            )
        })
        .collect();
    let one_of: Vec<Value> = Event::TYPES.iter().map(|name| reference(name)).collect();
    let event = json!({
        "oneOf": one_of,
        "discriminator": { "propertyName": "type", "mapping": mapping },
    });
    let batch = object(
        &["notifications"],
        [(
            "notifications",
            json!({
                "type": "array", "items": reference("Event"),
                "minItems": 1, "maxItems": LARGEST_BATCH,
            }),
        )],
    );
    shapes
        .into_iter()
        .chain([("Event", event), ("Batch", batch)])
        .collect()
}

fn broadcasts() -> Vec<(&'static str, Value)> {
    let role = json!({ "type": "string", "enum": ["Admin", "Staff"] });
    let tenant = || ("tenantKey", reference("TenantKey"));
    let user = ("userId", reference("UserId"));
    let session = ("sessionId", reference("Guid"));
    vec![
        ("TenantBroadcast", broadcast(&["tenantKey"], vec![tenant()])),
        (
            "RoleBroadcast",
            broadcast(&["tenantKey", "role"], vec![tenant(), ("role", role)]),
        ),
        (
            "UserBroadcast",
            broadcast(&["tenantKey", "userId"], vec![tenant(), user]),
        ),
        (
            "SessionBroadcast",
            broadcast(&["sessionId"], vec![session, tenant()]),
        ),
        ("EveryoneBroadcast", broadcast(&[], vec![])),
    ]
}

fn sessions() -> Vec<(&'static str, Value)> {
    let number = |least: u32| json!({ "type": "integer", "minimum": least });
    let required = [
        "sessionId",
        "tenantKey",
        "tableNumber",
        "startedAt",
        "lastActivity",
        "hasOrders",
        "warned",
        "closing",
        "due",
        "version",
    ];
    let session = [
        ("sessionId", reference("Guid")),
        ("tenantKey", reference("TenantKey")),
        ("tableNumber", reference("Label")),
        ("startedAt", reference("Moment")),
        ("lastActivity", reference("Moment")),
        ("hasOrders", json!({ "type": "boolean" })),
        ("warned", or_null(&number(0))),
        ("closing", or_null(&reference("Label"))),
        ("due", reference("Moment")),
        ("version", number(0)),
    ];
    let sessions = json!({ "type": "array", "items": reference("DiningSession") });
    vec![
        ("DiningSession", object(&required, session)),
        (
            "Sessions",
            object(
                &["sessions", "next"],
                [
                    ("sessions", sessions),
                    ("next", or_null(&reference("Guid"))),
                ],
            ),
        ),
        (
            "StartSession",
            object(
                &["tableNumber"],
                [
                    ("tableNumber", reference("Label")),
                    ("sessionId", reference("Guid")),
                ],
            ),
        ),
        ("Activity", object(&[], [("hasOrdered", reference("Flag"))])),
    ]
}

fn or_null(schema: &Value) -> Value {
    json!({ "oneOf": [schema, { "type": "null" }] })
}

fn dead_letter() -> Value {
    let text = || json!({ "type": "string" });
    object(
        &["id", "type", "topics", "reason", "attempts", "givenUpAt"],
        [
            ("id", reference("Guid")),
            ("type", or_null(&text())),
            (
                "topics",
                json!({
                    "type": "array", "items": text(),
                    "description": "Where on the backplane it did not arrive.",
                }),
            ),
            ("reason", text()),
            ("attempts", json!({ "type": "integer", "minimum": 0 })),
            ("givenUpAt", reference("Moment")),
        ],
    )
}

fn answers() -> Vec<(&'static str, Value)> {
    let text = || json!({ "type": "string" });
    let count = || json!({ "type": "integer", "minimum": 0 });
    let error = object(&["code", "detail"], [("code", text()), ("detail", text())]);
    let refused = object(&["error"], [("error", error)]);
    let results = json!({
        "type": "array", "items": { "oneOf": [reference("Accepted"), refused] },
    });
    let status = json!({ "type": "string", "enum": ["Healthy", "Unhealthy"] });
    vec![
        ("Accepted", object(&["id"], [("id", reference("Guid"))])),
        ("BatchResults", object(&["results"], [("results", results)])),
        (
            "Receipt",
            object(
                &["id", "connections", "nodes"],
                [
                    ("id", reference("Guid")),
                    ("connections", count()),
                    ("nodes", count()),
                ],
            ),
        ),
        ("DeadLetter", dead_letter()),
        (
            "DeadLetters",
            object(
                &["deadLetters", "next"],
                [
                    (
                        "deadLetters",
                        json!({ "type": "array", "items": reference("DeadLetter") }),
                    ),
                    ("next", or_null(&reference("Guid"))),
                ],
            ),
        ),
        (
            "Connections",
            object(
                &["tenantKey", "connections"],
                [
                    ("tenantKey", reference("TenantKey")),
                    ("connections", count()),
                ],
            ),
        ),
        (
            "Online",
            object(
                &["online", "connections"],
                [
                    ("online", json!({ "type": "boolean" })),
                    ("connections", count()),
                ],
            ),
        ),
        (
            "Disconnected",
            object(&["disconnected"], [("disconnected", count())]),
        ),
        (
            "Health",
            object(
                &["status", "description"],
                [("status", status), ("description", text())],
            ),
        ),
        ("Document", json!({ "type": "object" })),
        (
            "Problem",
            object(
                &["title", "status", "detail", "code"],
                [
                    ("title", text()),
                    ("status", json!({ "type": "integer" })),
                    (
                        "detail",
                        json!({ "type": "string", "description": "For people." }),
                    ),
                    (
                        "code",
                        json!({ "type": "string", "description": "For programs; stable." }),
                    ),
                    (
                        "field",
                        json!({ "type": "string", "description": "The field at fault, if any." }),
                    ),
                ],
            ),
        ),
    ]
}

/// An event: its required properties by the name of their schema, or empty where the schema is
/// among the others; then the other properties.
fn event(
    name: &'static str,
    description: &str,
    required: &[(&'static str, &'static str)],
    others: &[(&'static str, Value)],
) -> (&'static str, Value) {
    let named = required.iter().filter(|(_, schema)| !schema.is_empty());
    let properties = [
        ("type", json!({ "const": name })),
        ("metadata", reference("Metadata")),
    ]
    .into_iter()
    .chain(named.map(|(property, schema)| (*property, reference(schema))))
    .chain(others.iter().cloned());
    let required: Vec<&str> = ["type"]
        .into_iter()
        .chain(required.iter().map(|(property, _)| *property))
        .collect();
    let mut schema = object(&required, properties);
    schema["description"] = json!(description);
    (name, schema)
}

fn broadcast(required: &[&str], address: Vec<(&'static str, Value)>) -> Value {
    let data = json!({ "default": {}, "description": "Any JSON." });
    let metadata = ("metadata", reference("Metadata"));
    let what = [
        ("eventType", reference("EventName")),
        ("data", data),
        metadata,
    ];
    object(required, address.into_iter().chain(what))
}

fn object(required: &[&str], properties: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let properties: Map<String, Value> = properties
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    })
}
