//! The manifests, held against the types of the API of Kubernetes and against each other.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Container, HTTPGetAction, PodSpec, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::container::image;
use crate::settings::{Given, defaults, port, shutdown_timeout};
use crate::tree::{at, below, parsed, text};

const SERVER: &str = "deploy/kubernetes/server";
const OVERLAYS: [&str; 1] = ["deploy/kubernetes/redis"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Kustomization {
    api_version: String,
    kind: String,
    #[serde(default)]
    labels: Vec<Value>,
    resources: Vec<String>,
    #[serde(default)]
    images: Vec<Image>,
    #[serde(default)]
    patches: Vec<Patch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Image {
    name: String,
    new_name: String,
    new_tag: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    path: String,
}

/// A manifest in the type of its kind. What the type does not know would be lost on the way through
/// it.
#[track_caller]
fn manifest<T: DeserializeOwned + Serialize>(path: &str) -> T {
    let written: Value = parsed(path);
    let read: T =
        serde_json::from_value(written.clone()).unwrap_or_else(|error| panic!("{path}: {error}"));
    let understood = serde_json::to_value(&read).unwrap();
    assert_eq!(
        written, understood,
        "{path} has what its kind does not know"
    );
    read
}

fn server<T: DeserializeOwned + Serialize>(name: &str) -> T {
    manifest(&format!("{SERVER}/{name}.yaml"))
}

fn pod() -> PodSpec {
    let deployment: Deployment = server("deployment");
    let template = deployment.spec.template;
    template.spec.expect("the spec of a pod")
}

fn container(pod: &PodSpec) -> &Container {
    assert_eq!(pod.containers.len(), 1);
    &pod.containers[0]
}

/// The variables of a container.
fn variables(container: &Container) -> BTreeMap<String, String> {
    let all = container.env.iter().flatten();
    let value = |it: &k8s_openapi::api::core::v1::EnvVar| it.value.clone().expect("a value");
    all.map(|it| (it.name.clone(), value(it))).collect()
}

#[test]
fn every_manifest_is_in_its_kustomization_and_is_of_a_kind_that_is_known() {
    for folder in [SERVER].into_iter().chain(OVERLAYS) {
        let kustomization: Kustomization = parsed(&format!("{folder}/kustomization.yaml"));
        assert_eq!(kustomization.kind, "Kustomization");
        assert_eq!(kustomization.api_version, "kustomize.config.k8s.io/v1beta1");
        let patches = kustomization.patches.iter().map(|patch| &patch.path);
        let named = kustomization.resources.iter().chain(patches);
        let mut named: Vec<String> = named
            .filter(|path| !path.starts_with("../"))
            .map(|path| format!("{folder}/{path}"))
            .chain([format!("{folder}/kustomization.yaml")])
            .collect();
        named.sort();
        assert_eq!(named, below(folder, &[".yaml"]), "{folder}");
        for path in kustomization
            .resources
            .iter()
            .filter(|it| it.starts_with("../"))
        {
            assert!(
                at(folder).join(path).join("kustomization.yaml").is_file(),
                "{path}"
            );
        }
        if folder == SERVER {
            assert_eq!(kustomization.labels.len(), 1);
            assert_eq!(kustomization.images.len(), 1);
        }
        for image in &kustomization.images {
            let container = pod();
            let container = self::container(&container);
            assert_eq!(container.image.as_deref(), Some(&*image.name));
            assert!(image.new_name.ends_with("/mesahub"), "{}", image.new_name);
            assert_eq!(image.new_tag, env!("CARGO_PKG_VERSION"));
        }
    }
}

#[test]
fn the_server_is_asked_at_its_own_port_and_has_time_to_drain() {
    let pod = pod();
    let container = container(&pod);
    let ports = container.ports.as_deref().expect("ports");
    assert_eq!(ports.len(), 1);
    assert_eq!(ports[0].container_port, i32::from(port()));
    let name = ports[0].name.clone().expect("a name");
    let asks = |path: &str| HTTPGetAction {
        path: Some(path.to_owned()),
        port: IntOrString::String(name.clone()),
        ..HTTPGetAction::default()
    };
    for (probe, path) in [
        (&container.startup_probe, "/health/live"),
        (&container.liveness_probe, "/health/live"),
        (&container.readiness_probe, "/health/ready"),
    ] {
        let probe = probe.as_ref().expect("a probe");
        assert_eq!(probe.http_get, Some(asks(path)));
    }
    let lifecycle = container.lifecycle.as_ref().expect("a lifecycle");
    let pre_stop = lifecycle.pre_stop.as_ref().expect("preStop");
    let pause = pre_stop.sleep.as_ref().expect("no shell to run").seconds;
    let timeout = variables(container)["Mesahub__Server__ShutdownTimeout"].clone();
    assert_eq!(timeout, shutdown_timeout().to_string());
    let grace = pod
        .termination_grace_period_seconds
        .expect("a grace period");
    assert!(grace > pause + timeout.parse::<i64>().unwrap(), "{grace}");
}

#[test]
fn the_pod_has_no_rights_that_it_does_not_need() {
    let pod = pod();
    let account: ServiceAccount = server("serviceaccount");
    assert_eq!(account.automount_service_account_token, Some(false));
    assert_eq!(pod.service_account_name, account.metadata.name);
    assert_eq!(pod.automount_service_account_token, Some(false));
    // MESAHUB_PORT and its like would stand beside our own variables.
    assert_eq!(pod.enable_service_links, Some(false));
    let user = pod.security_context.as_ref().expect("a security context");
    assert_eq!(user.run_as_non_root, Some(true));
    let ids = [user.run_as_user, user.run_as_group].map(Option::unwrap);
    assert_eq!(format!("{}:{}", ids[0], ids[1]), image().only("USER"));
    assert_eq!(user.fs_group, user.run_as_group, "it reads its secrets");
    let container = container(&pod).security_context.as_ref();
    let container = container.expect("a security context");
    assert_eq!(container.read_only_root_filesystem, Some(true));
    assert_eq!(container.allow_privilege_escalation, Some(false));
    let capabilities = container.capabilities.as_ref().expect("capabilities");
    assert_eq!(capabilities.drop.as_deref(), Some(&["ALL".to_owned()][..]));
}

#[test]
fn the_settings_of_the_pod_are_good_and_its_secrets_lie_where_it_looks() {
    let pod = pod();
    let container = container(&pod);
    let mounts = container.volume_mounts.as_deref().expect("mounts");
    let volumes = pod.volumes.as_deref().expect("volumes");
    assert_eq!(mounts.len(), volumes.len());
    for mount in mounts {
        assert!(volumes.iter().any(|volume| volume.name == mount.name));
    }
    let mount = |name: &str| mounts.iter().find(|mount| mount.name == name).unwrap();
    let variables = variables(container);
    assert_eq!(
        variables["MESAHUB_SECRETS_DIR"],
        mount("secrets").mount_path
    );
    assert_eq!(mount("secrets").read_only, Some(true));
    assert_eq!(mount("journal").mount_path, image().only("WORKDIR"));
    let given = Given {
        variables,
        ..Given::default()
    };
    let given = given.secret("Mesahub__Authentication__SigningKey");
    let loaded = given.loaded("kubernetes");
    let settings = &loaded.settings;
    assert!(settings.real_time.notifications.journal.enabled);
    assert!(settings.real_time.notifications.journal.path.is_relative());
}

#[test]
fn the_overlay_adds_settings_that_are_good() {
    let patch: Deployment = {
        // A patch has no selector, which a whole deployment must have.
        let mut written: Value = parsed("deploy/kubernetes/redis/provider.yaml");
        written["spec"]["selector"] = serde_json::json!({});
        serde_json::from_value(written).unwrap()
    };
    let patched = patch.spec.template.spec.unwrap();
    let pod = pod();
    assert_eq!(patched.containers[0].name, container(&pod).name);
    let mut all = variables(container(&pod));
    all.extend(variables(&patched.containers[0]));
    let given = Given {
        variables: all,
        ..Given::default()
    };
    let loaded = given
        .secret("Mesahub__Authentication__SigningKey")
        .secret("RealTimeConfiguration__ConnectionString")
        .loaded("kubernetes-redis");
    assert_eq!(loaded.settings.backplane().unwrap().feature(), "redis");
    let comment = text("deploy/kubernetes/redis/kustomization.yaml");
    for secret in [
        "Mesahub__Authentication__SigningKey",
        "RealTimeConfiguration__ConnectionString",
    ] {
        assert!(comment.contains(secret), "{secret} is not told of");
    }
    let policy: NetworkPolicy = {
        let mut written: Value = parsed("deploy/kubernetes/redis/egress.yaml");
        written["spec"]["podSelector"] = serde_json::json!({});
        serde_json::from_value(written).unwrap()
    };
    let rules = policy.spec.unwrap().egress.unwrap();
    let ports: Vec<_> = rules
        .into_iter()
        .flat_map(|rule| rule.ports.unwrap())
        .collect();
    for port in [53, defaults_port(), 6380] {
        let port = Some(IntOrString::Int(port));
        assert!(ports.iter().any(|it| it.port == port), "{port:?}");
    }
}

/// Where Redis listens unless it is told otherwise.
fn defaults_port() -> i32 {
    let settings = defaults().settings;
    settings.real_time.provider_specific.local.port.into()
}

#[test]
fn clients_are_kept_at_the_pod_that_knows_them() {
    let service: Service = server("service");
    let spec = service.spec.expect("a spec");
    assert_eq!(spec.session_affinity.as_deref(), Some("ClientIP"));
    let ports = spec.ports.expect("ports");
    assert_eq!(
        ports[0].target_port,
        Some(IntOrString::String("http".to_owned()))
    );

    let ingress: Ingress = server("ingress");
    let notes = ingress.metadata.annotations.expect("annotations");
    let note = |name: &str| &*notes[&format!("nginx.ingress.kubernetes.io/{name}")];
    assert_eq!(note("affinity"), "cookie");
    assert_eq!(note("proxy-buffering"), "off");
    let hub = &defaults().settings.mesahub.hub;
    for patience in ["proxy-read-timeout", "proxy-send-timeout"] {
        let seconds: u64 = note(patience).parse().unwrap();
        assert!(
            seconds > hub.long_polling.poll_timeout.as_secs(),
            "{patience}"
        );
    }
    let rules = ingress.spec.expect("a spec").rules.expect("rules");
    let paths = &rules[0].http.as_ref().expect("http").paths;
    let is_open = |path: &str| {
        let mut prefixes = paths.iter().filter_map(|it| it.path.as_deref());
        prefixes.any(|prefix| path.starts_with(prefix))
    };
    assert!(is_open(hub.path.as_str()) && is_open("/api/v1/notifications"));
    assert!(!is_open("/metrics") && !is_open("/health/live"));
    for path in paths {
        let to = path.backend.service.as_ref().expect("a service");
        assert_eq!(Some(&to.name), service.metadata.name.as_ref());
        let port = to.port.as_ref().and_then(|port| port.name.as_ref());
        assert!(ports.iter().any(|it| it.name.as_ref() == port));
    }
}

#[test]
fn pods_come_with_connections_and_go_one_at_a_time() {
    let deployment: Deployment = server("deployment");
    let spec = &deployment.spec;
    let labels = spec.selector.match_labels.as_ref().expect("labels");
    let template = spec
        .template
        .metadata
        .as_ref()
        .and_then(|it| it.labels.as_ref());
    assert_eq!(template, Some(labels));
    assert!(spec.replicas.is_none(), "the autoscaler decides");

    let scaler: HorizontalPodAutoscaler = server("horizontalpodautoscaler");
    let scaler = scaler.spec;
    assert_eq!(Some(scaler.scale_target_ref.name), deployment.metadata.name);
    assert!(scaler.min_replicas.expect("a least number") >= 2);
    let metrics = scaler.metrics.expect("metrics");
    let metric = &metrics[0].pods.as_ref().expect("of pods").metric.name;
    assert_eq!(metric, "mesahub_connections");
    let rules = text("deploy/kubernetes/prometheus-adapter.yaml");
    assert!(
        rules.contains(&format!("as: {metric}\n")),
        "nobody tells it"
    );
    let _: Value = parsed("deploy/kubernetes/prometheus-adapter.yaml");
    let behavior = scaler.behavior.expect("a behavior");
    let down = behavior
        .scale_down
        .expect("slowly")
        .policies
        .expect("policies");
    assert!(down.iter().all(|policy| policy.value == 1));

    let budget: PodDisruptionBudget = server("poddisruptionbudget");
    let budget = budget.spec.expect("a spec");
    assert_eq!(budget.max_unavailable, Some(IntOrString::Int(1)));
    assert_eq!(
        budget.selector.expect("a selector").match_labels.as_ref(),
        Some(labels)
    );

    let policy: NetworkPolicy = server("networkpolicy");
    let policy = policy.spec.expect("a spec");
    let chosen = policy.pod_selector.expect("a selector");
    assert_eq!(chosen.match_labels.as_ref(), Some(labels));
    let inward = policy.ingress.expect("rules");
    let ports = inward[0].ports.as_ref().expect("ports");
    assert_eq!(ports[0].port, Some(IntOrString::Int(port().into())));
}
