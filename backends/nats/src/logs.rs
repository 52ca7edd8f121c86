//! The logs of all topics.

use std::sync::Arc;

use mesahub_broker::{BrokerError, LogPage, Position, Topic};
use tokio::sync::Mutex;

use crate::api::{ApiError, NO_STREAM};
use crate::commands::Commands;
use crate::config::LogConfig;
use crate::entries::Entries;
use crate::log::Log;
use crate::names::Prefix;
use crate::stream::Stream;

/// The logs of all topics, and the stream they are in.
#[derive(Debug)]
pub(crate) struct Logs {
    config: LogConfig,
    prefix: Prefix,
    /// Where it was found last.
    stream: Mutex<Option<Arc<Stream>>>,
}

impl Logs {
    pub(crate) fn new(config: LogConfig, prefix: &Prefix) -> Self {
        Self {
            config,
            prefix: prefix.clone(),
            stream: Mutex::new(None),
        }
    }

    /// The stream, which is made if it is not there.
    pub(crate) async fn stream(&self, commands: &Commands) -> Result<Arc<Stream>, BrokerError> {
        let mut known = self.stream.lock().await;
        if let Some(stream) = &*known {
            return Ok(Arc::clone(stream));
        }
        let found = Stream::find_or_make(commands, &self.prefix, &self.config).await?;
        let found = Arc::new(found);
        *known = Some(Arc::clone(&found));
        Ok(found)
    }

    /// Looks for the stream again, after nobody has answered for it.
    pub(crate) async fn look_again(&self, commands: &Commands) -> Result<(), BrokerError> {
        *self.stream.lock().await = None;
        self.stream(commands).await?;
        Ok(())
    }

    /// Waits until the server that leads the stream has answered. It is told of a subscription at
    /// this node's server on the same way and before it is asked, so it repeats what comes later to
    /// that subscription too. A leader that does not answer repeats nothing either.
    pub(crate) async fn reach(&self, commands: &Commands) {
        let Ok(stream) = self.stream(commands).await else {
            return;
        };
        let entries = Entries {
            commands,
            stream: &stream,
            subject: "",
        };
        if let Err(ApiError::Broker(error)) = entries.has(1).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "the leader of the stream of logs does not answer");
        }
    }

    /// At most `limit` entries of a topic after a position.
    pub(crate) async fn read(
        &self,
        commands: &Commands,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        let subject = self.prefix.log(topic);
        // Once more, where somebody has removed the stream.
        for _ in 0..2 {
            let stream = self.stream(commands).await?;
            let log = Log {
                entries: Entries {
                    commands,
                    stream: &stream,
                    subject: &subject,
                },
                bounds: &self.config.bounds,
            };
            match log.read(after, limit).await {
                Err(ApiError::Refused(refusal)) if refusal.err_code == NO_STREAM => {
                    self.look_again(commands).await?;
                }
                read => return read.map_err(BrokerError::from),
            }
        }
        Err(BrokerError::unavailable("the stream of logs was removed"))
    }
}
