//! The pipeline for Azure.

use std::collections::BTreeSet;

use mesahub::config::Backplane;
use serde_json::Value;

use crate::settings::{Given, port, shutdown_timeout};
use crate::tree::{at, parsed};

const PIPELINE: &str = "deploy/azure/azure-pipelines.yml";

/// Every task of the pipeline with its inputs.
fn tasks(value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            if let Some(task) = map.get("task").and_then(Value::as_str) {
                found.push((task.to_owned(), map["inputs"].clone()));
            }
            map.values().for_each(|value| tasks(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| tasks(value, found)),
        _ => {}
    }
}

fn inputs(task: &str) -> Value {
    let pipeline: Value = parsed(PIPELINE);
    let mut found = Vec::new();
    tasks(&pipeline, &mut found);
    let wanted = found.into_iter().find(|(name, _)| name.starts_with(task));
    wanted.unwrap_or_else(|| panic!("no {task}")).1
}

#[test]
fn the_pipeline_has_the_stages_that_it_should_and_no_key_besides() {
    let pipeline: Value = parsed(PIPELINE);
    let keys: BTreeSet<&str> = pipeline
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        BTreeSet::from(["pool", "stages", "trigger", "variables"])
    );
    let stages = pipeline["stages"].as_array().unwrap();
    assert_eq!(stages[1]["dependsOn"], stages[0]["stage"]);
    let build = inputs("Docker");
    let dockerfile = build["Dockerfile"].as_str().unwrap();
    assert!(at(dockerfile).is_file(), "{dockerfile}");
    assert_eq!(build["buildContext"], ".");
}

#[test]
fn the_web_app_is_handed_settings_that_are_good() {
    let inputs = inputs("AzureWebAppContainer");
    let mut given = Given::default();
    for line in inputs["appSettings"].as_str().unwrap().lines() {
        let (name, value) = line.split_once(' ').expect("-NAME \"value\"");
        let name = name.strip_prefix('-').expect("-NAME");
        let value = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        // What the portal fills in is longer than what stands here.
        let value = value
            .expect("in quotes")
            .replace("$(AzureRedisName)", "pizza-cache");
        given = given.variable(name, &value);
    }
    assert_eq!(given.variables["WEBSITES_PORT"], port().to_string());
    let stop: u64 = given.variables["WEBSITES_CONTAINER_STOP_TIME_LIMIT"]
        .parse()
        .unwrap();
    assert!(stop > shutdown_timeout());
    let loaded = given.loaded("azure");
    let Backplane::Redis(redis) = loaded.settings.backplane().unwrap() else {
        panic!("Azure is Redis");
    };
    let at = format!("{redis:?}");
    assert!(at.contains("pizza-cache.redis.cache.windows.net"), "{at}");
}

#[test]
fn the_web_app_takes_web_sockets_and_keeps_clients_where_they_are() {
    let script = inputs("AzureCLI")["inlineScript"]
        .as_str()
        .unwrap()
        .to_owned();
    for part in [
        "--web-sockets-enabled true",
        "--client-affinity-enabled true",
        "\"healthCheckPath\": \"/health/ready\"",
    ] {
        assert!(script.contains(part), "{part}");
    }
}
