//! The scripts, which Redis runs as one step each.

use std::time::Duration;

use mesahub_broker::Topic;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError};

use crate::config::RedisConfig;

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
    pub(crate) append: String,
    pub(crate) read: String,
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
    /// A script with its keys and the arguments that both begin with.
    pub(crate) fn command(&self, hash: &str, config: &RedisConfig, topic: &Topic) -> Cmd {
        let keys = config.log_keys(topic);
        let age = config.log.max_age;
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut command = redis::cmd("EVALSHA");
        command
            .arg(hash)
            .arg(3)
            .arg(keys.stream)
            .arg(keys.facts)
            .arg(keys.epoch)
            .arg(&self.run)
            .arg(milliseconds(age))
            .arg(milliseconds(age.saturating_add(FACTS_OUTLIVE)));
        command
    }
}
