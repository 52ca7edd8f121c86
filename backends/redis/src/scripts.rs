//! The scripts, which Redis runs as one step each.

use redis::RedisError;
use redis::aio::MultiplexedConnection;

/// Appends to a log and publishes.
const APPEND: &str = concat!(
    include_str!("lua/shared.lua"),
    include_str!("lua/append.lua")
);

/// Reads a log.
const READ: &str = concat!(include_str!("lua/shared.lua"), include_str!("lua/read.lua"));

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
}
