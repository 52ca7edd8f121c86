//! The stream that holds the logs of all topics.
//!
//! One for all nodes with the same prefix, and named by the moment at which it was made, which is
//! the upper half of every position in it: a stream that was deleted and made again numbers its
//! entries from one, and nobody takes them for those of the first.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mesahub_broker::{BrokerError, Position, Published};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::{ApiError, Refusal, TAKEN, ask};
use crate::commands::Commands;
use crate::config::LogConfig;
use crate::names::{self, Prefix};

/// The stream, as it was found.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) epoch: u64,
}

#[derive(Deserialize)]
struct Names {
    streams: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Description {
    config: Map<String, Value>,
}

/// What a stream answers to a publication.
#[derive(Deserialize)]
struct Acknowledged {
    error: Option<Refusal>,
    #[serde(default)]
    stream: String,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
}

/// How often is looked for the stream while others make it.
const ATTEMPTS: usize = 4;

/// The shortest age that JetStream takes.
const SHORTEST_AGE: Duration = Duration::from_millis(100);

impl Stream {
    /// Finds the stream and sees to it that it is as it should be, or makes it.
    pub(crate) async fn find_or_make(
        commands: &Commands,
        prefix: &Prefix,
        config: &LogConfig,
    ) -> Result<Self, BrokerError> {
        let wanted = wanted(prefix, config);
        let mut last = BrokerError::unavailable("other nodes make and delete the stream of logs");
        for _ in 0..ATTEMPTS {
            let filter = json!({"subject": prefix.logs()});
            let found: Names = ask(commands, "STREAM.NAMES", &filter).await.map_err(off)?;
            let found = found.streams.unwrap_or_default();
            if let Some(name) = found.into_iter().next() {
                return Self::take(commands, prefix, name, &wanted).await;
            }
            match Self::make(commands, prefix, &wanted).await {
                Ok(made) => return Ok(made),
                // Another node was faster.
                Err(ApiError::Refused(refusal)) if TAKEN.contains(&refusal.err_code) => {
                    last = refusal.into_broker();
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(last)
    }

    async fn make(
        commands: &Commands,
        prefix: &Prefix,
        wanted: &Map<String, Value>,
    ) -> Result<Self, ApiError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let epoch = now.map_or(0, |since| since.as_millis());
        let epoch = u64::try_from(epoch).unwrap_or(u64::MAX);
        let name = prefix.stream(epoch);
        let mut config = wanted.clone();
        config.insert("name".to_owned(), json!(name));
        config.insert("retention".to_owned(), json!("limits"));
        config.insert("storage".to_owned(), json!("file"));
        let _: Description = ask(commands, &format!("STREAM.CREATE.{name}"), &config).await?;
        tracing::info!(stream = name, "made the stream of logs");
        Ok(Self { name, epoch })
    }

    /// Takes a stream that is there, and gives it the bounds that are configured.
    async fn take(
        commands: &Commands,
        prefix: &Prefix,
        name: String,
        wanted: &Map<String, Value>,
    ) -> Result<Self, BrokerError> {
        let ours = names::epoch(&name).filter(|epoch| prefix.stream(*epoch) == name);
        let Some(epoch) = ours else {
            return Err(BrokerError::rejected(format!(
                "the stream {name:?} holds the subjects {}: remove it, or configure another prefix",
                prefix.logs()
            )));
        };
        let info = format!("STREAM.INFO.{name}");
        let Description { mut config } = ask(commands, &info, &json!({})).await?;
        let is_as_wanted = wanted
            .iter()
            .all(|(key, value)| config.get(key) == Some(value));
        if !is_as_wanted {
            config.extend(wanted.clone());
            let update = format!("STREAM.UPDATE.{name}");
            let _: Description = ask(commands, &update, &config).await?;
            tracing::info!(stream = name, "gave the stream of logs other bounds");
        }
        Ok(Self { name, epoch })
    }
}

/// Where the stream has put a publication, from its answer to it.
pub(crate) fn position(answer: &[u8]) -> Result<Published, BrokerError> {
    let answer: Acknowledged = serde_json::from_slice(answer).map_err(BrokerError::rejected)?;
    if let Some(refusal) = answer.error {
        return Err(refusal.into_broker());
    }
    match names::epoch(&answer.stream) {
        // The first one is on its way into all copies, and may yet fail.
        Some(_) if answer.duplicate && answer.seq == 0 => Err(BrokerError::unavailable(
            "another publication with the same key is on its way",
        )),
        Some(epoch) => Ok(Published {
            position: Some(Position::from_parts(epoch, answer.seq)),
            duplicate: answer.duplicate,
        }),
        None => Err(BrokerError::rejected(format!(
            "the stream {:?} has taken what is not for it",
            answer.stream
        ))),
    }
}

/// What the stream has to be like.
fn wanted(prefix: &Prefix, config: &LogConfig) -> Map<String, Value> {
    let bounds = &config.bounds;
    let age = bounds.max_age.max(SHORTEST_AGE).as_nanos();
    let age = i64::try_from(age).unwrap_or(i64::MAX);
    let storage = i64::try_from(config.storage).unwrap_or(i64::MAX);
    // Zero would be no bound; the reader leaves out what is too much.
    let count = i64::try_from(bounds.max_count.max(1)).unwrap_or(i64::MAX);
    let pairs = [
        ("subjects", json!([prefix.logs()])),
        ("discard", json!("old")),
        ("max_msgs_per_subject", json!(count)),
        ("max_bytes", json!(storage)),
        ("max_age", json!(age)),
        // For how long the ids of messages are known, which are made of topics and keys.
        ("duplicate_window", json!(age)),
        ("num_replicas", json!(config.replicas)),
        (
            "republish",
            json!({"src": prefix.logs(), "dest": prefix.topics()}),
        ),
    ];
    let owned = pairs.map(|(key, value)| (key.to_owned(), value));
    owned.into_iter().collect()
}

/// Says what to do where nobody answers for JetStream at all.
fn off(error: ApiError) -> BrokerError {
    match BrokerError::from(error) {
        BrokerError::Unavailable { cause } => BrokerError::unavailable(format!(
            "JetStream does not answer, which keeps the logs: start nats-server with -js, or \
             configure no logs ({})",
            &*cause
        )),
        other => other,
    }
}
