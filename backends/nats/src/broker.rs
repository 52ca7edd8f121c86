//! The broker.

use std::sync::Arc;

use async_trait::async_trait;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, Inbox, LogPage, MAX_PAYLOAD, Position, Publication,
    Published, Topic,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::commands::{self, Commands, State};
use crate::config::NatsConfig;
use crate::error::LinkError;
use crate::flight::Reply;
use crate::link::{Change, Link, Request};
use crate::logs::Logs;
use crate::names;
use crate::parts::parts;
use crate::servers::Servers;
use crate::stream;
use crate::wire;

/// Requests that may wait for the task of the subscriptions; whoever asks then waits for room.
const WAITING_REQUESTS: usize = 64;

/// One node on NATS.
#[derive(Debug)]
pub struct NatsBroker {
    servers: Arc<Servers>,
    /// `None` where no logs are kept.
    logs: Option<Logs>,
    state: watch::Receiver<State>,
    requests: mpsc::Sender<Request>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl NatsBroker {
    /// Connects, finds or makes the stream of the logs, and delivers into `inbox` from now on.
    /// Needs a Tokio runtime.
    ///
    /// # Errors
    /// When none of the servers can be reached within [`NatsConfig::connect_timeout`] each, or none
    /// lets us in, or there is no JetStream for the logs: the text says what to mend and holds no
    /// secret.
    pub async fn open(config: NatsConfig, inbox: Inbox) -> Result<Self, BrokerError> {
        let servers = Arc::new(Servers::new(config));
        let first = servers.open().await.map_err(LinkError::into_broker)?;
        let (commands, session) = commands::open(&servers)
            .await
            .map_err(LinkError::into_broker)?;
        let (sender, state) = watch::channel(Ok(commands.clone()));
        let (requests, waiting) = mpsc::channel(WAITING_REQUESTS);
        let broker = Self {
            logs: servers
                .config
                .log
                .clone()
                .map(|config| Logs::new(config, &servers.config.prefix)),
            state,
            requests,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            servers: Arc::clone(&servers),
        };
        let stop = || broker.stop.clone();
        let link = Link::new(Arc::clone(&servers), inbox, waiting, stop());
        broker
            .tasks
            .spawn(commands::keep(servers, session, sender, stop()));
        broker.tasks.spawn(link.run(first));
        broker.tasks.close();
        if let Some(logs) = &broker.logs {
            logs.stream(&commands).await?;
        }
        Ok(broker)
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

    async fn publish_part(
        &self,
        part: &[Publication],
        answers: &mut Vec<Result<Published, BrokerError>>,
    ) {
        let sent = match self.connected() {
            Ok(commands) => self.send(&commands, part).await,
            Err(error) => Err(error),
        };
        let sent = sent.unwrap_or_else(|error| vec![Err(error); part.len()]);
        let judged = part.iter().zip(sent);
        answers.extend(judged.map(|(one, answer)| oversize(one).map_or(answer, Err)));
    }

    /// Sends what is not too large, and gives an answer for each item.
    async fn send(
        &self,
        commands: &Commands,
        part: &[Publication],
    ) -> Result<Vec<Result<Published, BrokerError>>, BrokerError> {
        let prefix = &self.servers.config.prefix;
        let mut flight = commands.flight();
        let mut subjects = Vec::with_capacity(part.len());
        for one in part {
            let is_kept = self.is_kept(one);
            let subject = if is_kept {
                prefix.log(&one.topic)
            } else {
                prefix.topic(&one.topic)
            };
            if oversize(one).is_none() {
                match is_kept {
                    true => {
                        let headers = id_headers(one, commands.max_payload);
                        flight.request_with(&subject, &headers, &one.payload);
                    }
                    false => flight.publish(&subject, &one.payload),
                }
            }
            subjects.push(subject);
        }
        let mut landing = commands.send(flight).await?;
        let mut replies = std::mem::take(&mut landing.replies).into_iter();
        let mut nowhere = Vec::new();
        let mut answers = Vec::with_capacity(part.len());
        for (one, subject) in part.iter().zip(subjects) {
            answers.push(match self.is_kept(one) && oversize(one).is_none() {
                false => landing.denial(&subject).map_or(Ok(NOT_KEPT), Err),
                true => match replies.next() {
                    Some(Reply::Message(acknowledged)) => stream::position(&acknowledged.payload),
                    Some(Reply::Denied(error)) => Err(error),
                    Some(Reply::Nobody) | None => {
                        nowhere.push(answers.len());
                        Err(BrokerError::unavailable("nobody takes what is to be kept"))
                    }
                },
            });
        }
        if let (false, Some(logs)) = (nowhere.is_empty(), &self.logs) {
            // The next attempt finds the stream; this one is told what is in the way, if anything.
            if let Err(error) = logs.look_again(commands).await {
                nowhere
                    .into_iter()
                    .for_each(|place| answers[place] = Err(error.clone()));
            }
        }
        Ok(answers)
    }

    fn is_kept(&self, one: &Publication) -> bool {
        one.log && self.logs.is_some()
    }
}

/// Taken, without a place in a log.
const NOT_KEPT: Published = Published {
    position: None,
    duplicate: false,
};

#[async_trait]
impl Broker for NatsBroker {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        let mut answers = Vec::with_capacity(batch.len());
        for part in parts(&batch, self.logs.is_some()) {
            self.publish_part(part, &mut answers).await;
        }
        answers
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.change(Change::Subscribe, topics).await?;
        match (&self.logs, self.connected()) {
            (Some(logs), Ok(commands)) if commands.is_clustered => logs.reach(&commands).await,
            _ => {}
        }
        Ok(())
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.change(Change::Unsubscribe, topics).await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        let commands = self.connected()?;
        let subject = self.servers.config.prefix.topic(topic);
        let mut flight = commands.flight();
        flight.probe(&subject);
        let landing = commands.send(flight).await?;
        match landing.denial(&subject) {
            Some(error) => Err(error),
            None => Ok(u64::from(landing.replies.is_empty())),
        }
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        match (self.connected(), &self.logs) {
            (Err(BrokerError::Closed), _) => Err(BrokerError::Closed),
            (_, None) => Err(BrokerError::LogUnsupported),
            (commands, Some(logs)) => logs.read(&commands?, topic, after, limit).await,
        }
    }

    async fn health(&self) -> Result<(), BrokerError> {
        let commands = self.connected()?;
        commands.send(commands.flight()).await?;
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        let log = self.logs.is_some();
        Capabilities {
            log,
            log_survives_restart: log,
            exact_subscriber_count: false,
            separate_server: true,
            max_payload: MAX_PAYLOAD,
        }
    }

    async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for NatsBroker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Headers that tell the stream what it knows a publication by; nothing for one without a key, or
/// where they would make a message of more than `most` bytes, which the server does not take.
fn id_headers(publication: &Publication, most: usize) -> String {
    let Some(key) = publication.once else {
        return String::new();
    };
    let id = names::message_id(&publication.topic, key);
    let headers = wire::headers("Nats-Msg-Id", &id);
    match headers.len() + publication.payload.len() > most {
        true => String::new(),
        false => headers,
    }
}

fn oversize(publication: &Publication) -> Option<BrokerError> {
    let size = publication.payload.len();
    let max = MAX_PAYLOAD;
    (size > max).then_some(BrokerError::TooLarge { size, max })
}
