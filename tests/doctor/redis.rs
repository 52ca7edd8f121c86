//! Redis, well and with each fault.

use std::sync::Arc;

use mesahub::broker::open;
use mesahub::config::{Sources, load};
use mesahub::hub::Node;
use mesahub_broker::LogBounds;
use mesahub_test_servers::{Authority, RedisOptions, RedisServer, free_port};
use tokio::task::JoinSet;

use crate::binary::{Patient, told};
use crate::proxy;

const CONNECTION: &str = "RealTimeConfiguration:ConnectionString";

async fn start(arguments: &[&str]) -> RedisServer {
    let arguments = arguments.iter().map(|one| (*one).to_owned()).collect();
    let options = RedisOptions {
        arguments,
        ..RedisOptions::default()
    };
    RedisServer::start(options).await.unwrap()
}

/// A server that speaks TLS only, and the folder of its certificate.
async fn with_tls(authority: &Authority) -> (RedisServer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = RedisOptions {
        certificate: Some(authority.issue(folder.path()).unwrap()),
        ..RedisOptions::default()
    };
    (RedisServer::start(options).await.unwrap(), folder)
}

fn at(url: &str) -> Patient {
    Patient::of("Redis").set(CONNECTION, url)
}

fn plain(server: &RedisServer) -> Patient {
    at(&format!("redis://127.0.0.1:{}", server.port()))
}

