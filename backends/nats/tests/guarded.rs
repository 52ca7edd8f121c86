//! Servers that do not let everybody in: logins, rights, TLS.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use mesahub_broker::Broker;
use mesahub_nats::{Address, Login, NatsConfig, Tls};
use mesahub_test_servers::{Authority, NatsOptions};
use nkeys::KeyPair;
use support::{
    config, delivery, item, one_shard, open, publish_when_back, refusal, start, told, topic, with,
};

fn password(password: &str) -> Login {
    Login::User {
        name: "anna".to_owned(),
        password: password.to_owned(),
    }
}

#[tokio::test]
async fn a_wrong_login_is_named_and_not_shown() {
    let (known, other) = (KeyPair::new_user(), KeyPair::new_user());
    let [seed, other] = [&known, &other].map(|pair| pair.seed().unwrap());
    let by_key = format!(
        "authorization {{ users: [ {{ nkey: {} }} ] }}",
        known.public_key()
    );
    let guards = [
        (
            "authorization { user: anna, password: right }",
            password("right"),
            password("hunter2"),
        ),
        (
            "authorization { token: \"right\" }",
            Login::Token("right".to_owned()),
            Login::Token("hunter2".to_owned()),
        ),
        (
            &by_key,
            Login::NkeySeed(seed.clone()),
            Login::NkeySeed(other.clone()),
        ),
    ];
    for (guard, right, wrong) in guards {
        let server = start(with(guard)).await;
        for login in [Login::Nobody, wrong] {
            let error = refusal(NatsConfig {
                login,
                ..config(&server)
            })
            .await;
            assert!(!error.is_retryable(), "{error:?}");
            let text = format!("{} {error:?}", told(&error));
            assert!(text.contains("does not accept the login"), "{text}");
            assert!(
                !text.contains("hunter2") && !text.contains(&other),
                "{text}"
            );
        }
        let shown = format!("{right:?}");
        assert!(
            !shown.contains("right") && !shown.contains(&seed),
            "{shown}"
        );
        let (broker, _shards) = open(NatsConfig {
            login: right,
            ..config(&server)
        })
        .await;
        broker.health().await.unwrap();
    }
}

