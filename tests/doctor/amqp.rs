//! RabbitMQ, well and with each fault. It takes long to start, so one serves all faults.

use mesahub_test_servers::{Authority, RabbitOptions, RabbitServer, free_port};

use crate::binary::Patient;

/// A node at a server, as a user with a password, in a virtual host.
fn at(server: &RabbitServer, login: &str, host: &str) -> Patient {
    let (name, port) = (server.host(), server.port());
    Patient::of("Amqp").set(
        "RealTimeConfiguration:ConnectionString",
        &format!("amqp://{login}@{name}:{port}/{host}"),
    )
}

#[tokio::test]
async fn a_server_that_is_well_passes_every_check() {
    let server = RabbitServer::start(RabbitOptions::default()).await.unwrap();
    let diagnosis = at(&server, "guest:guest", "%2f").examine().await;
    assert!(diagnosis.failures().is_empty(), "{}", diagnosis.text);
    let checks = [
        "configuration",
        "connection",
        "login",
        "version",
        "alarms",
        "rights",
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
    diagnosis.expect("version", "ok", "RabbitMQ ");
    let queues = server
        .control(&["list_queues", "name", "-q"])
        .await
        .unwrap();
    assert!(!queues.contains("doctor"), "{queues}");
}

#[tokio::test]
async fn each_fault_is_named_with_what_to_mend() {
    let server = RabbitServer::start(RabbitOptions::default()).await.unwrap();
    let control = async |words: &[&str]| server.control(words).await.unwrap();

    let diagnosis = at(&server, "guest:hunter2", "%2f").examine().await;
    diagnosis.ends_with("login", "does not accept the user or the password");
    assert!(!diagnosis.text.contains("hunter2"), "{}", diagnosis.text);

    let diagnosis = at(&server, "guest:guest", "kitchen").examine().await;
    diagnosis.ends_with("virtual host", "kitchen");
    let mend = diagnosis.of("virtual host")["mend"].as_str().unwrap();
    assert!(mend.contains("add_vhost kitchen"), "{mend}");

    control(&["add_user", "anna", "pass"]).await;
    for (configure, write, read, missing) in [
        (
            "^other",
            "^mesahub|^amq.default$",
            "^mesahub",
            "configure mesahub",
        ),
        ("^mesahub", "^amq.default$", "^mesahub", "write mesahub"),
        (
            "^mesahub",
            "^mesahub",
            "^mesahub",
            "write to the default exchange",
        ),
        (
            "^mesahub",
            "^mesahub|^amq.default$",
            "^other",
            "read mesahub",
        ),
        (
            "^other",
            "^other",
            "^other",
            "write to the default exchange, nor configure",
        ),
    ] {
        control(&["set_permissions", "anna", configure, write, read]).await;
        let diagnosis = at(&server, "anna:pass", "%2f").examine().await;
        diagnosis.ends_with("rights", &format!("may not {missing}"));
        let mend = diagnosis.of("rights")["mend"].as_str().unwrap();
        assert!(
            mend.contains("set_permissions -p / anna '^mesahub'"),
            "{mend}"
        );
    }
    let rights = ["^mesahub", "^mesahub|^amq.default$", "^mesahub"];
    control(&["set_permissions", "anna", rights[0], rights[1], rights[2]]).await;
    let diagnosis = at(&server, "anna:pass", "%2f").examine().await;
    assert!(diagnosis.failures().is_empty(), "{}", diagnosis.text);

    control(&["set_vm_memory_high_watermark", "absolute", "1"]).await;
    let diagnosis = at(&server, "guest:guest", "%2f").examine().await;
    diagnosis.ends_with("alarms", "takes no messages");
    let mend = diagnosis.of("alarms")["mend"].as_str().unwrap();
    assert!(mend.contains("vm_memory_high_watermark"), "{mend}");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_told_and_a_known_one_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let options = RabbitOptions {
        certificate: Some(authority.issue(folder.path()).unwrap()),
        ..RabbitOptions::default()
    };
    let server = RabbitServer::start(options).await.unwrap();
    let secured = || {
        let url = format!("amqps://guest:guest@localhost:{}/%2f", server.port());
        Patient::of("Amqp").set("RealTimeConfiguration:ConnectionString", &url)
    };
    secured().examine().await.ends_with("TLS", "not trusted");
    let trusted = folder.path().join("authority.pem").display().to_string();
    let key = "RealTimeConfiguration:ProviderSpecific:Amqp:AuthoritiesFile";
    let diagnosis = secured().set(key, &trusted).examine().await;
    assert!(diagnosis.failures().is_empty(), "{}", diagnosis.text);
    diagnosis.expect("TLS", "ok", "is trusted");
    diagnosis.expect("version", "unknown", "only without TLS");
}

#[tokio::test]
async fn nothing_listening_is_told() {
    let url = format!("amqp://127.0.0.1:{}", free_port().unwrap());
    let patient = Patient::of("Amqp").set("RealTimeConfiguration:ConnectionString", &url);
    let diagnosis = patient.examine().await;
    diagnosis.ends_with("connection", "nothing listens");
}
