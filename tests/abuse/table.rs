//! The table, and going through it.

use crate::attempt::Attempt;
use crate::honest::Honest;
use crate::house::House;
use crate::rows;

/// Rows about one thing, against this house.
type Rows = fn(&House) -> Vec<Attempt>;

const TABLE: [(&str, Rows); 8] = [
    ("algorithms", rows::algorithms::rows),
    ("claims", rows::claims::rows),
    ("forgeries", rows::forgeries::rows),
    ("headers", rows::headers::rows),
    ("rights", rows::rights::rows),
    ("shapes", rows::shapes::rows),
    ("times and places", rows::times::rows),
    ("ways in", rows::doors::rows),
];

/// Fewer are no table.
const FEWEST: usize = 150;

#[tokio::test]
async fn every_attempt_is_refused_and_the_honest_notice_nothing() {
    let house = House::open().await;
    let mut honest = Honest::connect(&house).await;
    let mut count = 0;
    for (name, rows) in TABLE {
        let attempts = rows(&house);
        for attempt in &attempts {
            attempt.is_refused(&house).await;
            honest.are_served(&house, &attempt.name).await;
        }
        eprintln!("{name}: {} attempts", attempts.len());
        count += attempts.len();
    }
    eprintln!("{count} attempts, each refused as expected");
    assert!(count >= FEWEST, "{count} attempts");
    let strangers = house.stranger.asked();
    assert_eq!(strangers, 0, "a token had the server fetch something");
}
