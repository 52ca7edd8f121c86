//! A tenant who publishes more than the broker takes, beside one who does not.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;

use crate::notification::testing::{ORDER, Stage, event};
use crate::notification::{Event, NotificationOptions, NotificationService, NotifyError};

const BATCH: usize = 10;

/// An event for one channel of a tenant.
fn table(tenant: &str) -> Event {
    event(
        json!({"type": "TableStatusChanged", "tenantKey": tenant, "tableId": ORDER,
        "isOccupied": true}),
    )
}

fn tables(tenant: &str, count: usize) -> Vec<Event> {
    (0..count).map(|_| table(tenant)).collect()
}

fn options(queue_capacity: usize) -> NotificationOptions {
    NotificationOptions {
        batch_size: BATCH,
        queue_capacity,
        ..NotificationOptions::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_tenant_waits_for_one_batch_of_a_noisy_one() {
    let stage = Stage::new();
    let service = stage.service(options(10_000));
    let topics = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&topics);
    stage.broker.judge(move |publication| {
        seen.lock().push(publication.topic.as_str().to_owned());
        None
    });
    stage.broker.hold();
    let noisy = service.publish(tables("noisy", 5_000)).await;
    assert!(noisy.iter().all(Result::is_ok));
    stage.broker.entered().await;
    let quiet = service.publish(tables("quiet", 3)).await;
    assert!(quiet.iter().all(Result::is_ok));
    stage.broker.release();
    service.flush().await;
    let topics = topics.lock();
    assert_eq!(topics.len(), 5_003);
    let places: Vec<_> = topics
        .iter()
        .enumerate()
        .filter(|(_, topic)| topic.contains("quiet"))
        .map(|(place, _)| place / BATCH)
        .collect();
    // The first batch was on its way already.
    assert_eq!(places, [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_noisy_tenant_that_fills_the_queue_is_refused_and_a_quiet_one_is_not() {
    let stage = Stage::new();
    let service = stage.service(options(640));
    stage.broker.hold();
    let noisy = service.publish(tables("noisy", 1)).await;
    stage.broker.entered().await;
    assert!(noisy[0].is_ok());
    let noisy = service.publish(tables("noisy", 1_000)).await;
    let accepted = noisy.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(accepted, 640);
    assert!(matches!(noisy[640], Err(NotifyError::Overloaded)));
    let quiet = service.publish(tables("quiet", 10)).await;
    assert!(quiet.iter().all(Result::is_ok), "{quiet:?}");
    let quiet = service.publish(tables("quiet", 1)).await;
    assert!(matches!(quiet[0], Err(NotifyError::Overloaded)));
    stage.broker.release();
    service.flush().await;
    assert_eq!(service.counters().published.value(), 651);
}
