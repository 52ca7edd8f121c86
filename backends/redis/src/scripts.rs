//! The scripts, which Redis runs as one step each.

use std::time::Duration;

use mesahub_broker::{Publication, Topic};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError};

use crate::config::RedisConfig;
use crate::names::LogKeys;

/// Appends to a log and publishes.
const APPEND: &str = concat!(
    include_str!("lua/shared.lua"),
    include_str!("lua/append.lua")
);

/// Reads a log.
const READ: &str = concat!(include_str!("lua/shared.lua"), include_str!("lua/read.lua"));

/// How much longer than its entries what is known of a log is kept: a position that is older is
/// unknown.
const FACTS_OUTLIVE: Duration = Duration::from_secs(60);

/// What one run of a server knows the scripts by.
#[derive(Debug)]
pub(crate) struct Scripts {
    append: String,
    read: String,
    /// Which run it is.
    pub(crate) run: String,
}

impl Scripts {
    /// Loads them, which is harmless where they are loaded already.
    pub(crate) async fn load(connection: &mut MultiplexedConnection) -> Result<Self, RedisError> {
        let (append, read, server): (String, String, String) = redis::pipe()
            .cmd("SCRIPT")
            .arg("LOAD")
            .arg(APPEND)
            .cmd("SCRIPT")
            .arg("LOAD")
            .arg(READ)
            .cmd("INFO")
            .arg("server")
            .query_async(connection)
            .await?;
        let run = server.lines().find_map(|line| line.strip_prefix("run_id:"));
        Ok(Self {
            append,
            read,
            run: run.unwrap_or("unknown").trim().to_owned(),
        })
    }

    /// Reads from a log; the position and the number of entries are to follow.
    pub(crate) fn reading(&self, config: &RedisConfig, topic: &Topic) -> Cmd {
        self.command(&self.read, config, config.log_keys(topic), false)
    }

    /// Appends to a log and publishes: all arguments are there.
    pub(crate) fn appending(&self, config: &RedisConfig, publication: &Publication) -> Cmd {
        let topic = &publication.topic;
        let has_key = publication.once.is_some();
        let mut command = self.command(&self.append, config, config.log_keys(topic), has_key);
        let bounds = &config.log;
        command
            .arg(&config.channel(topic)[..])
            .arg(&publication.payload[..])
            .arg(bounds.max_count)
            .arg(bounds.max_bytes)
            .arg(config.publish_command());
        if let Some(key) = &publication.once {
            command.arg(&key.as_bytes()[..]);
        }
        command
    }

    /// A script with its keys and the arguments that both begin with.
    fn command(&self, hash: &str, config: &RedisConfig, keys: LogKeys, has_key: bool) -> Cmd {
        let age = config.log.max_age;
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut command = redis::cmd("EVALSHA");
        command
            .arg(hash)
            .arg(if has_key { 4 } else { 3 })
            .arg(keys.stream)
            .arg(keys.facts)
            .arg(keys.epoch);
        if has_key {
            command.arg(keys.once);
        }
        command
            .arg(&self.run)
            .arg(milliseconds(age))
            .arg(milliseconds(age.saturating_add(FACTS_OUTLIVE)));
        command
    }
}
