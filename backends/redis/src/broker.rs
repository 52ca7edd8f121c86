//! The broker.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, Inbox, LogEntry, LogPage, MAX_PAYLOAD, Position,
    Publication, Published, Topic,
};
use redis::{Cmd, RedisResult, Value};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::commands::{self, Connected, State};
use crate::config::{Framing, RedisConfig};
use crate::error::LinkError;
use crate::framing;
use crate::link::{self, Change, Link, Request};

/// Requests that may wait for the task of the subscriptions; whoever asks then waits for room.
const WAITING_REQUESTS: usize = 64;

/// Items of a batch that go out in one pipeline.
const PIPELINE: usize = 256;

/// How much longer than its entries what is known of a log is kept: a position that is older is
/// unknown.
const FACTS_OUTLIVE: Duration = Duration::from_secs(60);

/// One node on Redis.
#[derive(Debug)]
pub struct RedisBroker {
    config: Arc<RedisConfig>,
    state: watch::Receiver<State>,
    requests: mpsc::Sender<Request>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl RedisBroker {
    /// Connects, and delivers into `inbox` from now on. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When Redis cannot be reached within [`RedisConfig::connect_timeout`] for each of its two
    /// connections, or does not let us in: the text says what to mend and holds no secret.
    pub async fn open(config: RedisConfig, inbox: Inbox) -> Result<Self, BrokerError> {
        let config = Arc::new(config);
        // This one first: it says best what stands in the way.
        let first = link::open(&config).await.map_err(LinkError::into_broker)?;
        let connected = commands::open(&config).await?;
        let (sender, state) = watch::channel(Ok(connected));
        let (requests, waiting) = mpsc::channel(WAITING_REQUESTS);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(commands::keep(Arc::clone(&config), sender, stop.clone()));
        let link = Link::new(Arc::clone(&config), inbox, waiting, stop.clone());
        tasks.spawn(link.run(first));
        tasks.close();
        Ok(Self {
            config,
            state,
            requests,
            stop,
            tasks,
        })
    }

    fn connected(&self) -> State {
        if self.stop.is_cancelled() {
            return Err(BrokerError::Closed);
        }
        self.state.borrow().clone()
    }

    async fn change(&self, change: Change, topics: &[Topic]) -> Result<(), BrokerError> {
        if self.stop.is_cancelled() {
            return Err(BrokerError::Closed);
        }
        let (answer, answered) = oneshot::channel();
        let request = Request {
            change,
            topics: topics.to_vec(),
            answer,
        };
        if self.requests.send(request).await.is_err() {
            return Err(BrokerError::Closed);
        }
        answered.await.unwrap_or(Err(BrokerError::Closed))
    }

    /// Runs one command, or says why there is no answer.
    async fn query<T: redis::FromRedisValue>(&self, command: &Cmd) -> Result<T, BrokerError> {
        let mut connected = self.connected()?;
        let before = Instant::now();
        let answer = command.query_async(&mut connected.connection).await;
        answer.map_err(|error| connected.failed(&error, before.elapsed()))
    }

    fn command(&self, connected: &Connected, publication: &Publication) -> Cmd {
        let channel = self.config.channel(&publication.topic);
        let mut command;
        match self.config.framing {
            Framing::Plain => {
                command = redis::cmd("PUBLISH");
                command.arg(&channel[..]).arg(&publication.payload[..]);
            }
            Framing::Positioned if publication.log => {
                command = self.script(&connected.scripts.append, connected, &publication.topic);
                let bounds = &self.config.log;
                command
                    .arg(&channel[..])
                    .arg(&publication.payload[..])
                    .arg(bounds.max_count)
                    .arg(bounds.max_bytes);
            }
            Framing::Positioned => {
                let mut message = Vec::with_capacity(publication.payload.len() + 1);
                message.push(framing::LIVE);
                message.extend_from_slice(&publication.payload);
                command = redis::cmd("PUBLISH");
                command.arg(&channel[..]).arg(message);
            }
        }
        command
    }

    /// A script with its keys and the arguments that both begin with.
    fn script(&self, hash: &str, connected: &Connected, topic: &Topic) -> Cmd {
        let (prefix, age) = (&self.config.prefix, self.config.log.max_age);
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut command = redis::cmd("EVALSHA");
        command
            .arg(hash)
            .arg(3)
            .arg(format!("{prefix}log:{topic}"))
            .arg(format!("{prefix}log-facts:{topic}"))
            .arg(format!("{prefix}log-epoch"))
            .arg(&connected.scripts.run)
            .arg(milliseconds(age))
            .arg(milliseconds(age.saturating_add(FACTS_OUTLIVE)));
        command
    }

    async fn publish_part(
        &self,
        part: &[Publication],
        answers: &mut Vec<Result<Published, BrokerError>>,
    ) {
        let mut connected = match self.connected() {
            Ok(connected) => connected,
            Err(error) => return answers.extend(part.iter().map(|_| Err(error.clone()))),
        };
        let mut pipeline = redis::Pipeline::with_capacity(part.len());
        pipeline.ignore_errors();
        for publication in part.iter().filter(|one| one.payload.len() <= MAX_PAYLOAD) {
            pipeline.add_command(self.command(&connected, publication));
        }
        let before = Instant::now();
        let taken: RedisResult<Vec<RedisResult<Value>>> = match pipeline.is_empty() {
            true => Ok(Vec::new()),
            false => pipeline.query_async(&mut connected.connection).await,
        };
        let mut taken = match taken {
            Ok(taken) => taken.into_iter(),
            Err(error) => {
                let error = connected.failed(&error, before.elapsed());
                return answers.extend(
                    part.iter()
                        .map(|one| Err(oversize(one).unwrap_or(error.clone()))),
                );
            }
        };
        for publication in part {
            answers.push(match oversize(publication) {
                Some(error) => Err(error),
                None => match taken.next() {
                    Some(Ok(value)) => Ok(Published {
                        position: self.position(publication, &value),
                    }),
                    Some(Err(error)) => Err(connected.failed(&error, before.elapsed())),
                    None => Err(BrokerError::rejected("Redis did not answer every command")),
                },
            });
        }
    }

    fn position(&self, publication: &Publication, answer: &Value) -> Option<Position> {
        if !publication.log || self.config.framing == Framing::Plain {
            return None;
        }
        let id: String = redis::from_redis_value_ref(answer).ok()?;
        framing::position(&id)
    }
}

#[async_trait]
impl Broker for RedisBroker {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        let mut answers = Vec::with_capacity(batch.len());
        for part in batch.chunks(PIPELINE) {
            self.publish_part(part, &mut answers).await;
        }
        answers
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.change(Change::Subscribe, topics).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.change(Change::Unsubscribe, topics).await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        let channel = self.config.channel(topic);
        let mut command = redis::cmd("PUBSUB");
        command.arg("NUMSUB").arg(&channel[..]);
        let (_, count): (Vec<u8>, u64) = self.query(&command).await?;
        Ok(count)
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        if self.config.framing == Framing::Plain {
            return match self.stop.is_cancelled() {
                true => Err(BrokerError::Closed),
                false => Err(BrokerError::LogUnsupported),
            };
        }
        // A log holds no more than its bound, and nobody needs more at once than that.
        let limit = limit.min(self.config.log.max_count);
        let connected = self.connected()?;
        let mut command = self.script(&connected.scripts.read, &connected, topic);
        command
            .arg(after.map(framing::id).unwrap_or_default())
            .arg(limit);
        let page: Option<(String, Vec<(String, (Vec<u8>, Vec<u8>))>)> =
            self.query(&command).await?;
        let unreadable = || BrokerError::rejected("the log holds what this version cannot read");
        let Some((newest, entries)) = page else {
            let position = after.ok_or_else(unreadable)?;
            return Err(BrokerError::UnknownPosition { position });
        };
        let mut entries = entries
            .into_iter()
            .map(|(id, (_, payload))| {
                Some(LogEntry {
                    position: framing::position(&id)?,
                    payload: Bytes::from(payload),
                })
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(unreadable)?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        Ok(LogPage {
            entries,
            more,
            newest: framing::position(&newest).ok_or_else(unreadable)?,
        })
    }

    async fn health(&self) -> Result<(), BrokerError> {
        let _: String = self.query(&redis::cmd("PING")).await?;
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        let log = self.config.framing == Framing::Positioned;
        Capabilities {
            log,
            // It depends on how Redis is set up, and what it wrote last may be lost in any case.
            log_survives_restart: false,
            exact_subscriber_count: true,
            separate_server: true,
            max_payload: MAX_PAYLOAD,
        }
    }

    async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for RedisBroker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn oversize(publication: &Publication) -> Option<BrokerError> {
    let size = publication.payload.len();
    let max = MAX_PAYLOAD;
    (size > max).then_some(BrokerError::TooLarge { size, max })
}
