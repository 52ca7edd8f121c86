//! All connections cut at once.

use std::time::Duration;

use mesahub::load::run;
use mesahub_protocol::Protocol;
use tokio::time::timeout;

use crate::house::{Habit, House};
use crate::plan::plan;

#[tokio::test]
async fn after_a_storm_everybody_is_back_and_hears_everything() {
    let house = House::open(Habit::Honest).await;
    let mut plan = plan(&house, Protocol::MessagePack);
    plan.connections = 200;
    plan.storm = true;
    let report = run(plan, &mut |_| {}).await.unwrap();
    assert!(report.good, "{report}");
    let storm = report.storm.as_ref().unwrap();
    assert_eq!((storm.back, storm.absence.count), (200, 200), "{report}");
    assert!(storm.seconds > 0.0, "{report}");
    // Cut on purpose, and not by the server.
    assert_eq!(report.connections.dropped, 0, "{report}");
    assert_eq!(report.messages.heard, report.messages.expected, "{report}");
}

#[tokio::test]
async fn nobody_is_left_at_the_server_when_a_run_is_over() {
    let house = House::open(Habit::Honest).await;
    let mut plan = plan(&house, Protocol::Json);
    plan.duration = Duration::ZERO;
    let report = run(plan, &mut |_| {}).await.unwrap();
    assert!(report.good, "{report}");
    let emptied = async {
        while house.hub.connection_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), emptied).await.unwrap();
}
