//! What the notification service does with a journal.

use std::time::Duration;

use mesahub::notification::{
    Backlog, JournalOptions, NotificationOptions, NotifyError, PublishOptions,
};

use crate::gate::Mood;
use crate::node::{ROOMY, Stage};

fn keyed(key: &str) -> PublishOptions {
    PublishOptions {
        idempotency_key: Some(key.parse().unwrap()),
        ..PublishOptions::default()
    }
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("t{number}")).collect()
}

#[tokio::test]
async fn what_was_accepted_while_the_broker_was_away_is_published_after_a_restart_in_order() {
    let stage = Stage::new();
    let mut ear = stage.ear().await;
    let first = stage.publisher(Mood::IsAway, ROOMY);
    let tables = numbered(250);
    let answers = first
        .publish_all(tables.iter().map(String::as_str), PublishOptions::default())
        .await;
    assert!(answers.iter().all(Result::is_ok));
    assert!(!first.close(Duration::ZERO).await, "nothing was published");

    let second = stage.publisher(Mood::Takes, ROOMY);
    second.publish("new").await;
    assert_eq!(ear.hears(250).await, tables);
    assert_eq!(ear.next().await, "new");
    second.service.flush().await;
    assert!(second.close(Duration::from_secs(60)).await);
    let third = stage.publisher(Mood::Takes, ROOMY);
    third.publish("last").await;
    assert_eq!(ear.next().await, "last", "nothing is published again");
}

#[tokio::test]
async fn what_memory_has_no_room_for_is_read_back_from_the_journal_in_order() {
    let stage = Stage::new();
    let mut ear = stage.ear().await;
    let narrow = NotificationOptions {
        queue_capacity: 3,
        batch_size: 7,
        ..NotificationOptions::default()
    };
    let publisher = stage.publisher_with(Mood::Waits, ROOMY, narrow);
    let tables = numbered(100);
    for table in &tables {
        publisher.publish(table).await;
    }
    publisher.gate.is(Mood::Takes);
    publisher.gate.let_through(1);
    publisher.publish("then").await;
    assert_eq!(ear.hears(100).await, tables);
    assert_eq!(ear.next().await, "then");
    let batches = publisher.gate.batches();
    assert!(batches.iter().all(|size| *size <= 2 * 7), "{batches:?}");
}

#[tokio::test]
async fn a_full_journal_refuses_says_so_and_takes_more_when_there_is_room() {
    let stage = Stage::new();
    let mut ear = stage.ear().await;
    let narrow = JournalOptions {
        max_count: 3,
        ..ROOMY
    };
    let publisher = stage.publisher(Mood::IsAway, narrow);
    let answers = publisher
        .publish_all(["a", "b", "c", "d", "e"], PublishOptions::default())
        .await;
    assert!(answers[..3].iter().all(Result::is_ok));
    for refused in &answers[3..] {
        assert!(matches!(refused, Err(error @ NotifyError::Overloaded) if error.is_retryable()));
    }
    assert_eq!(publisher.service.trouble().unwrap(), "the journal is full");
    publisher.gate.is(Mood::Takes);
    assert_eq!(ear.hears(3).await, ["a", "b", "c"]);
    publisher.service.flush().await;
    // Room is made with the next write, or soon.
    crate::node::within("room", async {
        while publisher.service.trouble().is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    publisher.publish("d").await;
    assert_eq!(ear.next().await, "d");
}

#[tokio::test]
async fn a_key_is_remembered_over_a_restart() {
    let stage = Stage::new();
    let mut ear = stage.ear().await;
    let first = stage.publisher(Mood::Takes, ROOMY);
    let ids = first.publish_all(["a", "b"], keyed("k")).await;
    let ids: Vec<_> = ids.into_iter().map(Result::unwrap).collect();
    first.close(Duration::from_secs(60)).await;

    let second = stage.publisher(Mood::Takes, ROOMY);
    let again = second.publish_all(["a", "b", "c"], keyed("k")).await;
    let again: Vec<_> = again.into_iter().map(Result::unwrap).collect();
    assert_eq!(again[..2], ids);
    let other = second.publish_all(["x"], keyed("k")).await;
    assert!(matches!(other[0], Err(NotifyError::KeyReused)));
    assert_eq!(ear.hears(3).await, ["a", "b", "c"]);
    assert_eq!(second.service.counters().repeated.value(), 2);
}

#[tokio::test]
async fn one_key_used_by_many_at_once_is_taken_by_one_of_them() {
    let stage = Stage::new();
    let mut ear = stage.ear().await;
    let publisher = stage.publisher(Mood::Takes, ROOMY);
    let calls = (0..20).map(|_| publisher.publish_all(["a"], keyed("k")));
    let answers = futures_util::future::join_all(calls).await;
    let id = answers[0][0].as_ref().unwrap();
    assert!(
        answers
            .iter()
            .all(|answer| answer[0].as_ref().unwrap() == id)
    );
    publisher.publish("end").await;
    assert_eq!(ear.hears(2).await, ["a", "end"]);
}

#[tokio::test]
async fn what_is_refused_for_good_is_a_dead_letter_that_outlives_the_process() {
    let stage = Stage::new();
    let mut ear = stage.ear().await;
    let first = stage.publisher(Mood::Refuses, ROOMY);
    let (lost, dropped) = (first.publish("lost").await, first.publish("dropped").await);
    first.service.flush().await;
    first.gate.is(Mood::Takes);
    first.publish("good").await;
    assert_eq!(ear.next().await, "good");
    first.close(Duration::from_secs(60)).await;

    let second = stage.publisher(Mood::Takes, ROOMY);
    let service = &second.service;
    let dead = service.dead_letters(None, 9).await.unwrap();
    assert_eq!(dead.len(), 2);
    assert_eq!(dead[0].id.to_string(), lost);
    assert!(dead[0].reason.contains("no right"), "{dead:?}");
    assert_eq!(dead[0].topics.len(), 2);
    assert!(service.revive(dead[0].id).await.unwrap());
    assert_eq!(ear.next().await, "lost");
    assert_eq!(dead[1].id.to_string(), dropped);
    assert!(service.discard(dead[1].id).await.unwrap());
    assert!(!service.revive(dead[1].id).await.unwrap());
    assert!(service.dead_letters(None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_outage_that_outlasts_the_attempts_is_waited_for() {
    let stage = Stage::new();
    let mut ear = stage.ear().await;
    let impatient = NotificationOptions {
        retry_attempts: 0,
        retry_delay: Duration::from_millis(1),
        flush_interval: Duration::from_millis(1),
        ..NotificationOptions::default()
    };
    let publisher = stage.publisher_with(Mood::IsAway, ROOMY, impatient);
    publisher.publish("a").await;
    crate::node::within("some attempts", async {
        while publisher.gate.batches().len() < 5 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    publisher.gate.is(Mood::Takes);
    assert_eq!(ear.next().await, "a");
    assert!(
        publisher
            .service
            .dead_letters(None, 9)
            .await
            .unwrap()
            .is_empty()
    );
}
