//! A disk that has no room.

use std::time::Duration;

use mesahub_test_servers::RedisServer;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

use crate::crash::journalled;
use crate::node::{order, within};
use crate::process::Mesahub;

/// The program may make files of this size and no larger, or of any.
fn limit(process: &Mesahub, bytes: Option<u64>) {
    let pid = Pid::from_raw(process.id().try_into().unwrap());
    let new = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(pid, Resource::Fsize, new).unwrap();
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_refuses_says_so_and_heals() {
    let redis = RedisServer::start(Default::default()).await.unwrap();
    let mesahub = journalled(&redis).await;
    assert_eq!(
        mesahub.publish(&order("1"), None).await.unwrap().status,
        202
    );

    limit(&mesahub, Some(4_096));
    let refused = mesahub.publish(&order("2"), None).await.unwrap();
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.body["code"], "journal_unavailable");
    assert!(refused.retry_after.is_some());
    let health: Value = mesahub.asker().health().await;
    assert_eq!(health["status"], "Unhealthy");
    let why = health["description"].as_str().unwrap();
    assert!(why.contains("the journal"), "{why}");

    limit(&mesahub, None);
    // Nobody publishes meanwhile: whoever looks at health alone would keep publishers away for ever.
    within("health", async {
        while mesahub.asker().health().await["status"] != "Healthy" {
            tokio::time::timeout(Duration::ZERO, std::future::pending::<()>())
                .await
                .unwrap_err();
        }
    })
    .await;
    assert_eq!(
        mesahub.publish(&order("2"), None).await.unwrap().status,
        202
    );
}
