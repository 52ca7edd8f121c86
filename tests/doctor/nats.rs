//! NATS, well and with a login that is missing.

use mesahub_test_servers::{NatsOptions, NatsServer, free_port};

use crate::binary::{Diagnosis, Patient};

async fn examined(port: u16) -> Diagnosis {
    Patient::of("Nats")
        .set(
            "RealTimeConfiguration:ConnectionString",
            &format!("nats://127.0.0.1:{port}"),
        )
        .examine()
        .await
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
    for check in ["latency", "delivery", "log", "other nodes", "large payload"] {
        diagnosis.expect(check, "ok", "");
    }
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
    diagnosis.ends_with("login", "set max_payload");
}

#[tokio::test]
async fn nothing_listening_is_told() {
    let diagnosis = examined(free_port().unwrap()).await;
    diagnosis.ends_with("connection", "nothing listens");
}
