//! When a message was made, as far as its id tells, and how long ago that is.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::hub::traffic::Traffic;

/// A message that is about to have been delivered.
pub(crate) struct Delivered {
    /// When it was made, in milliseconds of the calendar.
    pub(crate) made_at: u64,
    /// How many deliveries of it there are.
    pub(crate) count: u64,
    /// Where they are counted.
    pub(crate) traffic: Arc<Traffic>,
}

/// Counts deliveries that are done now.
pub(crate) fn record(all: Vec<Delivered>) {
    if all.is_empty() {
        return;
    }
    let now = now();
    for one in all {
        let took = Duration::from_millis(now.saturating_sub(one.made_at));
        one.traffic.lag.record_many(took, one.count);
    }
}

/// The moment in an id, in milliseconds of the calendar, if it is a UUID of version 7.
pub(crate) fn made_at(id: &[u8; 16]) -> Option<u64> {
    let moment = id[..6]
        .iter()
        .fold(0, |so_far, byte| so_far << 8 | u64::from(*byte));
    (id[6] >> 4 == 7).then_some(moment)
}

/// How long ago the moment in an id was; `None` where the id has none.
pub(crate) fn age(id: &[u8; 16]) -> Option<Duration> {
    made_at(id).map(|moment| Duration::from_millis(now().saturating_sub(moment)))
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{made_at, now};

    #[test]
    fn an_id_of_version_7_tells_when_it_was_made_and_no_other_does() {
        let before = now();
        let id = Uuid::now_v7();
        let moment = made_at(id.as_bytes()).expect("it has a moment");
        assert!((before..=now()).contains(&moment), "{moment}");
        assert_eq!(made_at(Uuid::new_v4().as_bytes()), None);
    }
}
