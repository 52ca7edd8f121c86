//! The files for AWS.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::settings::{Given, port, shutdown_timeout};
use crate::tree::{at, below, parsed, text};

/// The events at which CodeDeploy runs scripts on a machine.
const EVENTS: [&str; 5] = [
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppSpec {
    version: f64,
    os: String,
    files: Vec<Copied>,
    file_exists_behavior: String,
    permissions: Vec<Permission>,
    hooks: std::collections::BTreeMap<String, Vec<Hook>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Copied {
    source: String,
    destination: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Permission {
    object: String,
    pattern: String,
    owner: String,
    group: String,
    mode: u32,
    r#type: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hook {
    location: String,
    timeout: u64,
    runas: String,
}

fn app_spec() -> AppSpec {
    parsed("deploy/aws/appspec.yml")
}

#[test]
fn everything_that_is_copied_or_run_is_there() {
    let spec = app_spec();
    assert!(spec.version.abs() < f64::EPSILON && spec.os == "linux");
    assert_eq!(spec.file_exists_behavior, "OVERWRITE");
    let unit = text("deploy/systemd/mesahub.service");
    for copied in &spec.files {
        let source = copied.source.trim_start_matches('/');
        // The program is built into the bundle.
        assert!(source == "mesahub" || at(source).exists(), "{source}");
        let folder = &copied.destination;
        assert!(
            unit.contains(&**folder) || folder == "/etc/systemd/system",
            "{folder}"
        );
    }
    let permission = &spec.permissions[0];
    assert_eq!(
        (&*permission.object, &*permission.pattern),
        ("/usr/bin", "mesahub")
    );
    assert_eq!((&*permission.owner, &*permission.group), ("root", "root"));
    assert_eq!(
        (permission.mode, &*permission.r#type),
        (755, &["file".to_owned()][..])
    );
    for (event, hooks) in &spec.hooks {
        assert!(EVENTS.contains(&&**event), "{event}");
        for hook in hooks {
            let mode = at(&hook.location).metadata().unwrap().permissions().mode();
            assert!(mode & 0o100 != 0, "{} cannot be run", hook.location);
            assert_eq!(hook.runas, "root");
            assert!(event != "ApplicationStop" || hook.timeout > shutdown_timeout());
        }
    }
}

#[test]
fn scripts_are_ones_that_a_shell_can_read() {
    let scripts = below("deploy", &[".sh"]);
    assert!(scripts.len() > 4);
    for script in scripts {
        let output = Command::new("sh")
            .arg("-n")
            .arg(at(&script))
            .output()
            .unwrap();
        assert!(output.status.success(), "{script}");
        assert!(text(&script).contains("\nset -eu\n"), "{script}");
    }
}

#[test]
fn the_variables_of_the_machine_are_settings_that_are_good() {
    let mut given = Given::default().secret("Mesahub__Authentication__SigningKey");
    for line in text("deploy/aws/environment").lines() {
        let (name, value) = line.split_once('=').expect("NAME=value");
        given = given.variable(name, value);
    }
    let loaded = given.loaded("aws");
    assert_eq!(loaded.cloud_provider.as_deref(), Some("AWS"));
    let backplane = loaded.settings.backplane().unwrap().to_string();
    assert!(
        backplane.contains(".cache.amazonaws.com:6379"),
        "{backplane}"
    );
}

#[test]
fn the_load_balancer_asks_for_readiness_and_keeps_clients_where_they_are() {
    let group: Value = parsed("deploy/aws/target-group.json");
    assert_eq!(group["Port"], port());
    assert_eq!(group["HealthCheckPath"], "/health/ready");
    let attributes: Vec<Value> = parsed("deploy/aws/target-group-attributes.json");
    let attribute = |key: &str| {
        let found = attributes.iter().find(|it| it["Key"] == key);
        found
            .and_then(|it| it["Value"].as_str())
            .expect("an attribute")
            .to_owned()
    };
    assert_eq!(attribute("stickiness.enabled"), "true");
    assert_eq!(attribute("stickiness.type"), "lb_cookie");
    let delay: u64 = attribute("deregistration_delay.timeout_seconds")
        .parse()
        .unwrap();
    assert!(delay > shutdown_timeout());
}
