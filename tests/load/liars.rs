//! Servers of every kind, and what is said of them.

use std::time::Duration;

use mesahub::load::{LoadError, run};
use mesahub_protocol::Protocol;

use crate::house::{Habit, House};
use crate::plan::{CLIENTS, in_one_channel, plan};

/// For runs in which something never comes.
const SHORT: Duration = Duration::from_secs(1);

/// For runs in which everything does.
const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_server_that_does_its_work_is_good_in_both_protocols() {
    for protocol in Protocol::ALL {
        let house = House::open(Habit::Honest).await;
        let report = run(plan(&house, *protocol), &mut |_| {}).await.unwrap();
        let messages = &report.messages;
        assert!(report.good, "{report}");
        assert_eq!(report.protocol, protocol.name());
        assert!(messages.published >= 10, "{report}");
        // Two of three channels each.
        assert_eq!(messages.heard, messages.expected, "{report}");
        assert!(
            messages.expected >= messages.published * CLIENTS / 2,
            "{report}"
        );
        assert_eq!(report.latency.count, messages.heard);
        assert_eq!(report.connections.dropped, 0, "{report}");
        assert!(report.to_string().ends_with("\ngood"), "{report}");
    }
}

#[tokio::test]
async fn negotiation_can_be_left_out() {
    let house = House::open(Habit::Honest).await;
    let mut plan = plan(&house, Protocol::Json);
    plan.negotiate = false;
    let report = run(plan, &mut |_| {}).await.unwrap();
    assert!(report.good, "{report}");
}

#[tokio::test]
async fn a_message_that_is_swallowed_is_lost_to_each_member() {
    let house = House::open(Habit::Swallows).await;
    let report = in_one_channel(&house, SHORT).await;
    let lost = house.treated() * CLIENTS;
    assert!(lost > 0 && !report.good, "{report}");
    assert_eq!(report.messages.lost, lost, "{report}");
    assert_eq!(
        report.messages.heard + lost,
        report.messages.expected,
        "{report}"
    );
    let others = (
        report.messages.doubled,
        report.messages.reordered,
        report.messages.stray,
    );
    assert_eq!(others, (0, 0, 0), "{report}");
}

#[tokio::test]
async fn a_message_that_comes_twice_is_doubled() {
    let house = House::open(Habit::Repeats).await;
    let report = in_one_channel(&house, LONG).await;
    let doubled = house.treated() * CLIENTS;
    assert!(doubled > 0 && !report.good, "{report}");
    assert_eq!(report.messages.doubled, doubled, "{report}");
    assert_eq!(report.messages.heard, report.messages.expected, "{report}");
    assert_eq!(
        report.messages.lost + report.messages.reordered,
        0,
        "{report}"
    );
}

#[tokio::test]
async fn a_message_that_is_overtaken_is_reordered_and_not_lost() {
    let house = House::open(Habit::Delays).await;
    let report = in_one_channel(&house, SHORT).await;
    let messages = &report.messages;
    assert!(messages.reordered >= CLIENTS && !report.good, "{report}");
    // The last one may have had nothing behind it that it could follow.
    assert_eq!(
        messages.reordered + messages.lost,
        house.treated() * CLIENTS,
        "{report}"
    );
    assert!(
        messages.lost <= CLIENTS && messages.doubled == 0,
        "{report}"
    );
}

#[tokio::test]
async fn a_message_that_reaches_others_is_a_stray() {
    let house = House::open(Habit::Leaks).await;
    let report = run(plan(&house, Protocol::Json), &mut |_| {})
        .await
        .unwrap();
    // A third of the clients is not in the channel.
    let stray = house.treated() * CLIENTS / 3;
    assert!(stray > 0 && !report.good, "{report}");
    assert_eq!(report.messages.stray, stray, "{report}");
    assert_eq!(
        report.messages.lost + report.messages.doubled,
        0,
        "{report}"
    );
}

#[tokio::test]
async fn a_message_that_was_refused_is_lost_to_nobody_and_not_good() {
    let house = House::open(Habit::Refuses).await;
    let report = in_one_channel(&house, LONG).await;
    let messages = &report.messages;
    assert!(messages.refused > 0 && !report.good, "{report}");
    assert_eq!(messages.refused, house.treated(), "{report}");
    assert_eq!(messages.lost, 0, "{report}");
    assert_eq!(messages.heard, messages.published * CLIENTS, "{report}");
    let reasons: Vec<(&String, &u64)> = report.reasons.iter().collect();
    assert_eq!(reasons.len(), 1, "{report}");
    assert!(
        reasons[0].0.contains("Say failed") && reasons[0].0.contains("Not now."),
        "{report}"
    );
}

#[tokio::test]
async fn a_client_that_is_thrown_out_is_counted_and_comes_back() {
    let house = House::open(Habit::Hangs).await;
    let report = in_one_channel(&house, SHORT).await;
    assert_eq!(report.connections.dropped, house.treated(), "{report}");
    assert!(report.connections.dropped > 0, "{report}");
    assert_eq!(report.connections.failed, 0, "{report}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_of_with_the_reason() {
    let house = House::open(Habit::Honest).await;
    let mut plan = plan(&house, Protocol::Json);
    plan.hub = format!("http://{}/nowhere", house.address).parse().unwrap();
    plan.patience = SHORT;
    plan.duration = Duration::ZERO;
    let report = run(plan, &mut |_| {}).await.unwrap();
    assert!(!report.good, "{report}");
    assert_eq!(report.connections.failed, CLIENTS as usize, "{report}");
    let told = report
        .reasons
        .keys()
        .any(|reason| reason.contains("negotiation answered 404"));
    assert!(told, "{report}");
}

#[tokio::test]
async fn nothing_is_expected_of_clients_that_were_never_there() {
    let house = House::open(Habit::Honest).await;
    let mut plan = plan(&house, Protocol::Json);
    plan.channels.count = 1;
    plan.channels.per_connection = 1;
    // Every second one is not let in.
    plan.tokens = vec!["a\ttoken".to_owned(), "no\ntoken".to_owned()];
    plan.patience = SHORT;
    let report = run(plan, &mut |_| {}).await.unwrap();
    let (messages, half) = (&report.messages, CLIENTS / 2);
    assert_eq!(report.connections.failed as u64, half, "{report}");
    assert_eq!(messages.expected, messages.published * half, "{report}");
    assert_eq!(
        (messages.heard, messages.lost),
        (messages.expected, 0),
        "{report}"
    );
    assert!(!report.good, "{report}");
}

#[tokio::test]
async fn a_plan_that_cannot_be_is_refused() {
    let house = House::open(Habit::Honest).await;
    let mut plan = plan(&house, Protocol::Json);
    plan.channels.per_connection = 4;
    let error = run(plan, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, LoadError::Plan(_)), "{error}");
}
