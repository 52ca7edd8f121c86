//! The names of channels.

use bytes::Bytes;
use mesahub_broker::Topic;

use crate::config::RedisConfig;

impl RedisConfig {
    /// The channel of a topic.
    pub(crate) fn channel(&self, topic: &Topic) -> Bytes {
        Bytes::from(format!("{}{topic}", self.prefix))
    }

    /// The topic of a channel.
    pub(crate) fn topic(&self, channel: &[u8]) -> Option<Topic> {
        let name = std::str::from_utf8(channel).ok()?;
        Topic::new(name.strip_prefix(&self.prefix)?).ok()
    }
}
