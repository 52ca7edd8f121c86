//! The connection on which messages come: one task that owns it and every subscription.
//!
//! ```text
//!   broker ── subscribe, unsubscribe ──► requests ─┐
//!                                                  ├──► task ──► inbox
//!   Redis ── messages, confirmations ──► socket ───┘     │
//!     ▲                                                  │ lost: back-off, connect, subscribe
//!     └──────────────────────────────────────────────────┘ everything again, then a gap
//! ```
//!
//! What Redis confirms is what is subscribed, in the order of the socket: so nothing comes after
//! an unsubscribe has returned, and nothing is lost between a leave and a join that overlap.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mesahub_broker::{BrokerError, Delivery, Gap, GapScope, Inbox, Topic};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::config::RedisConfig;
use crate::error::{LinkError, refused};
use crate::framing;
use crate::primary;
use crate::resp::{self, Value};
use crate::socket::Socket;

/// Channels named in one command.
const CHUNK: usize = 512;

/// What the broker asks of the task.
pub(crate) struct Request {
    pub(crate) change: Change,
    pub(crate) topics: Vec<Topic>,
    pub(crate) answer: oneshot::Sender<Result<(), BrokerError>>,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Subscribe,
    Unsubscribe,
}

/// The task.
pub(crate) struct Link {
    config: Arc<RedisConfig>,
    inbox: Inbox,
    requests: mpsc::Receiver<Request>,
    stop: CancellationToken,
    /// What Redis has confirmed, by the name of the channel.
    subscribed: HashMap<Bytes, Topic>,
}

/// One connection while it lasts.
struct Session<'link> {
    link: &'link mut Link,
    socket: Socket,
    /// Commands that have not been answered, in order.
    asked: VecDeque<Asked>,
    jobs: HashMap<u64, Job>,
    next_job: u64,
}

/// A command on its way.
enum Asked {
    /// A change of so many channels.
    Names {
        left: usize,
        job: u64,
    },
    Ping,
}

/// What several commands are for.
struct Job {
    commands: usize,
    failure: Option<BrokerError>,
    change: Change,
    done: Done,
}

enum Done {
    Answer(oneshot::Sender<Result<(), BrokerError>>),
    /// Everything is subscribed again after an interruption.
    Restored,
}

