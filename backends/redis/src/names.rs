//! The names of channels and keys.
//!
//! ```text
//!   {prefix}tenant:mesa:admins                  a channel
//!   {prefix}log:tenant:mesa:admins              the stream of its log, and so on
//!   {prefix}{p17}:tenant:mesa:admins            a sharded channel of a cluster
//!   {prefix}{p17}log:tenant:mesa:admins         the stream of its log there
//! ```

use std::collections::BTreeMap;

use bytes::Bytes;
use mesahub_broker::Topic;

use crate::config::{Deployment, Framing, RedisConfig};
use crate::partition::Partition;

/// Channels named in one command.
const PORTION: usize = 512;

/// The keys of a topic's log.
pub(crate) struct LogKeys {
    pub(crate) stream: String,
    pub(crate) facts: String,
    /// Shared by all logs of the server, in a cluster by those of the partition.
    pub(crate) epoch: String,
    /// The keys that it has taken.
    pub(crate) once: String,
}

impl RedisConfig {
    /// Whether channels and keys belong to partitions of a cluster.
    pub(crate) fn is_sharded(&self) -> bool {
        let is_cluster = matches!(self.deployment, Deployment::Cluster { .. });
        is_cluster && self.framing == Framing::Positioned
    }

    /// The channel of a topic.
    pub(crate) fn channel(&self, topic: &Topic) -> Bytes {
        let prefix = &self.prefix;
        Bytes::from(match self.is_sharded() {
            true => format!("{prefix}{}:{topic}", Partition::of(topic).tag()),
            false => format!("{prefix}{topic}"),
        })
    }

    /// The command that publishes on channels.
    pub(crate) fn publish_command(&self) -> &'static str {
        match self.is_sharded() {
            true => "SPUBLISH",
            false => "PUBLISH",
        }
    }

    /// The topic of a channel.
    pub(crate) fn topic(&self, channel: &[u8]) -> Option<Topic> {
        let name = std::str::from_utf8(channel).ok()?;
        let name = name.strip_prefix(&self.prefix)?;
        Topic::new(match self.is_sharded() {
            true => name.split_once("}:")?.1,
            false => name,
        })
        .ok()
    }

    /// The keys of a topic's log.
    pub(crate) fn log_keys(&self, topic: &Topic) -> LogKeys {
        let mut before = self.prefix.clone();
        if self.is_sharded() {
            before.push_str(&Partition::of(topic).tag());
        }
        LogKeys {
            stream: format!("{before}log:{topic}"),
            facts: format!("{before}log-facts:{topic}"),
            epoch: format!("{before}log-epoch"),
            once: format!("{before}log-once:{topic}"),
        }
    }

    /// The channels of topics, in portions that one command may name.
    pub(crate) fn portions<'t>(
        &self,
        topics: impl IntoIterator<Item = &'t Topic>,
    ) -> Vec<Vec<Bytes>> {
        let mut by_partition: BTreeMap<Option<Partition>, Vec<Bytes>> = BTreeMap::new();
        for topic in topics {
            let partition = self.is_sharded().then(|| Partition::of(topic));
            let channels = by_partition.entry(partition).or_default();
            channels.push(self.channel(topic));
        }
        let portions = by_partition.values().flat_map(|all| all.chunks(PORTION));
        portions.map(<[Bytes]>::to_vec).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::Topic;

    use super::PORTION;
    use crate::config::{Deployment, RedisConfig};

    fn configs() -> [RedisConfig; 2] {
        let cluster = Deployment::Cluster { addresses: vec![] };
        let single = Deployment::Single(crate::Address::new("h", 1));
        [single, cluster].map(|deployment| RedisConfig {
            prefix: "pre".to_owned(),
            ..RedisConfig::new(deployment)
        })
    }

    #[test]
    fn a_channel_gives_its_topic_back_whatever_the_topic_holds() {
        for config in configs() {
            for name in ["a", "}:", "{p1}:x", "a}:b", "log:a", "*"] {
                let topic = Topic::new(name).unwrap();
                assert_eq!(config.topic(&config.channel(&topic)), Some(topic));
            }
            assert_eq!(config.topic(b"other"), None);
        }
    }

    #[test]
    fn in_a_cluster_all_names_of_a_topic_carry_the_tag_of_its_partition() {
        let [single, cluster] = configs();
        let topic = Topic::new("123456789").unwrap();
        assert_eq!(single.channel(&topic), "pre123456789");
        assert_eq!(cluster.channel(&topic), "pre{p67}:123456789");
        let keys = cluster.log_keys(&topic);
        assert_eq!(keys.stream, "pre{p67}log:123456789");
        assert_eq!(keys.facts, "pre{p67}log-facts:123456789");
        assert_eq!(keys.epoch, "pre{p67}log-epoch");
        assert_eq!(keys.once, "pre{p67}log-once:123456789");
    }

    #[test]
    fn a_portion_is_of_one_partition_and_not_too_long() {
        let [single, cluster] = configs();
        let topic = |n| Topic::new(format!("t{n}")).unwrap();
        let topics: Vec<_> = (0..2 * PORTION + 1).map(topic).collect();
        let lengths = |portions: Vec<Vec<_>>| portions.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(single.portions(&topics)), [PORTION, PORTION, 1]);
        for portion in cluster.portions(&topics) {
            let tag = |channel: &bytes::Bytes| channel[..channel.len().min(8)].to_vec();
            let tags: Vec<_> = portion
                .iter()
                .map(|one| {
                    tag(one)
                        .split(|byte| *byte == b'}')
                        .next()
                        .map(<[u8]>::to_vec)
                })
                .collect();
            assert!(tags.windows(2).all(|two| two[0] == two[1]), "{portion:?}");
        }
    }
}