#[tokio::test]
async fn a_seed_or_a_file_that_cannot_be_used_is_told_before_the_server_is_asked_in_vain() {
    let server = start(NatsOptions::default()).await;
    let missing = std::path::PathBuf::from("no such file");
    for (login, expected) in [
        (
            Login::NkeySeed("hunter2".to_owned()),
            "the seed of the nkey",
        ),
        (Login::Credentials(missing), "no such file cannot be read"),
    ] {
        let error = refusal(NatsConfig {
            login,
            ..config(&server)
        })
        .await;
        assert!(!error.is_retryable());
        let text = told(&error);
        assert!(
            text.contains(expected) && !text.contains("hunter2"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn credentials_in_a_file_let_in_whom_the_operator_has_signed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anna.creds");
    let operator = support::Operator::new();
    let (token, seed) = operator.user();
    let text = format!(
        "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    );
    std::fs::write(&file, text).unwrap();
    let server = start(NatsOptions {
        without_jet_stream: true,
        ..with(&operator.configuration())
    })
    .await;
    let (broker, mut shard) = one_shard(NatsConfig {
        login: Login::Credentials(file.clone()),
        log: None,
        ..config(&server)
    })
    .await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    publish_when_back(&broker, item("a", "let in")).await;
    assert_eq!(delivery(&mut shard).await.payload, "let in");

    let (token, seed) = support::Operator::new().user();
    std::fs::write(
        &file,
        format!("---BEGIN---\n{token}\n---BEGIN---\n{seed}\n---END---\n"),
    )
    .unwrap();
    let error = refusal(NatsConfig {
        login: Login::Credentials(file),
        log: None,
        ..config(&server)
    })
    .await;
    assert!(!error.is_retryable(), "{error:?}");
    assert!(
        told(&error).contains("does not accept the login"),
        "{}",
        told(&error)
    );
}

#[tokio::test]
async fn a_user_without_a_right_is_told_which_one_is_missing() {
    let rights = "authorization { users: [ { user: anna, password: pass, permissions: {\n\
        publish: { allow: [\"mesahub.topic.allowed\", \"$JS.API.>\"] },\n\
        subscribe: { allow: [\"mesahub.topic.allowed\", \"_INBOX.>\"] } } } ] }";
    let server = start(with(rights)).await;
    let (broker, mut shard) = one_shard(NatsConfig {
        login: password("pass"),
        ..config(&server)
    })
    .await;
    let batch = vec![
        item("other", "1"),
        item("allowed", "2"),
        item("allowed", "3").logged(),
    ];
    let answers = broker.publish(batch).await;
    let subjects = ["mesahub.topic.other", "", "mesahub.log.allowed"];
    for (answer, subject) in answers.iter().zip(subjects) {
        match answer {
            Ok(_) => assert_eq!(subject, ""),
            Err(error) => {
                assert!(!error.is_retryable());
                let text = told(error);
                assert!(
                    text.contains("lacks a right") && text.contains(subject),
                    "{text}"
                );
            }
        }
    }
    let both = [topic("other"), topic("allowed")];
    let error = broker.subscribe(&both).await.unwrap_err();
    assert!(!error.is_retryable());
    assert!(
        told(&error).contains("mesahub.topic.other"),
        "{}",
        told(&error)
    );
    assert!(broker.subscriber_count(&topic("other")).await.is_err());
    broker.subscribe(&both[1..]).await.unwrap();
    publish_when_back(&broker, item("allowed", "4")).await;
    assert_eq!(delivery(&mut shard).await.payload, "4");
}

#[tokio::test]
async fn more_subscriptions_than_are_allowed_are_refused_and_the_others_stay() {
    let server = start(with("max_subscriptions: 3")).await;
    let (broker, mut shard) = one_shard(config(&server)).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    let many: Vec<_> = (0..5).map(|number| topic(&number.to_string())).collect();
    let error = broker.subscribe(&many).await.unwrap_err();
    assert!(!error.is_retryable());
    assert!(
        told(&error).contains("max_subscriptions"),
        "{}",
        told(&error)
    );
    publish_when_back(&broker, item("0", "taken back")).await;
    publish_when_back(&broker, item("a", "still here")).await;
    assert_eq!(delivery(&mut shard).await.payload, "still here");
}

#[tokio::test]
async fn tls_is_spoken_with_a_known_authority_and_refused_with_an_unknown_one() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let server = start(NatsOptions {
        certificate: Some(authority.issue(folder.path()).unwrap()),
        ..NatsOptions::default()
    })
    .await;
    let tls = |authority: &Authority, name: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, authority.pem()).unwrap();
        NatsConfig {
            tls: Some(Tls {
                authorities: Some(file),
            }),
            addresses: vec![Address::new("localhost", server.port())],
            ..config(&server)
        }
    };
    let known = tls(&authority, "known.pem");
    let (broker, mut shard) = one_shard(known.clone()).await;
    broker.subscribe(&[topic("a")]).await.unwrap();
    publish_when_back(&broker, item("a", "secret")).await;
    assert_eq!(delivery(&mut shard).await.payload, "secret");

    let error = refusal(tls(&Authority::new().unwrap(), "unknown.pem")).await;
    assert!(!error.is_retryable(), "{error:?}");
    let text = told(&error).to_lowercase();
    assert!(text.contains("certificate"), "{text}");

    let error = refusal(NatsConfig {
        tls: None,
        ..known.clone()
    })
    .await;
    assert!(!error.is_retryable(), "{error:?}");
    assert!(told(&error).contains("TLS only"), "{}", told(&error));

    let plain = start(NatsOptions::default()).await;
    let error = refusal(NatsConfig {
        addresses: vec![Address::new("localhost", plain.port())],
        connect_timeout: Duration::from_secs(20),
        ..known
    })
    .await;
    assert!(!error.is_retryable(), "{error:?}");
    assert!(
        told(&error).contains("does not offer TLS"),
        "{}",
        told(&error)
    );
}
