//! Proofs that what a backplane has missed is made up for, or that its members are told.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use mesahub_broker::{BrokerError, LogBounds};
use mesahub_memory::{MemoryConfig, MemoryNetwork};
use serde_json::json;

use crate::hub::loss::{self, LOST, LostReason};
use crate::hub::outbox::Overflow;
use crate::hub::resumption::PATIENCE;
use crate::hub::trail::Trail;
use crate::notification::testing::{
    Client, ORDER, SESSION, Stage, admin, customer, event, staff, status_event, table_event,
};
use crate::notification::{Event, NotificationService};

const ADMINS: &str = "tenant:pizza:admins";

/// Two nodes: clients are on the first, and what is published comes from the second.
struct Pair {
    here: Stage,
    there: Stage,
}

impl Pair {
    fn new() -> Self {
        Self::with(MemoryConfig::default())
    }

    fn with(config: MemoryConfig) -> Self {
        let network = MemoryNetwork::new(config);
        Self {
            here: Stage::on(&network),
            there: Stage::on(&network),
        }
    }

    async fn publish(&self, event: Event) -> String {
        self.there.direct().notify(event).await.unwrap().to_string()
    }

    async fn tables(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(self.publish(table_event(true)).await);
        }
        ids
    }
}

async fn ids(client: &Client, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let (target, notification) = client.next().await;
        let id = notification["id"].as_str();
        ids.push(
            id.unwrap_or_else(|| panic!("{target} {notification}"))
                .to_owned(),
        );
    }
    ids
}