impl Link {
    pub(crate) fn new(
        config: Arc<RedisConfig>,
        inbox: Inbox,
        requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            config,
            inbox,
            requests,
            stop,
            subscribed: HashMap::new(),
        }
    }

    /// Serves until told to stop, with this connection first.
    pub(crate) async fn run(mut self, first: Socket) {
        let stop = self.stop.clone();
        let mut connected = Some(first);
        let mut backoff = Backoff::new(&self.config);
        loop {
            let lost = match connected.take() {
                Some(socket) => {
                    backoff.reset();
                    match Session::new(&mut self, socket).run(&stop).await {
                        Ok(()) => return,
                        Err(lost) => lost,
                    }
                }
                None => {
                    let connecting = open(&self.config);
                    match stop.run_until_cancelled(connecting).await {
                        Some(Ok(socket)) => {
                            connected = Some(socket);
                            continue;
                        }
                        Some(Err(error)) => error,
                        None => return,
                    }
                }
            };
            let pause = backoff.next();
            tracing::warn!(
                error = &lost as &dyn std::error::Error,
                ?pause,
                "lost Redis"
            );
            let error = lost.into_broker();
            if stop
                .run_until_cancelled(self.decline(pause, error))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    /// Answers requests while there is no connection.
    async fn decline(&mut self, pause: Duration, error: BrokerError) {
        let declining = async {
            while let Some(request) = self.requests.recv().await {
                let outcome = match request.change {
                    Change::Subscribe => Err(error.clone()),
                    // Nothing is subscribed where there is no connection.
                    Change::Unsubscribe => {
                        for topic in &request.topics {
                            self.subscribed.remove(&self.config.channel(topic));
                        }
                        Ok(())
                    }
                };
                let _ = request.answer.send(outcome);
            }
        };
        let _ = timeout(pause, declining).await;
    }
}

/// Connects to wherever the primary is.
pub(crate) async fn open(config: &RedisConfig) -> Result<Socket, LinkError> {
    let at = primary::find(config).await?;
    Socket::open(config, &at).await
}

impl<'link> Session<'link> {
    fn new(link: &'link mut Link, socket: Socket) -> Self {
        Self {
            link,
            socket,
            asked: VecDeque::new(),
            jobs: HashMap::new(),
            next_job: 0,
        }
    }

    /// Serves until told to stop, or until the connection is lost; whoever waits then is told.
    async fn run(mut self, stop: &CancellationToken) -> Result<(), LinkError> {
        let served = stop.run_until_cancelled(self.serve()).await;
        let Some(lost) = served else {
            self.say_goodbye().await;
            return Ok(());
        };
        for (_, job) in self.jobs.drain() {
            if let Done::Answer(answer) = job.done {
                let _ = answer.send(match job.change {
                    Change::Subscribe => Err(BrokerError::unavailable(lost.to_string())),
                    Change::Unsubscribe => Ok(()),
                });
            }
        }
        Err(lost)
    }

    async fn serve(&mut self) -> LinkError {
        match self.try_serve().await {
            Err(lost) => lost,
            Ok(never) => match never {},
        }
    }

    async fn try_serve(&mut self) -> Result<std::convert::Infallible, LinkError> {
        self.restore().await?;
        let patience = self.link.config.response_timeout;
        let mut looks = interval_at(Instant::now() + patience, patience);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = true;
        loop {
            tokio::select! {
                value = self.socket.next() => {
                    heard = true;
                    self.take(value?).await?;
                }
                Some(request) = self.link.requests.recv() => {
                    let Request { change, topics, answer } = request;
                    let channels: Vec<Bytes> =
                        topics.iter().map(|topic| self.link.config.channel(topic)).collect();
                    self.ask(change, &channels, Done::Answer(answer)).await?;
                }
                _ = looks.tick() => {
                    // Nothing is asked twice: who was asked and has said nothing is gone.
                    if !heard && !self.asked.is_empty() {
                        let at = "Redis".to_owned();
                        return Err(LinkError::Silent(at, patience));
                    }
                    heard = false;
                    if self.asked.is_empty() {
                        self.asked.push_back(Asked::Ping);
                        self.socket.send(&["PING"]).await?;
                    }
                }
            }
        }
    }

    /// Subscribes everything again. The gap follows when Redis has confirmed it all.
    async fn restore(&mut self) -> Result<(), LinkError> {
        let channels: Vec<Bytes> = self.link.subscribed.keys().cloned().collect();
        if channels.is_empty() {
            return Ok(());
        }
        self.ask(Change::Subscribe, &channels, Done::Restored).await
    }

    async fn ask(
        &mut self,
        change: Change,
        channels: &[Bytes],
        done: Done,
    ) -> Result<(), LinkError> {
        let job = self.next_job;
        self.next_job += 1;
        let chunks = channels.chunks(CHUNK);
        self.jobs.insert(
            job,
            Job {
                commands: chunks.len(),
                failure: None,
                change,
                done,
            },
        );
        if channels.is_empty() {
            self.finish(job).await;
        }
        let name: &[u8] = match change {
            Change::Subscribe => b"SUBSCRIBE",
            Change::Unsubscribe => b"UNSUBSCRIBE",
        };
        for chunk in chunks {
            let words: Vec<&[u8]> = std::iter::once(name)
                .chain(chunk.iter().map(|channel| &channel[..]))
                .collect();
            let left = chunk.len();
            self.asked.push_back(Asked::Names { left, job });
            self.socket.write(&resp::command(words.into_iter())).await?;
        }
        Ok(())
    }

    async fn take(&mut self, value: Value) -> Result<(), LinkError> {
        match value {
            Value::Push(mut push) => match (push.first().and_then(Value::text), push.len()) {
                (Some(kind), 3) if kind == "message" => {
                    let message = push.pop();
                    let (Some(Value::Text(channel)), Some(Value::Text(message))) =
                        (push.pop(), message)
                    else {
                        return Err(resp::NoResp.into());
                    };
                    self.deliver(&channel, message).await;
                }
                (Some(kind), 3) if kind == "subscribe" || kind == "unsubscribe" => {
                    let subscribes = kind == "subscribe";
                    if let Some(channel) = push[1].text() {
                        self.confirm(channel, subscribes);
                    }
                    self.answered(1, None).await;
                }
                _ => {}
            },
            Value::Error(text) => self.answered(usize::MAX, Some(refused(&text))).await,
            _ => self.answered(usize::MAX, None).await,
        }
        Ok(())
    }

    fn confirm(&mut self, channel: &Bytes, subscribes: bool) {
        if !subscribes {
            self.link.subscribed.remove(channel);
        } else if let Some(topic) = self.link.config.topic(channel) {
            // A copy: the bytes are a part of whatever else came with them.
            let channel = Bytes::copy_from_slice(channel);
            self.link.subscribed.insert(channel, topic);
        }
    }

    /// The oldest command has one answer, or the only one that it gets.
    async fn answered(&mut self, names: usize, failure: Option<BrokerError>) {
        match self.asked.front_mut() {
            Some(Asked::Names { left, job }) => {
                *left = left.saturating_sub(names);
                let (is_last, job) = (*left == 0, *job);
                if let (Some(failure), Some(job)) = (failure, self.jobs.get_mut(&job)) {
                    job.failure.get_or_insert(failure);
                }
                if is_last {
                    self.asked.pop_front();
                    self.finish(job).await;
                }
            }
            Some(Asked::Ping) => {
                self.asked.pop_front();
            }
            None => {}
        }
    }

    /// One command of a job is answered; with the last one the job is done.
    async fn finish(&mut self, id: u64) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        job.commands = job.commands.saturating_sub(1);
        if job.commands > 0 {
            return;
        }
        let Some(job) = self.jobs.remove(&id) else {
            return;
        };
        match (job.done, job.failure) {
            (Done::Answer(answer), None) => drop(answer.send(Ok(()))),
            (Done::Answer(answer), Some(failure)) => drop(answer.send(Err(failure))),
            (Done::Restored, failure) => {
                if let Some(error) = failure {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "Redis refused to restore subscriptions");
                }
                let topics = GapScope::All;
                // Whoever no longer reads its shard misses nothing.
                let _ = self.link.inbox.gap(Gap { topics }).await;
            }
        }
    }

    async fn deliver(&self, channel: &Bytes, message: Bytes) {
        let Some(topic) = self.link.subscribed.get(channel) else {
            return;
        };
        let Some((position, payload)) = framing::read(self.link.config.framing, message) else {
            tracing::warn!(%topic, "dropped what another software has published");
            return;
        };
        let delivery = Delivery {
            topic: topic.clone(),
            payload,
            position,
        };
        // Whoever no longer reads its shard misses nothing.
        let _ = self.link.inbox.deliver(delivery).await;
    }

    /// Takes back every subscription and waits until Redis has done so, for a moment at most.
    async fn say_goodbye(&mut self) {
        let goodbye = async {
            self.socket.send(&["RESET"]).await?;
            while self.socket.next().await? != Value::Text(Bytes::from_static(b"RESET")) {}
            Ok::<_, LinkError>(())
        };
        let _ = timeout(Duration::from_secs(1), goodbye).await;
    }
}
