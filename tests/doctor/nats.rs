//! NATS, well and with each fault.

use mesahub_test_servers::{NatsCluster, NatsOptions, NatsServer, free_port};

use crate::binary::{Diagnosis, Patient};

const REPLICAS: &str = "RealTimeConfiguration:ProviderSpecific:Nats:Replicas";
const JETSTREAM: &str = "RealTimeConfiguration:ProviderSpecific:Nats:JetStream";

/// A node at a port, with `name:password@` in front of its host where it has a login.
fn at(login: &str, port: u16) -> Patient {
    Patient::of("Nats").set(
        "RealTimeConfiguration:ConnectionString",
        &format!("nats://{login}127.0.0.1:{port}"),
    )
}

async fn examined(port: u16) -> Diagnosis {
    at("", port).examine().await
}

async fn start(configuration: &str) -> NatsServer {
    let options = NatsOptions {
        configuration: configuration.to_owned(),
        ..NatsOptions::default()
    };
    NatsServer::start(options).await.unwrap()
}

#[tokio::test]
async fn a_server_that_is_well_passes_every_check() {
    let server = start("max_connections: 100").await;
    let diagnosis = examined(server.port()).await;
    assert!(diagnosis.failures().is_empty(), "{}", diagnosis.text);
    let checks = [
        "configuration",
        "connection",
        "login",
        "version",
        "payloads",
        "rights",
        "JetStream",
        "copies of logs",
        "logs",
        "latency",
        "delivery",
        "subscriber count",
        "log",
        "bound of logs",
        "other nodes",
        "large payload",
    ];
    assert_eq!(diagnosis.checks(), checks);
    for check in checks {
        diagnosis.expect(check, "ok", "");
    }
    diagnosis.expect("version", "ok", "NATS 2.");
    diagnosis.expect("rights", "ok", "publish at mesahub.topic.>, mesahub.log.>");
    diagnosis.expect("JetStream", "ok", "of no limit");
}

#[tokio::test]
async fn a_wrong_password_is_named_and_not_shown() {
    let server = start("authorization { user: anna, password: \"right-one\" }").await;
    let diagnosis = at("anna:hunter2@", server.port()).examine().await;
    diagnosis.ends_with("login", "does not accept the login");
    assert!(!diagnosis.text.contains("hunter2"), "{}", diagnosis.text);
    let diagnosis = at("anna:right-one@", server.port()).examine().await;
    assert!(diagnosis.failures().is_empty(), "{}", diagnosis.text);
    assert!(!diagnosis.text.contains("right-one"), "{}", diagnosis.text);
}

#[tokio::test]
async fn each_right_that_is_missing_is_named_with_all_that_are_needed() {
    let server = start(
        "authorization { users: [ { user: anna, password: pass, permissions: {\n\
         publish: { allow: [\"mesahub.topic.>\", \"$JS.API.>\"] },\n\
         subscribe: { allow: [\"_INBOX.>\"] } } } ] }",
    )
    .await;
    let diagnosis = at("anna:pass@", server.port()).examine().await;
    assert_eq!(diagnosis.failures(), ["rights"], "{}", diagnosis.text);
    let seen = "subscribe at mesahub.topic.mesahub:doctor:rights, nor publish at mesahub.log.";
    diagnosis.expect("rights", "failed", seen);
    let mend = diagnosis.of("rights")["mend"].as_str().unwrap();
    for needed in ["mesahub.topic.>", "mesahub.log.>", "$JS.API.>", "_INBOX.>"] {
        assert!(mend.contains(needed), "{mend}");
    }
}

#[tokio::test]
async fn a_user_who_may_not_ask_jetstream_or_hear_it_is_not_waited_for() {
    for permissions in [
        "publish: { deny: [\"$JS.API.>\"] }",
        "subscribe: { deny: [\"_INBOX.>\"] }",
    ] {
        let user = format!("user: anna, password: pass, permissions: {{ {permissions} }}");
        let server = start(&format!("authorization {{ users: [ {{ {user} }} ] }}")).await;
        let diagnosis = at("anna:pass@", server.port()).examine().await;
        assert_eq!(diagnosis.failures(), ["rights"], "{}", diagnosis.text);
    }
}

#[tokio::test]
async fn jetstream_that_is_off_is_told_and_may_be_done_without() {
    let options = NatsOptions {
        without_jet_stream: true,
        ..NatsOptions::default()
    };
    let server = NatsServer::start(options).await.unwrap();
    let diagnosis = examined(server.port()).await;
    diagnosis.expect("JetStream", "failed", "it is off");
    assert_eq!(diagnosis.failures(), ["JetStream"], "{}", diagnosis.text);
    let without = at("", server.port()).set(JETSTREAM, "false");
    let diagnosis = without.examine().await;
    diagnosis.expect("logs", "warning", "none are configured");
    diagnosis.expect("log", "ok", "keeps none");
    assert!(diagnosis.failures().is_empty(), "{}", diagnosis.text);
}

#[tokio::test]
async fn an_account_without_jetstream_and_one_without_room_are_told_apart() {
    let server = start(
        "accounts {\n\
         bare { users: [ { user: anna, password: pass } ] }\n\
         small { jetstream: { max_file: 1000000 }, users: [ { user: bob, password: pass } ] } }",
    )
    .await;
    let diagnosis = at("anna:pass@", server.port()).examine().await;
    assert_eq!(diagnosis.failures(), ["JetStream"], "{}", diagnosis.text);
    diagnosis.expect("JetStream", "failed", "not enabled");
    let diagnosis = at("bob:pass@", server.port()).examine().await;
    assert_eq!(diagnosis.failures(), ["JetStream"], "{}", diagnosis.text);
    let seen = "may store 1000000 bytes, and the logs are configured for 1073741824";
    diagnosis.expect("JetStream", "failed", seen);
}

#[tokio::test]
async fn copies_of_logs_are_counted_against_the_servers_there_are() {
    let server = start("").await;
    let three = at("", server.port()).set(REPLICAS, "3");
    let diagnosis = three.examine().await;
    let failures = diagnosis.failures();
    assert_eq!(failures, ["copies of logs"], "{}", diagnosis.text);
    diagnosis.expect("copies of logs", "failed", "in no cluster");

    let cluster = NatsCluster::start(3, &NatsOptions::default()).await;
    let cluster = cluster.unwrap();
    let diagnosis = examined(cluster.servers[0].port()).await;
    diagnosis.expect("copies of logs", "warning", "on one server of the cluster");
    assert!(diagnosis.failures().is_empty(), "{}", diagnosis.text);
}

#[tokio::test]
async fn a_token_that_is_missing_is_named() {
    let server = start("authorization { token: \"right-one\" }").await;
    let diagnosis = examined(server.port()).await;
    diagnosis.ends_with("login", "does not accept the login");
}

#[tokio::test]
async fn payloads_that_are_too_large_for_the_server_are_told_with_its_setting() {
    let server = start("max_payload: 65536").await;
    let diagnosis = examined(server.port()).await;
    diagnosis.ends_with("payloads", "takes payloads of 65536 bytes only");
    let mend = diagnosis.of("payloads")["mend"].as_str().unwrap();
    assert!(mend.contains("set max_payload to 1048576"), "{mend}");
}

#[tokio::test]
async fn nothing_listening_is_told() {
    let diagnosis = examined(free_port().unwrap()).await;
    diagnosis.ends_with("connection", "nothing listens");
}
