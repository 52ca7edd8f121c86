//! Who is let in, and what those who are not are told.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use mesahub_amqp::{Address, AmqpConfig, Login, Tls};
use mesahub_broker::Broker;
use mesahub_test_servers::{Authority, RabbitOptions, RabbitServer};
use support::{
    config, delivery, item, one_shard, publish_when_back, quick, refusal, server, told, topic,
};

fn login(user: &str, password: &str) -> Login {
    Login {
        user: user.to_owned(),
        password: password.to_owned(),
    }
}

#[tokio::test]
async fn a_wrong_password_is_named_and_not_shown() {
    let server = server().await;
    let login = login("guest", "hunter2");
    let error = refusal(AmqpConfig {
        login: login.clone(),
        ..quick(&server, "password")
    })
    .await;
    assert!(!error.is_retryable());
    let text = format!("{} {error:?} {login:?}", told(&error));
    let advice = "does not accept the user or the password";
    assert!(text.contains(advice), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_virtual_host_that_is_not_there_is_named() {
    let server = server().await;
    let error = refusal(AmqpConfig {
        virtual_host: "kitchen".to_owned(),
        ..quick(&server, "host")
    })
    .await;
    assert!(!error.is_retryable(), "{error:?}");
    let text = told(&error);
    assert!(
        text.contains("virtual host") && text.contains("kitchen"),
        "{text}"
    );
    server.control(&["add_vhost", "kitchen"]).await.unwrap();
    let grant = [
        "set_permissions",
        "-p",
        "kitchen",
        "guest",
        ".*",
        ".*",
        ".*",
    ];
    server.control(&grant).await.unwrap();
    let (broker, mut shard) = one_shard(AmqpConfig {
        virtual_host: "kitchen".to_owned(),
        ..quick(&server, "host")
    })
    .await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    publish_when_back(&broker, item("a", "soup")).await;
    assert_eq!(delivery(&mut shard).await.payload, "soup");
}

#[tokio::test]
async fn a_user_without_a_right_is_told_which_one_is_missing() {
    let server = server().await;
    server.control(&["add_user", "anna", "pass"]).await.unwrap();
    let anna = || AmqpConfig {
        login: login("anna", "pass"),
        ..quick(&server, "rights")
    };
    let stranger = told(&refusal(anna()).await);
    assert!(stranger.contains("virtual host"), "{stranger}");
    let grant = ["set_permissions", "anna", "^none$", ".*", ".*"];
    server.control(&grant).await.unwrap();
    let error = refusal(anna()).await;
    assert!(!error.is_retryable(), "{error:?}");
    let text = told(&error);
    assert!(
        text.contains("lacks a right") && text.contains("rights"),
        "{text}"
    );
    let grant = [
        "set_permissions",
        "anna",
        "^rights",
        "^rights|^amq.default$",
        "^rights",
    ];
    server.control(&grant).await.unwrap();
    let (broker, _shard) = one_shard(anna()).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    assert_eq!(broker.subscriber_count(&topic("a")).await.unwrap(), 1);
}

#[tokio::test]
async fn no_server_at_all_is_told_with_its_address() {
    let nobody = AmqpConfig::new(vec![Address::new("127.0.0.1", 1)]);
    let error = refusal(nobody).await;
    assert!(error.is_retryable(), "{error:?}");
    assert!(told(&error).contains("127.0.0.1:1"), "{}", told(&error));
    assert!(!refusal(AmqpConfig::new(Vec::new())).await.is_retryable());
}

#[tokio::test]
async fn tls_is_spoken_with_a_known_authority_and_refused_with_an_unknown_one() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let server = RabbitServer::start(RabbitOptions {
        certificate: Some(authority.issue(folder.path()).unwrap()),
        ..RabbitOptions::default()
    })
    .await
    .unwrap();
    let tls = |authority: &Authority| {
        let authorities = Some(authority.pem().to_owned());
        AmqpConfig {
            tls: Some(Tls { authorities }),
            addresses: vec![Address::new("localhost", server.port())],
            ..config(&server)
        }
    };
    let (broker, mut shard) = one_shard(tls(&authority)).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    publish_when_back(&broker, item("a", "secret")).await;
    assert_eq!(delivery(&mut shard).await.payload, "secret");

    let error = refusal(tls(&Authority::new().unwrap())).await;
    assert!(!error.is_retryable(), "{error:?}");
    assert!(told(&error).contains("not trusted"), "{}", told(&error));
    let plain = refusal(AmqpConfig {
        tls: None,
        connect_timeout: Duration::from_secs(2),
        ..tls(&authority)
    });
    assert!(plain.await.is_retryable());
}
