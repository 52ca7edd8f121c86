//! The OpenAPI document, made from the table of operations.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use warp::reply::Response;

use super::api::Api;
use super::call::Call;
use super::operation::{Access, Answer, Asked, Operation};
use super::problem::{MEDIA_TYPE, Problem};
use super::schema;
use super::table::OPERATIONS;

/// The document, written once.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| written().to_string().into());

/// Serves the document.
pub(super) async fn document(_api: Arc<Api>, _call: Call) -> Result<Response, Problem> {
    let mut response = Response::new(DOCUMENT.clone().into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    Ok(response)
}

fn written() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in &OPERATIONS {
        let method = operation.verb.as_str().to_ascii_lowercase();
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mesahub",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Publishes notifications to SignalR clients, and tells who is there.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "paths": paths,
        "components": {
            "schemas": schema::all(),
            "securitySchemes": {
                "service": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "A service token; its `tenants` claim lists the tenants that \
                                    it covers, or `*` for all. In the Authorization header only.",
                },
            },
        },
    })
}

fn described(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "security": match operation.access {
            Access::Open => json!([]),
            Access::Service => json!([{ "service": [] }]),
        },
        "responses": responses(operation),
    });
    if !operation.description.is_empty() {
        described["description"] = json!(operation.description);
    }
    let in_path = |name| parameter("path", name, &schema::reference(schema_of(name)), "");
    let in_query = |asked: &Asked| {
        let schema = schema::reference(asked.schema);
        parameter("query", asked.name, &schema, asked.meaning)
    };
    let parameters: Vec<Value> = operation
        .parameters()
        .map(in_path)
        .chain(operation.query.iter().map(in_query))
        .chain(operation.keyed.then(key))
        .collect();
    if !parameters.is_empty() {
        described["parameters"] = json!(parameters);
    }
    if let Some(request) = operation.request {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema::reference(request) } },
        });
    }
    described
}

/// What an operation answers: its own answers, and the problems that its shape leads to.
fn responses(operation: &Operation) -> Value {
    let problem = |status, meaning| Answer {
        status,
        meaning,
        schema: Some("Problem"),
    };
    let mut answers = vec![];
    if operation.access == Access::Service {
        answers.extend([
            problem(
                400,
                "Malformed: `field` and `detail` tell where and what was expected.",
            ),
            problem(401, "No acceptable token; `WWW-Authenticate` tells why."),
            problem(403, "The token does not cover this; `code` tells why."),
            problem(
                429,
                "Asked too often; may be tried again after the seconds in `Retry-After`.",
            ),
            problem(500, "A failure whose cause is in the server's log."),
            problem(
                503,
                "The keys to check the token with cannot be had; `Retry-After` tells when to come back.",
            ),
        ]);
    }
    if operation.keyed {
        answers.extend([
            problem(409, "A call with this `Idempotency-Key` is under way."),
            problem(
                422,
                "The `Idempotency-Key` was used for another notification.",
            ),
        ]);
    }
    if operation.request.is_some() {
        answers.extend([
            problem(408, "The body did not arrive in time."),
            problem(413, "The body has more than 1 MiB."),
            problem(415, "The body is not application/json."),
        ]);
    }
    let mut responses = Map::new();
    for answer in answers.iter().chain(operation.answers) {
        responses.insert(answer.status.to_string(), response(answer));
    }
    Value::Object(responses)
}

fn response(answer: &Answer) -> Value {
    let mut response = json!({ "description": answer.meaning });
    if let Some(name) = answer.schema {
        let kind = if name == "Problem" {
            MEDIA_TYPE
        } else {
            "application/json"
        };
        response["content"] = json!({ kind: { "schema": schema::reference(name) } });
    }
    response
}

fn key() -> Value {
    parameter(
        "header",
        "Idempotency-Key",
        &schema::reference("IdempotencyKey"),
        "Makes it safe to repeat the call: what was accepted with this key for the same tenant is \
         answered with the id that it has. Of several notifications each has the key at its place.",
    )
}

fn parameter(place: &str, name: &str, schema: &Value, meaning: &str) -> Value {
    let mut parameter = json!({
        "in": place, "name": name, "required": place == "path", "schema": schema,
    });
    if !meaning.is_empty() {
        parameter["description"] = json!(meaning);
    }
    parameter
}

/// The schema of a segment of a path.
fn schema_of(parameter: &str) -> &'static str {
    match parameter {
        "tenantKey" => "TenantKey",
        "userId" => "UserId",
        "connectionId" => "ConnectionId",
        "sessionId" => "Guid",
        "notificationId" => "Guid",
        _ => "Channel",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_router_is_in_the_document() {
        let document = written();
        for operation in &OPERATIONS {
            let method = operation.verb.as_str().to_ascii_lowercase();
            let described = &document["paths"][operation.path][method];
            assert_eq!(described["operationId"], operation.id);
        }
    }

    #[test]
    fn every_schema_that_an_operation_names_is_there() {
        let schemas = schema::all();
        for operation in &OPERATIONS {
            let answers = operation.answers.iter().filter_map(|answer| answer.schema);
            for name in answers.chain(operation.request) {
                assert!(schemas.contains_key(name), "{name} of {}", operation.id);
            }
        }
    }
}
