//! The document against the routes and the types.

use std::collections::BTreeSet;

use mesahub::notification::Event;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::server::{Server, service_token};

#[tokio::test]
async fn the_document_is_openapi_3_1_and_whole_in_itself() {
    let server = Server::start().await;
    let document = &server.document.0;
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for reference in text.split("\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "nothing at {pointer}");
    }
    let ids: BTreeSet<&str> = server
        .document
        .operations()
        .map(|o| o.details["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), server.document.operations().count());
}

#[tokio::test]
async fn every_operation_of_the_document_answers() {
    let server = Server::start().await;
    server.ready.send_replace(true);
    for operation in server.document.operations() {
        let method: Method = operation.method.parse().unwrap();
        let answer = server.ask(method, &operation.example(), "").await;
        let expected = if operation.is_guarded() { 401 } else { 200 };
        assert_eq!(
            answer.status, expected,
            "{} {}",
            operation.method, operation.path
        );
        assert_eq!(
            answer.header("www-authenticate").is_empty(),
            expected == 200
        );
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = Server::start().await;
    for path in server
        .document
        .operations()
        .map(|o| o.path.to_owned())
        .collect::<BTreeSet<_>>()
    {
        let of_path = || {
            server
                .document
                .operations()
                .filter(|operation| operation.path == path)
        };
        let answer = server
            .ask(Method::PATCH, &of_path().next().unwrap().example(), "")
            .await;
        answer.is_problem(405, "method_not_allowed");
        let allowed: BTreeSet<&str> = answer.header("allow").split(", ").collect();
        let mut expected: BTreeSet<String> = of_path().map(|operation| operation.method).collect();
        if expected.contains("GET") {
            expected.insert("HEAD".to_owned());
        }
        assert_eq!(allowed, expected.iter().map(String::as_str).collect());
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let server = Server::start().await;
    for path in [
        "/api/v1/notification",
        "/api/v1/",
        "/health/dead",
        "/",
        "/openapi.yaml",
    ] {
        server
            .read(path, &service_token(&["*"]))
            .await
            .is_problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_schema_of_each_event_is_the_event() {
    let server = Server::start().await;
    let schemas = &server.document.0["components"]["schemas"];
    for name in Event::TYPES {
        let schema = &schemas[name];
        let example = example(schemas, schema);
        let event: Event = serde_json::from_value(Value::Object(example.clone())).unwrap();
        let written = serde_json::to_value(&event).unwrap();
        assert_eq!(written["type"], name);
        assert_eq!(keys(&written), keys(&schema["properties"]), "{name}");

        let required: BTreeSet<&str> = schema["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r.as_str().unwrap())
            .collect();
        for property in example.keys() {
            let mut without = example.clone();
            without.remove(property);
            let read = serde_json::from_value::<Event>(Value::Object(without));
            assert_eq!(
                read.is_err(),
                required.contains(property.as_str()),
                "{name}.{property}"
            );
        }
        let mut with_more = example;
        with_more.insert("more".to_owned(), json!(1));
        assert!(
            serde_json::from_value::<Event>(Value::Object(with_more)).is_err(),
            "{name}"
        );
    }
    assert_eq!(
        schemas["Event"]["oneOf"].as_array().unwrap().len(),
        Event::TYPES.len()
    );
}

/// An object with a value for every property of a schema.
fn example(schemas: &Value, schema: &Value) -> Map<String, Value> {
    let properties = schema["properties"].as_object().unwrap();
    let value = |schema: &Value| -> Value {
        let schema = match schema["$ref"].as_str() {
            Some(reference) => &schemas[reference.rsplit('/').next().unwrap()],
            None => schema,
        };
        match schema["type"].as_str() {
            _ if schema.get("const").is_some() => schema["const"].clone(),
            Some("string") if schema["format"] == "uuid" => {
                json!("3f2504e0-4f89-41d3-9a0c-0305e82c3301")
            }
            Some("string") => json!("demo"),
            Some("integer") => json!(5),
            Some("boolean") => json!(true),
            _ => json!({ "a": "b" }),
        }
    };
    properties
        .iter()
        .map(|(name, schema)| (name.clone(), value(schema)))
        .collect()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}
