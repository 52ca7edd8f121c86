//! What the backplane refuses for good, and what an operator does about it.

use std::process::Command;

use mesahub_test_servers::RedisServer;

use crate::crash::{journalled, listener};
use crate::node::{order, within};
use crate::process::{KEY, Mesahub};

/// What `mesahub dead-letters` prints, which must succeed.
fn dead_letters(mesahub: &Mesahub, words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_mesahub"))
        .arg("dead-letters")
        .args(words)
        .arg(format!("--server=http://{}", mesahub.asker().address))
        .arg(format!("--set=Mesahub:Authentication:SigningKey={KEY}"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_listed_and_arrives_when_it_is_replayed_or_is_dropped() {
    let redis = RedisServer::start(Default::default()).await.unwrap();
    let mut ear = listener(&redis).await;
    let mut mesahub = journalled(&redis).await;
    assert_eq!(dead_letters(&mesahub, &["list"]), "");

    redis
        .command(&["ACL", "SETUSER", "default", "-xadd"])
        .await
        .unwrap();
    let mut ids = Vec::new();
    for table in ["1", "2", "3"] {
        let answer = mesahub.publish(&order(table), None).await.unwrap();
        assert_eq!(answer.status, 202);
        ids.push(answer.body["id"].as_str().unwrap().to_owned());
    }
    let listed = within("dead letters", async {
        loop {
            let listed = dead_letters(&mesahub, &["list"]);
            if listed.lines().count() == ids.len() {
                return listed;
            }
        }
    })
    .await;
    for (line, id) in listed.lines().zip(&ids) {
        assert!(line.starts_with(id) && line.contains("NewOrder"), "{line}");
    }
    redis
        .command(&["ACL", "SETUSER", "default", "+xadd"])
        .await
        .unwrap();
    mesahub.restart().await;
    assert_eq!(dead_letters(&mesahub, &["list"]), listed);
    let dropped = dead_letters(&mesahub, &["drop", &ids[1]]);
    assert_eq!(dropped, format!("dropped {}\n", ids[1]));
    dead_letters(&mesahub, &["replay", "--all"]);
    assert_eq!(ear.hears(2).await, ["1", "3"]);
    assert_eq!(dead_letters(&mesahub, &["list"]), "");
}

#[test]
fn a_server_that_does_not_answer_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_mesahub"))
        .args(["dead-letters", "list", "--server=http://127.0.0.1:1"])
        .arg(format!("--set=Mesahub:Authentication:SigningKey={KEY}"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("127.0.0.1:1"), "{told}");
}