#[tokio::test(start_paused = true)]
async fn what_a_gap_swallowed_reaches_every_member_once_and_in_order() {
    let pair = Pair::new();
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    let cook = pair.here.connect(staff("pizza")).await.unwrap();
    let mut all = pair.tables(2).await;
    pair.here.broker.fall_silent().await;
    all.extend(pair.tables(300).await);
    pair.here.broker.come_back().await;
    all.extend(pair.tables(3).await);
    for client in [&boss, &cook] {
        assert_eq!(ids(client, all.len()).await, all);
    }
    let last = pair.publish(table_event(false)).await;
    for client in [&boss, &cook] {
        assert_eq!(
            ids(client, 1).await,
            [&*last],
            "nothing came twice before it"
        );
    }
    assert!(pair.here.hub.node().counters().mended.value() >= 300);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_has_received_nothing_yet_is_given_what_followed_its_join() {
    let pair = Pair::new();
    pair.tables(3).await;
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    pair.here.broker.fall_silent().await;
    let missed = pair.tables(2).await;
    pair.here.broker.come_back().await;
    assert_eq!(ids(&boss, 2).await, missed);
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_in_one_channel_and_came_by_another_does_not_come_again() {
    let pair = Pair::new();
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    boss.invoke("JoinOrderChannel", json!([ORDER]))
        .await
        .unwrap();
    boss.invoke("JoinAdminChannel", json!(["orders"]))
        .await
        .unwrap();
    pair.here.broker.fall_silent().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(pair.publish(status_event("Ready")).await);
    }
    pair.here.broker.come_back().await;
    all.push(pair.publish(status_event("Served")).await);
    assert_eq!(ids(&boss, 6).await, all);
    let last = pair.publish(table_event(true)).await;
    assert_eq!(ids(&boss, 1).await, [last]);
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_the_log_cannot_close_is_told_and_then_all_goes_on() {
    let pair = Pair::with(MemoryConfig {
        log: LogBounds {
            max_count: 4,
            ..LogBounds::default()
        },
    });
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    let first = pair.publish(table_event(true)).await;
    assert_eq!(ids(&boss, 1).await, [first]);
    pair.here.broker.fall_silent().await;
    pair.tables(6).await;
    pair.here.broker.come_back().await;
    let (target, lost) = boss.next().await;
    let expected = json!({"channel": ADMINS, "reason": "unknownPosition"});
    assert_eq!((&*target, lost), (LOST, expected));
    let next = pair.publish(table_event(false)).await;
    assert_eq!(ids(&boss, 1).await, [next]);
    assert_eq!(pair.here.hub.node().counters().lost.value(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_comes_behind_a_gap_that_cannot_be_closed_is_not_lost_with_it() {
    let pair = Pair::with(MemoryConfig {
        log: LogBounds {
            max_count: 4,
            ..LogBounds::default()
        },
    });
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    let first = pair.publish(table_event(true)).await;
    assert_eq!(ids(&boss, 1).await, [first]);
    pair.here.broker.fall_silent().await;
    pair.tables(6).await;
    let away = BrokerError::unavailable("away");
    pair.here.broker.refuse_logs(Some(away));
    pair.here.broker.come_back().await;
    let mut behind = pair.tables(2).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    pair.here.broker.refuse_logs(None);
    assert_eq!(boss.next().await.0, LOST);
    behind.extend(pair.tables(1).await);
    assert_eq!(ids(&boss, 3).await, behind);
}

#[tokio::test(start_paused = true)]
async fn what_comes_behind_a_gap_is_read_also_where_it_is_not_known_what_came_before() {
    let pair = Pair::new();
    let away = || Some(BrokerError::unavailable("away"));
    pair.here.broker.refuse_logs(away());
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    pair.here.broker.fall_silent().await;
    pair.tables(1).await;
    pair.here.broker.come_back().await;
    let mut behind = pair.tables(2).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    pair.here.broker.refuse_logs(None);
    let (target, lost) = boss.next().await;
    assert_eq!((&*target, &lost["reason"]), (LOST, &json!("unavailable")));
    behind.extend(pair.tables(1).await);
    assert_eq!(ids(&boss, 3).await, behind);
}

#[tokio::test(start_paused = true)]
async fn what_the_log_has_dropped_behind_a_gap_is_told_as_well() {
    let pair = Pair::with(MemoryConfig {
        log: LogBounds {
            max_count: 4,
            ..LogBounds::default()
        },
    });
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    let first = pair.publish(table_event(true)).await;
    assert_eq!(ids(&boss, 1).await, [first]);
    pair.here.broker.fall_silent().await;
    pair.tables(6).await;
    let away = BrokerError::unavailable("away");
    pair.here.broker.refuse_logs(Some(away));
    pair.here.broker.come_back().await;
    pair.tables(6).await;
    pair.here.broker.refuse_logs(None);
    for _ in 0..2 {
        assert_eq!(boss.next().await.0, LOST);
    }
    let next = pair.publish(table_event(false)).await;
    assert_eq!(ids(&boss, 1).await, [next]);
}

#[tokio::test(start_paused = true)]
async fn gaps_that_follow_each_other_cast_no_doubt_on_a_log_that_has_everything() {
    let pair = Pair::new();
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    let mut all = pair.tables(1).await;
    pair.here.broker.fall_silent().await;
    all.extend(pair.tables(2).await);
    pair.here.broker.tear_readers(10);
    pair.here.broker.come_back().await;
    assert_eq!(ids(&boss, 3).await, all);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let next = pair.publish(table_event(false)).await;
    assert_eq!(ids(&boss, 1).await, [next]);
    assert_eq!(pair.here.hub.node().counters().lost.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_comes_behind_a_loss_overtakes_the_word_of_it() {
    let pair = Pair::new();
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    let membership = pair.here.hub.node().membership();
    let topic = pair.here.hub.topics().group(ADMINS).unwrap();
    let mender = u64::MAX;
    let give_up = |trail: &mut Trail| {
        trail.begin_mending(mender);
        trail.give_up(mender, None)
    };
    membership.trail(&topic, give_up);
    let next = pair.publish(table_event(true)).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let told = loss::told(&topic, LostReason::Unavailable);
    boss.connection.send_encoded(&told, &Overflow::Close);
    membership.trail(&topic, Trail::end_telling);
    assert_eq!(boss.next().await.0, LOST);
    assert_eq!(ids(&boss, 1).await, [next]);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_known_the_end_of_a_log_is_believed_only_after_a_while_without_a_gap() {
    let pair = Pair::new();
    let away = BrokerError::unavailable("away");
    pair.here.broker.refuse_logs(Some(away));
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    pair.here.broker.refuse_logs(None);
    pair.here.broker.fall_silent().await;
    pair.tables(1).await;
    pair.here.broker.log_is_read().await;
    pair.here.broker.log_is_read().await;
    pair.here.broker.come_back().await;
    assert_eq!(boss.next().await.0, LOST);
    let next = pair.publish(table_event(false)).await;
    assert_eq!(ids(&boss, 1).await, [next]);
}

#[tokio::test(start_paused = true)]
async fn who_is_held_back_and_does_not_resume_is_told_when_nothing_can_be_said() {
    let stage = Stage::new();
    let away = BrokerError::unavailable("away");
    stage.broker.refuse_logs(Some(away));
    let boss = stage.connect_resuming(admin("pizza")).await;
    let service = stage.direct();
    service.notify(table_event(true)).await.unwrap();
    tokio::time::sleep(PATIENCE).await;
    assert_eq!(boss.next().await.0, LOST);
    let next = service.notify(table_event(false)).await.unwrap();
    assert_eq!(ids(&boss, 1).await, [next.to_string()]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_a_client_is_answered_that_something_is_lost_is_given_behind_it() {
    let stage = Stage::new();
    let boss = stage.connect(admin("pizza")).await.unwrap();
    let places = json!([{ ADMINS: "nowhere" }]);
    let answer = boss.call("Resume", places).await;
    let service = stage.direct();
    let meanwhile = service.notify(table_event(true)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(answer.kept);
    assert_eq!(ids(&boss, 1).await, [meanwhile.to_string()]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_stays_away_is_told_and_one_that_comes_back_is_waited_for() {
    let pair = Pair::new();
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    for comes_back in [true, false] {
        pair.here.broker.fall_silent().await;
        let missed = pair.tables(1).await;
        let away = BrokerError::unavailable("away");
        pair.here.broker.refuse_logs(Some(away));
        pair.here.broker.come_back().await;
        if comes_back {
            tokio::time::advance(Duration::from_secs(1)).await;
            pair.here.broker.refuse_logs(None);
            assert_eq!(ids(&boss, 1).await, missed);
        } else {
            let (target, lost) = boss.next().await;
            assert_eq!((&*target, &lost["reason"]), (LOST, &json!("unavailable")));
        }
    }
    let next = pair.publish(table_event(false)).await;
    assert_eq!(ids(&boss, 1).await, [next], "what comes later needs no log");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_falls_silent_is_found_and_made_up_for() {
    let pair = Pair::new();
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    let mut all = pair.tables(1).await;
    pair.here.broker.fall_silent().await;
    all.extend(pair.tables(2).await);
    assert_eq!(ids(&boss, 3).await, all, "the inspection finds them");
    let next = pair.publish(table_event(false)).await;
    assert_eq!(ids(&boss, 1).await, [next], "it delivers again");
    assert!(pair.here.hub.node().counters().silent.value() >= 1);
    assert_eq!(pair.here.hub.node().counters().lost.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_topic_whose_log_has_forgotten_everything_has_lost_nothing() {
    let pair = Pair::with(MemoryConfig {
        log: LogBounds {
            max_age: Duration::from_secs(120),
            ..LogBounds::default()
        },
    });
    let boss = pair.here.connect(admin("pizza")).await.unwrap();
    let guest = pair.here.connect(customer("pizza", SESSION)).await.unwrap();
    let first = pair.publish(table_event(true)).await;
    assert_eq!(ids(&boss, 1).await, [first]);
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    pair.here.broker.come_back().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let next = pair.publish(table_event(false)).await;
    assert_eq!(ids(&boss, 1).await, [next]);
    let cart = json!({"type": "CartUpdated", "sessionId": SESSION, "cart": {}});
    let cart = pair.publish(event(cart)).await;
    assert_eq!(ids(&guest, 1).await, [cart]);
    let counters = pair.here.hub.node().counters();
    assert_eq!((counters.lost.value(), counters.silent.value()), (0, 0));
}
