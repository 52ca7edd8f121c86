//! The parts that a cluster's topics are shared out in.
//!
//! A cluster keeps each of its 16,384 slots on one primary, and a command may only name channels
//! and keys of one slot. With a slot for each topic, every subscription would be a command of its
//! own. So topics are shared out over a few fixed partitions, and everything of a partition
//! carries its tag, such as `{p17}`, by which Redis finds the slot.

use mesahub_broker::Topic;

/// How many there are: enough to spread evenly over the primaries of a large cluster, and so few
/// that ten thousand subscriptions take 128 commands. All nodes must agree on it.
const COUNT: u16 = 128;

/// Slots of a cluster.
const SLOTS: u16 = 16_384;

/// One of the partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Partition(u16);

impl Partition {
    /// The one that a topic is in.
    pub(crate) fn of(topic: &Topic) -> Self {
        Self(crc16(topic.as_str().as_bytes()) % COUNT)
    }

    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..COUNT).map(Self)
    }

    /// What the names of its channels and keys hold.
    pub(crate) fn tag(self) -> String {
        format!("{{p{}}}", self.0)
    }

    /// The slot of every name with its tag.
    pub(crate) fn slot(self) -> u16 {
        crc16(format!("p{}", self.0).as_bytes()) % SLOTS
    }
}

/// CRC-16/XMODEM, by which Redis finds the slot of a name.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use mesahub_broker::Topic;

    use super::{COUNT, Partition, SLOTS, crc16};

    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(crc16(b"foo") % SLOTS, 12_182);
        assert_eq!(crc16(b"") % SLOTS, 0);
    }

    #[test]
    fn topics_spread_over_all_partitions_and_partitions_over_slots() {
        let topic = |n| Topic::new(format!("tenant:t{n}:admins")).unwrap();
        let used: HashSet<_> = (0..5_000).map(|n| Partition::of(&topic(n))).collect();
        assert_eq!(used.len(), usize::from(COUNT));
        let slots: HashSet<_> = Partition::all().map(Partition::slot).collect();
        assert_eq!(slots.len(), usize::from(COUNT));
        for third in 0..3 {
            let of_third = |slot: &&u16| **slot / (SLOTS / 3 + 1) == third;
            let share = slots.iter().filter(of_third).count();
            assert!((30..=55).contains(&share), "{share} of {COUNT}");
        }
    }

    #[test]
    fn a_topic_stays_in_its_partition() {
        let of = |name: &str| Partition::of(&Topic::new(name).unwrap()).tag();
        assert_eq!(of("tenant:mesa:admins"), of("tenant:mesa:admins"));
        // Nodes of different versions share a cluster: this must never change.
        assert_eq!(of("123456789"), "{p67}");
    }
}
