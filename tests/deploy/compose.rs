//! The Compose files.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use mesahub::config::Backplane;
use serde::Deserialize;

use crate::container::{features, image};
use crate::settings::{Given, port, shutdown_timeout};
use crate::tree::{at, parsed, scratch, seconds};

const FILES: [&str; 4] = ["memory", "redis", "nats", "rabbitmq"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compose {
    name: String,
    pub(crate) services: BTreeMap<String, Service>,
    secrets: BTreeMap<String, SecretFile>,
    #[serde(default)]
    volumes: BTreeMap<String, Volume>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) image: String,
    build: Option<Build>,
    #[serde(default)]
    pub(crate) command: Vec<String>,
    hostname: Option<String>,
    deploy: Option<Deploy>,
    restart: String,
    stop_grace_period: Option<String>,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    cap_drop: Vec<String>,
    #[serde(default)]
    security_opt: Vec<String>,
    ulimits: Option<Limits>,
    #[serde(default)]
    pub(crate) ports: Vec<String>,
    #[serde(default)]
    expose: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    secrets: Vec<SecretUse>,
    #[serde(default)]
    pub(crate) volumes: Vec<String>,
    healthcheck: Option<HealthCheck>,
    #[serde(default)]
    depends_on: BTreeMap<String, Dependency>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    context: String,
    dockerfile: String,
    args: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deploy {
    replicas: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    nofile: NoFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFile {
    soft: u32,
    hard: u32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SecretUse {
    Short(String),
    Long(LongSecret),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongSecret {
    source: String,
    target: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthCheck {
    test: Vec<String>,
    interval: String,
    timeout: String,
    retries: u32,
    start_period: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dependency {
    condition: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretFile {
    file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Volume {}

impl SecretUse {
    fn source(&self) -> &str {
        match self {
            Self::Short(name) => name,
            Self::Long(long) => &long.source,
        }
    }

    fn target(&self) -> &str {
        match self {
            Self::Short(name) => name,
            Self::Long(long) => &long.target,
        }
    }
}

impl Service {
    /// How many files it may have open, if that is said.
    pub(crate) fn open_files(&self) -> Option<u32> {
        self.ulimits.as_ref().map(|limits| limits.nofile.hard)
    }

    /// What the program is handed.
    fn given(&self) -> Given {
        Given {
            variables: self.environment.clone(),
            secrets: self
                .secrets
                .iter()
                .map(|it| it.target().to_owned())
                .collect(),
        }
    }
}

pub(crate) fn compose(name: &str) -> Compose {
    parsed(&format!("deploy/compose/{name}.yaml"))
}

#[test]
fn every_file_gives_the_program_settings_that_are_good_and_a_backplane_that_is_there() {
    for file in FILES {
        let compose = compose(file);
        let hub = &compose.services["mesahub"];
        let loaded = hub.given().loaded(&format!("compose-{file}"));
        let backplane = loaded.settings.backplane().unwrap();
        let build = hub.build.as_ref().expect("it is built");
        let built: Vec<&str> = build.args["FEATURES"].split(',').collect();
        assert!(built.contains(&backplane.feature()), "{file}");
        assert!(
            built
                .iter()
                .all(|it| features().iter().any(|known| known == it))
        );
        let at = backplane.to_string();
        if !matches!(backplane, Backplane::Memory) {
            assert!(at.contains(&format!(" {file}:")), "{file}: {at}");
            assert!(compose.services.contains_key(file), "{file}");
            assert_eq!(hub.depends_on[file].condition, "service_healthy");
        }
        let journal = &loaded.settings.real_time.notifications.journal;
        assert!(journal.enabled && journal.path.is_relative(), "{file}");
        let folder = image().only("WORKDIR").to_owned();
        assert!(hub.volumes.iter().any(|it| it.ends_with(&folder)), "{file}");
    }
}

#[test]
fn the_program_has_time_to_drain_and_no_rights_that_it_does_not_need() {
    for file in FILES {
        let hub = &compose(file).services["mesahub"];
        let grace = hub.stop_grace_period.as_deref().expect("a grace period");
        assert!(seconds(grace) > shutdown_timeout(), "{file}: {grace}");
        assert!(hub.read_only, "{file}");
        assert_eq!(hub.cap_drop, ["ALL"], "{file}");
        assert_eq!(hub.security_opt, ["no-new-privileges:true"], "{file}");
        let files = &hub.ulimits.as_ref().expect("limits").nofile;
        assert!(files.soft >= 65_536 && files.soft <= files.hard, "{file}");
        // The image has one.
        assert!(hub.healthcheck.is_none(), "{file}");
    }
}

#[test]
fn every_service_restarts_and_every_other_one_is_examined() {
    for file in FILES {
        let compose = compose(file);
        assert!(compose.name.starts_with("mesahub"), "{file}");
        for (name, service) in &compose.services {
            assert_eq!(service.restart, "unless-stopped", "{file}: {name}");
            let (_, tag) = service.image.rsplit_once(':').expect("a tag");
            if name == "mesahub" {
                continue;
            }
            assert_ne!(tag, "latest", "{file}: {name}");
            let check = service.healthcheck.as_ref().expect("a health check");
            assert!(["CMD", "CMD-SHELL"].contains(&&*check.test[0]), "{file}");
            assert!(
                seconds(&check.timeout) <= seconds(&check.interval),
                "{file}"
            );
            assert!(check.retries > 0);
            let patience = check.start_period.as_deref().map_or(0, seconds);
            assert!(name != "rabbitmq" || patience >= 30, "it takes its time");
            for (needed, dependency) in &service.depends_on {
                assert!(compose.services.contains_key(needed), "{file}: {needed}");
                assert_eq!(dependency.condition, "service_healthy");
            }
        }
    }
}

#[test]
fn what_is_mounted_is_declared_or_stands_in_the_repository() {
    for file in FILES {
        let compose = compose(file);
        for (name, service) in &compose.services {
            for secret in &service.secrets {
                assert!(
                    compose.secrets.contains_key(secret.source()),
                    "{file}: {name}"
                );
            }
            for volume in service.volumes.iter().filter(|it| it.contains(':')) {
                let (source, _) = volume.split_once(':').unwrap();
                match source.strip_prefix("./") {
                    Some(path) => assert!(at("deploy/compose").join(path).is_file(), "{path}"),
                    None => assert!(compose.volumes.contains_key(source), "{file}: {source}"),
                }
            }
            if let Some(build) = &service.build {
                let context = at("deploy/compose").join(&build.context);
                assert!(context.join("Cargo.toml").is_file(), "{file}");
                assert!(context.join(&build.dockerfile).is_file(), "{file}");
            }
        }
    }
}

#[test]
fn one_node_is_reached_itself_and_several_through_the_proxy() {
    let port = port();
    let alone = &compose("memory").services["mesahub"];
    assert!(alone.deploy.is_none(), "memory joins no second node");
    assert_eq!(alone.ports, [format!("{port}:{port}")]);
    for file in ["redis", "nats", "rabbitmq"] {
        let hub = &compose(file).services["mesahub"];
        assert!(
            hub.deploy.as_ref().expect("replicas").replicas > 1,
            "{file}"
        );
        assert!(hub.ports.is_empty(), "{file}: two cannot have one port");
        assert_eq!(hub.expose, [port.to_string()], "{file}");
        let node_volume = hub.volumes.iter().all(|volume| !volume.contains(':'));
        assert!(node_volume, "{file}: each node has a journal of its own");
    }
}

#[test]
fn the_brokers_keep_what_they_are_given() {
    let redis = &compose("redis").services["redis"];
    let script = redis.command.last().expect("a script");
    assert!(script.contains("maxmemory-policy noeviction"), "{script}");
    let rabbit = &compose("rabbitmq").services["rabbitmq"];
    assert!(rabbit.hostname.is_some(), "its data are under this name");
    for (file, folder) in [("nats", "/data"), ("rabbitmq", "/var/lib/rabbitmq")] {
        let volumes = &compose(file).services[file].volumes;
        assert!(
            volumes.iter().any(|it| it.ends_with(&format!(":{folder}"))),
            "{file}"
        );
    }
}

#[test]
fn the_script_makes_every_secret_and_leaves_what_is_there() {
    let folder = scratch("compose-secrets");
    let script = folder.join("secrets.sh");
    std::fs::copy(at("deploy/compose/secrets.sh"), &script).unwrap();
    let run = || Command::new("sh").arg(&script).status().unwrap();
    assert!(run().success());
    let mut wanted = BTreeSet::new();
    for file in FILES {
        for secret in compose(file).secrets.values() {
            wanted.insert(secret.file.clone());
        }
    }
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
    let first: Vec<String> = wanted.iter().map(|path| read(path)).collect();
    assert!(first.iter().all(|text| text.len() >= 32), "{wanted:?}");
    assert!(run().success());
    let again: Vec<String> = wanted.iter().map(|path| read(path)).collect();
    assert!(first == again, "a second run has changed a secret");
    let password = read("secrets/backplane-password");
    for login in ["secrets/nats-login.conf", "secrets/rabbitmq-login.conf"] {
        assert!(read(login).contains(&password), "{login}");
    }
}