#[tokio::test]
async fn a_server_that_is_well_passes_every_check() {
    let server = RedisServer::reach().await.unwrap();
    let host = server.host().replace("127.0.0.1", "localhost");
    let url = format!("redis://{host}:{}", server.port());
    let diagnosis = at(&url).examine().await;
    assert!(diagnosis.failures().is_empty());
    let checks = [
        "configuration",
        "address",
        "connection",
        "login",
        "version",
        "role",
        "memory",
        "clock",
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
    diagnosis.expect("delivery", "ok", "from one node to another");
}

#[tokio::test]
async fn another_node_is_seen() {
    let server = start(&[]).await;
    let url = format!("redis://127.0.0.1:{}", server.port());
    let set = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let sources = Sources {
        overrides: vec![
            set("RealTimeConfiguration:Provider", "Redis"),
            set(CONNECTION, &url),
        ],
        environment_name: Some("Development".to_owned()),
        ..Sources::default()
    };
    let backplane = load(&sources).unwrap().settings.backplane().unwrap();
    let (inbox, shards) = Node::inbox();
    let broker = open(&backplane, LogBounds::default(), inbox).await.unwrap();
    let node = Node::start(Arc::clone(&broker), shards);
    while server
        .command(&["PUBSUB", "CHANNELS"])
        .await
        .unwrap()
        .is_empty()
    {}
    let diagnosis = plain(&server).examine().await;
    assert!(diagnosis.failures().is_empty());
    diagnosis.expect("other nodes", "ok", "one is on this backplane now");
    drop(node);
}

#[tokio::test]
async fn on_the_wire_of_aspnetcore_there_is_no_log_and_nothing_is_wrong_with_that() {
    let server = start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let diagnosis = plain(&server)
        .set("RealTimeConfiguration:Redis:Wire", "AspNetCore")
        .set(
            "RealTimeConfiguration:Redis:HubTypeName",
            "Contoso.Live.RoomHub",
        )
        .examine()
        .await;
    assert!(diagnosis.failures().is_empty());
    diagnosis.expect("log", "ok", "keeps none");
    assert!(!diagnosis.checks().contains(&"memory"));
}

#[tokio::test]
async fn nothing_listening_and_an_unknown_name_are_told_apart() {
    let port = free_port().unwrap();
    let diagnosis = at(&format!("redis://127.0.0.1:{port}")).examine().await;
    diagnosis.ends_with(
        "connection",
        &format!("nothing listens at 127.0.0.1:{port}"),
    );
    let diagnosis = at("redis://kitchen.invalid:6379").examine().await;
    diagnosis.ends_with("address", "the name kitchen.invalid was not found");
}

#[tokio::test]
async fn a_missing_and_a_wrong_password_are_named_and_not_shown() {
    let server = start(&["--requirepass", "right-one"]).await;
    let diagnosis = plain(&server).examine().await;
    diagnosis.ends_with("login", "wants a password");
    let url = format!("redis://:hunter2@127.0.0.1:{}", server.port());
    let diagnosis = at(&url).examine().await;
    diagnosis.ends_with("login", "does not accept the user or the password");
    assert!(!diagnosis.text.contains("hunter2"), "{}", diagnosis.text);

    let output = at(&url).run(&["doctor"]).await;
    let text = told(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let mut lines = text.lines().skip_while(|line| !line.starts_with("failed"));
    assert!(lines.next().unwrap().contains("login"), "{text}");
    assert!(
        lines.next().unwrap().contains("→ correct the user"),
        "{text}"
    );
    assert!(lines.next().unwrap().ends_with("1 failed, 2 ok"), "{text}");
}

#[tokio::test]
async fn each_right_that_a_user_lacks_is_named() {
    let server = start(&[]).await;
    for (rights, check, seen) in [
        ("&* -publish", "right to publish", "'publish'"),
        ("&other:*", "right to subscribe", "NOPERM"),
        ("&* -pubsub", "subscriber count", "'pubsub"),
        ("&* -xadd", "log", "can't run this command"),
        ("&* -@scripting", "node", "'script|load'"),
        ("&* -info", "version", "'info'"),
    ] {
        let mut words = vec![
            "ACL", "SETUSER", "anna", "reset", "on", ">pass", "~*", "+@all",
        ];
        words.extend(rights.split(' '));
        server.command(&words).await.unwrap();
        let url = format!("redis://anna:pass@127.0.0.1:{}", server.port());
        let diagnosis = at(&url).examine().await;
        diagnosis.expect(check, "failed", seen);
        assert!(diagnosis.failures().contains(&check), "{rights}");
        diagnosis.expect("login", "ok", "let in as the user \"anna\"");
    }
}

#[tokio::test]
async fn logs_that_may_be_evicted_are_a_warning() {
    let server = start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let diagnosis = plain(&server).examine().await;
    assert!(diagnosis.failures().is_empty());
    diagnosis.expect("memory", "warning", "maxmemory-policy is allkeys-lru");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_too_old_is_named_with_the_oldest_that_will_do() {
    let server = start(&[]).await;
    let info = server.command(&["INFO", "server"]).await.unwrap();
    let version = info.lines().find(|line| line.starts_with("redis_version:"));
    let version = version.unwrap().trim();
    let old = format!("{:.<1$}", "redis_version:6.0.9", version.len());
    let mut tasks = JoinSet::new();
    let proxy = proxy::replacing(server.port(), version, &old, &mut tasks).await;
    let diagnosis = at(&format!("redis://{proxy}")).examine().await;
    diagnosis.expect("version", "failed", "Redis 6.0.9");
    let mend = diagnosis.of("version")["mend"].as_str().unwrap();
    assert!(mend.contains("Redis 6.2"), "{mend}");
    assert_eq!(diagnosis.failures(), ["version"]);
}

#[tokio::test]
async fn a_replica_is_no_place_for_nodes() {
    let server = start(&["--replicaof", "127.0.0.1", "1"]).await;
    let diagnosis = plain(&server).examine().await;
    assert_eq!(diagnosis.failures(), ["role"]);
    diagnosis.expect("role", "failed", "a replica");
}

#[tokio::test]
async fn tls_is_told_when_it_is_missing_unwanted_distrusted_and_well() {
    let authority = Authority::new().unwrap();
    let (server, folder) = with_tls(&authority).await;
    let url = format!("rediss://localhost:{}", server.port());

    let diagnosis = at(&url).examine().await;
    diagnosis.ends_with("TLS", "an authority that this machine does not trust");

    let trusted = folder.path().join("authority.pem").display().to_string();
    let diagnosis = at(&url)
        .with("SSL_CERT_FILE", trusted.clone())
        .examine()
        .await;
    assert!(diagnosis.failures().is_empty());
    diagnosis.expect("TLS", "ok", "is trusted");

    let other = start(&[]).await;
    let wrong = format!("rediss://localhost:{}", other.port());
    let diagnosis = at(&wrong).with("SSL_CERT_FILE", trusted).examine().await;
    diagnosis.ends_with("TLS", "does not answer in TLS");

    let diagnosis = plain(&server).examine().await;
    diagnosis.ends_with("login", "");
    let mend = diagnosis.of("login")["mend"].as_str().unwrap();
    assert!(mend.contains("turn TLS on"), "{mend}");
}

#[tokio::test]
async fn a_server_that_hangs_is_told_from_one_that_is_away() {
    let server = start(&[]).await;
    server.freeze().await.unwrap();
    plain(&server)
        .examine()
        .await
        .ends_with("login", "did not answer within 5s");
}

#[tokio::test]
async fn limits_that_are_too_small_for_large_payloads_are_found() {
    for limits in [
        &["--proto-max-bulk-len", "1mb"][..],
        &["--client-output-buffer-limit", "pubsub 64kb 64kb 60"][..],
    ] {
        let server = start(limits).await;
        let diagnosis = plain(&server).examine().await;
        diagnosis.expect("large payload", "failed", "");
        assert_eq!(diagnosis.failures(), ["large payload"], "{limits:?}");
    }
}
