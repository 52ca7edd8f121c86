//! A batch, cut into parts that go out one after the other.

use std::collections::HashSet;

use mesahub_broker::{Publication, Topic};

/// Items of one part.
const MOST_ITEMS: usize = 256;

/// Payload bytes at which a part ends.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Cuts a batch so that each part may go out at once.
///
/// What is kept takes the way through the stream; what is not, and follows it on the same topic,
/// must not overtake it there, and so is in a later part. So is what comes with the topic and key of
/// something before it, since a stream with several copies refuses what it cannot yet tell to be a
/// duplicate.
pub(crate) fn parts(
    batch: &[Publication],
    keeps_logs: bool,
) -> impl Iterator<Item = &[Publication]> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        let length = first_part(rest, keeps_logs);
        let (part, later) = rest.split_at(length);
        rest = later;
        (!part.is_empty()).then_some(part)
    })
}

fn first_part(batch: &[Publication], keeps_logs: bool) -> usize {
    let mut kept: HashSet<&Topic> = HashSet::new();
    let mut keys = HashSet::new();
    let mut bytes = 0;
    for (place, one) in batch.iter().enumerate() {
        let is_kept = one.log && keeps_logs;
        let would_overtake = !is_kept && kept.contains(&one.topic);
        let key = one.once.filter(|_| is_kept).map(|key| (&one.topic, key));
        let is_repeated = key.is_some_and(|key| keys.contains(&key));
        if would_overtake || is_repeated || place == MOST_ITEMS || bytes > MOST_BYTES {
            return place;
        }
        if is_kept {
            kept.insert(&one.topic);
            keys.extend(key);
        }
        bytes += one.payload.len();
    }
    batch.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::{OnceKey, Publication, Topic};

    use super::parts;

    fn lengths(batch: &[Publication], keeps_logs: bool) -> Vec<usize> {
        parts(batch, keeps_logs).map(<[_]>::len).collect()
    }

    fn item(topic: &str, log: bool) -> Publication {
        let item = Publication::new(Topic::new(topic).unwrap(), "x");
        if log { item.logged() } else { item }
    }

    #[test]
    fn what_is_not_kept_waits_for_what_is_kept_of_its_topic() {
        let batch = [
            item("a", false),
            item("a", true),
            item("b", false),
            item("a", false),
            item("b", true),
            item("b", true),
        ];
        assert_eq!(lengths(&batch, true), [3, 3]);
        assert_eq!(lengths(&batch, false), [6]);
    }

    #[test]
    fn what_repeats_a_key_waits_for_the_first() {
        let keyed = |topic, key| item(topic, true).once(OnceKey::new([key; 16]));
        let live = item("live", false).once(OnceKey::new([1; 16]));
        let batch = [
            keyed("a", 1),
            keyed("b", 1),
            keyed("a", 2),
            live.clone(),
            live,
            keyed("a", 1),
            keyed("a", 3),
        ];
        assert_eq!(lengths(&batch, true), [5, 2]);
        assert_eq!(lengths(&batch, false), [7]);
    }

    #[test]
    fn a_part_is_bounded_in_items_and_in_bytes() {
        let many = vec![item("a", true); 300];
        assert_eq!(lengths(&many, true), [256, 44]);
        let large = Publication::new(Topic::new("a").unwrap(), vec![0; 1024 * 1024]);
        assert_eq!(lengths(&vec![large; 7], true), [5, 2]);
        assert!(lengths(&[], true).is_empty());
    }
}
