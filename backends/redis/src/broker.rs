//! The broker.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, Inbox, LogEntry, LogPage, MAX_PAYLOAD, Position,
    Publication, Published, Topic,
};
use redis::Cmd;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::commands::{Connected, State};
use crate::config::{Address, Deployment, Framing, RedisConfig};
use crate::counting;
use crate::error::LinkError;
use crate::framing;
use crate::link::{self, Change, Link, Request, WAITING_REQUESTS};
use crate::pool::Pool;
use crate::primary::Place;
use crate::publishing::{self, moved_to};
use crate::router::Router;
use crate::topology::{self, Atlas};

/// One node on Redis.
#[derive(Debug)]
pub struct RedisBroker {
    config: Arc<RedisConfig>,
    pool: Pool,
    requests: mpsc::Sender<Request>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl RedisBroker {
    /// Connects, and delivers into `inbox` from now on. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When Redis cannot be reached within [`RedisConfig::connect_timeout`] for each of its
    /// connections, does not let us in, or is not what was configured: the text says what to mend
    /// and holds no secret. Of a cluster one node has to be there; to the others it connects when
    /// they are.
    pub async fn open(config: RedisConfig, inbox: Inbox) -> Result<Self, BrokerError> {
        let config = Arc::new(config);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        // Ends what was begun if the rest fails.
        let guard = stop.clone().drop_guard();
        let (requests, waiting) = mpsc::channel(WAITING_REQUESTS);
        let pool = match config.is_sharded() {
            true => Self::open_cluster(&config, inbox, waiting, &stop, &tasks).await?,
            false => Self::open_one(&config, inbox, waiting, &stop, &tasks).await?,
        };
        tasks.close();
        guard.disarm();
        Ok(Self {
            config,
            pool,
            requests,
            stop,
            tasks,
        })
    }

    async fn open_one(
        config: &Arc<RedisConfig>,
        inbox: Inbox,
        requests: mpsc::Receiver<Request>,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Pool, BrokerError> {
        // This one first: it says best what stands in the way.
        let first = link::open(config, &Place::Primary).await;
        let first = first.map_err(LinkError::into_broker)?;
        let is_cluster = matches!(config.deployment, Deployment::Cluster { .. });
        if first.server().is_cluster && !is_cluster && config.framing == Framing::Positioned {
            return Err(LinkError::IsCluster(first.at().to_string()).into_broker());
        }
        let pool = Pool::one(Arc::clone(config), stop, tasks).await?;
        let (config, stop) = (Arc::clone(config), stop.clone());
        let link = Link::new(config, Place::Primary, inbox, requests, stop);
        tasks.spawn(link.run(Some(first)));
        Ok(pool)
    }

    async fn open_cluster(
        config: &Arc<RedisConfig>,
        inbox: Inbox,
        requests: mpsc::Receiver<Request>,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Pool, BrokerError> {
        if config.prefix.contains(['{', '}']) {
            return Err(LinkError::Braces(config.prefix.clone()).into_broker());
        }
        let topology = topology::ask(config, &[]).await;
        let topology = topology.map_err(LinkError::into_broker)?;
        let (atlas, keeping) = Atlas::new(Arc::clone(config), topology, stop.clone());
        tasks.spawn(keeping);
        let pool = Pool::cluster(Arc::clone(config), atlas.clone(), stop, tasks).await?;
        let (config, stop) = (Arc::clone(config), stop.clone());
        let router = Router::new(config, inbox, requests, atlas, stop, tasks.clone());
        tasks.spawn(router.run());
        Ok(pool)
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

    /// Runs one command where its topic is, or says why there is no answer. A node that says that
    /// another has the topic by now is taken at its word, once.
    async fn query<T: redis::FromRedisValue>(
        &self,
        topic: &Topic,
        command: impl Fn(&Connected) -> Cmd,
    ) -> Result<T, BrokerError> {
        if self.stop.is_cancelled() {
            return Err(BrokerError::Closed);
        }
        match ask(self.pool.of(topic), &command).await? {
            Asked::Answered(answer) => return Ok(answer),
            Asked::Moved(to) => {
                self.pool.doubt();
                if let Asked::Answered(answer) = ask(self.pool.at(&to), &command).await? {
                    return Ok(answer);
                }
            }
        }
        Err(BrokerError::unavailable("the slot is moving"))
    }
}

/// What has become of a command.
enum Asked<T> {
    Answered(T),
    Moved(Address),
}

async fn ask<T: redis::FromRedisValue>(
    at: State,
    command: impl Fn(&Connected) -> Cmd,
) -> Result<Asked<T>, BrokerError> {
    let mut connected = at?;
    let before = Instant::now();
    let command = command(&connected);
    match command.query_async(&mut connected.connection).await {
        Ok(answer) => Ok(Asked::Answered(answer)),
        Err(error) => match moved_to(&error) {
            Some(to) => Ok(Asked::Moved(to)),
            None => Err(connected.failed(&error, before.elapsed())),
        },
    }
}

#[async_trait]
impl Broker for RedisBroker {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        if self.stop.is_cancelled() {
            return batch.iter().map(|_| Err(BrokerError::Closed)).collect();
        }
        publishing::publish(&self.config, &self.pool, &batch).await
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.change(Change::Subscribe, topics).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.change(Change::Unsubscribe, topics).await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        let channel = self.config.channel(topic);
        if self.config.counts_by_node() {
            let channel = String::from_utf8_lossy(&channel);
            return match self.stop.is_cancelled() {
                true => Err(BrokerError::Closed),
                false => counting::everywhere(&self.config, &channel).await,
            };
        }
        let mut command = redis::cmd("PUBSUB");
        let count = match self.config.is_sharded() {
            true => "SHARDNUMSUB",
            false => "NUMSUB",
        };
        command.arg(count).arg(&channel[..]);
        let (_, count): (Vec<u8>, u64) = self.query(topic, |_| command.clone()).await?;
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
        let command = |connected: &Connected| {
            let mut command = connected.scripts.reading(&self.config, topic);
            let after = after.map(framing::id).unwrap_or_default();
            command.arg(after).arg(limit);
            command
        };
        let page: Option<(String, Vec<(String, (Vec<u8>, Vec<u8>))>)> =
            self.query(topic, command).await?;
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
        if self.stop.is_cancelled() {
            return Err(BrokerError::Closed);
        }
        let asking = self.pool.all().into_iter();
        let asking = asking.map(|at| ask::<String>(at, |_| redis::cmd("PING")));
        let answers = join_all(asking).await;
        answers.into_iter().try_for_each(|answer| answer.map(drop))
    }

    fn capabilities(&self) -> Capabilities {
        let log = self.config.framing == Framing::Positioned;
        Capabilities {
            log,
            // It depends on how Redis is set up, and what it wrote last may be lost in any case.
            log_survives_restart: false,
            exact_subscriber_count: !self.config.counts_by_node(),
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
