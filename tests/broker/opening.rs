//! What the configuration says of a Redis is what is opened: address, login, TLS, deployment.

use std::path::Path;
use std::time::Duration;

use mesahub::broker::{OpenError, open};
use mesahub::config::{Backplane, Sources, load};
use mesahub_broker::{Inbound, Inbox, LogBounds, Publication, Topic};
use mesahub_test_servers::{Authority, Certificate, RedisCluster, RedisOptions, RedisServer};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// The backplane of these keys below `RealTimeConfiguration`.
fn configured(keys: &[(&str, &str)]) -> Backplane {
    let set = |(key, value): &(&str, &str)| {
        let key = format!("RealTimeConfiguration:{key}");
        (key, (*value).to_owned())
    };
    let sources = Sources {
        overrides: keys.iter().map(set).collect(),
        environment_name: Some("Development".to_owned()),
        ..Sources::default()
    };
    load(&sources).unwrap().settings.backplane().unwrap()
}

/// Opens it, and has a message come back.
async fn carries(keys: &[(&str, &str)]) {
    let (inbox, mut shards) = Inbox::new(1, 16);
    let backplane = configured(keys);
    let broker = open(&backplane, LogBounds::default(), inbox).await.unwrap();
    let topic = Topic::new("tenant:mesa:admins").unwrap();
    broker
        .subscribe(std::slice::from_ref(&topic))
        .await
        .unwrap();
    let published = broker.publish(vec![Publication::new(topic, "hello").logged()]);
    published.await.pop().unwrap().unwrap();
    let inbound = timeout(PATIENCE, shards[0].recv()).await.unwrap();
    match inbound {
        Some(Inbound::Delivery(delivery)) => assert_eq!(delivery.payload, "hello"),
        other => panic!("expected a delivery, not {other:?}"),
    }
    broker.close().await;
}

async fn refusal(keys: &[(&str, &str)]) -> OpenError {
    let (inbox, _shards) = Inbox::new(1, 16);
    let opened = open(&configured(keys), LogBounds::default(), inbox).await;
    opened.err().expect("it is refused")
}

/// A Redis that speaks TLS only and wants a password, and the file with its authority.
async fn guarded(folder: &Path) -> (RedisServer, String) {
    let authority = Authority::new().unwrap();
    let certificate: Certificate = authority.issue(folder).unwrap();
    let file = folder.join("trusted.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let server = RedisServer::start(RedisOptions {
        arguments: vec!["--requirepass".to_owned(), "t0ken".to_owned()],
        certificate: Some(certificate),
        ..RedisOptions::default()
    });
    (server.await.unwrap(), file.display().to_string())
}

#[tokio::test]
async fn local_and_redis_reach_the_host_and_port_of_their_keys() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let port = server.port().to_string();
    for provider in ["Local", "Redis"] {
        carries(&[
            ("Provider", provider),
            ("ProviderSpecific:Local:Host", "127.0.0.1"),
            ("ProviderSpecific:Local:Port", &port),
        ])
        .await;
    }
    let clients = server.command(&["INFO", "commandstats"]).await.unwrap();
    assert!(clients.contains("cmdstat_publish"), "{clients}");
}

#[tokio::test]
async fn upstash_reaches_its_url_with_tls_and_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let (server, authorities) = guarded(folder.path()).await;
    let url = format!("rediss://localhost:{}", server.port());
    let keys = [
        ("Provider", "Upstash"),
        ("ProviderSpecific:Upstash:RedisUrl", &*url),
        ("ProviderSpecific:Upstash:RestToken", "t0ken"),
        ("Redis:AuthoritiesFile", &*authorities),
    ];
    carries(&keys).await;
    let unknown = refusal(&keys[..3]).await;
    assert!(matches!(unknown, OpenError::Backend { .. }), "{unknown:?}");
}

#[tokio::test]
async fn a_connection_string_of_stack_exchange_reaches_tls_user_and_password() {
    let folder = tempfile::tempdir().unwrap();
    let (server, authorities) = guarded(folder.path()).await;
    let at = format!("localhost:{},ssl=True,abortConnect=False", server.port());
    let with = async |login: &str| {
        let address = format!("{at},{login}");
        let keys = [
            ("Provider", "Redis"),
            ("ConnectionString", &*address),
            ("Redis:AuthoritiesFile", &*authorities),
        ];
        match login.contains("wrong") {
            false => {
                carries(&keys).await;
                None
            }
            true => Some(refusal(&keys).await),
        }
    };
    assert!(with("password=t0ken").await.is_none());
    assert!(with("user=default,password=t0ken").await.is_none());
    let refused = with("password=wrong").await.unwrap();
    let cause = std::error::Error::source(&refused).unwrap();
    assert!(format!("{cause:?}").contains("WRONGPASS"), "{cause:?}");
    assert!(!format!("{refused} {refused:?}").contains("password=wrong"));
}

#[tokio::test]
async fn sentinels_and_a_cluster_are_reached_by_their_configuration() {
    let primary = RedisServer::start(RedisOptions::default()).await.unwrap();
    let sentinel = RedisServer::start(RedisOptions {
        sentinel: Some(format!(
            "sentinel monitor kitchen 127.0.0.1 {} 1\n",
            primary.port()
        )),
        ..RedisOptions::default()
    });
    let sentinel = sentinel.await.unwrap();
    let address = format!("127.0.0.1:{},serviceName=kitchen", sentinel.port());
    carries(&[("Provider", "Redis"), ("ConnectionString", &*address)]).await;

    let cluster = RedisCluster::start(3, 0).await.unwrap();
    let nodes = cluster.nodes().iter();
    let addresses: Vec<_> = nodes
        .map(|node| format!("127.0.0.1:{}", node.port()))
        .collect();
    let all = addresses.join(",");
    carries(&[("Provider", "Redis"), ("ConnectionString", &*all)]).await;
    carries(&[
        ("Provider", "Redis"),
        ("ConnectionString", &*addresses[1]),
        ("Redis:Deployment", "Cluster"),
    ])
    .await;
    let alone = [("Provider", "Redis"), ("ConnectionString", &*addresses[0])];
    let cause = format!("{:?}", refusal(&alone).await);
    assert!(cause.contains("IsCluster"), "{cause}");
}

#[tokio::test]
async fn a_file_of_authorities_that_is_not_there_is_named() {
    let refused = refusal(&[
        ("Provider", "Redis"),
        ("ConnectionString", "localhost:1,ssl=true"),
        ("Redis:AuthoritiesFile", "/nowhere/ca.pem"),
    ])
    .await;
    let text = refused.to_string();
    assert!(text.contains("/nowhere/ca.pem"), "{text}");
}
