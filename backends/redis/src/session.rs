//! A connection on which messages come, while it lasts.

use std::collections::HashSet;
use std::convert::Infallible;

use bytes::Bytes;
use mesahub_broker::{BrokerError, Delivery, Gap, GapScope, Topic};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use crate::asked::{Asked, Done, Job};
use crate::error::{LinkError, is_moved, refused};
use crate::framing;
use crate::link::{Change, Link, Request};
use crate::resp::{self, Value};
use crate::socket::Socket;

/// One connection.
pub(crate) struct Session<'link> {
    link: &'link mut Link,
    socket: Socket,
    asked: Asked,
    /// Topics that may have lost something, of which nobody has been told yet: a message of one of
    /// them must not come first.
    torn: HashSet<Topic>,
}

impl<'link> Session<'link> {
    pub(crate) fn new(link: &'link mut Link, socket: Socket) -> Self {
        let asked = Asked::default();
        Self {
            link,
            socket,
            asked,
            torn: HashSet::new(),
        }
    }

    /// Serves until told to stop, or until the connection is lost; whoever waits then is told.
    pub(crate) async fn run(mut self, stop: &CancellationToken) -> Result<(), LinkError> {
        match stop.run_until_cancelled(self.serve()).await {
            None => {
                self.say_goodbye().await;
                Ok(())
            }
            Some(Ok(never)) => match never {},
            Some(Err(lost)) => {
                let told = BrokerError::unavailable(lost.to_string());
                for channel in self.asked.abandon(&told) {
                    self.link.subscribed.remove(&channel);
                }
                Err(lost)
            }
        }
    }

    async fn serve(&mut self) -> Result<Infallible, LinkError> {
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
                    let portions = self.link.config.portions(&topics);
                    self.ask(change, portions, Done::Answer(answer)).await?;
                }
                _ = looks.tick() => {
                    // Nothing is asked twice: who was asked and has said nothing is gone.
                    if !heard && !self.asked.is_empty() {
                        return Err(LinkError::Silent(self.socket.at().to_string(), patience));
                    }
                    heard = false;
                    if self.asked.is_empty() {
                        self.asked.ping();
                        let ping = resp::command([&b"PING"[..]].into_iter());
                        self.write(&ping).await?;
                    }
                }
            }
        }
    }

    /// Subscribes everything again. The gap follows when Redis has confirmed it all.
    async fn restore(&mut self) -> Result<(), LinkError> {
        if self.link.subscribed.is_empty() {
            self.link.backoff.reset();
            return Ok(());
        }
        self.torn = self.link.subscribed.values().cloned().collect();
        let portions = self.link.config.portions(self.link.subscribed.values());
        self.ask(Change::Subscribe, portions, Done::Restored).await
    }

    async fn ask(
        &mut self,
        change: Change,
        portions: Vec<Vec<Bytes>>,
        done: Done,
    ) -> Result<(), LinkError> {
        if portions.is_empty() {
            if let Done::Answer(answer) = done {
                let _ = answer.send(Ok(()));
            }
            return Ok(());
        }
        let job = self.asked.begin(change, done, portions.len());
        let name: &[u8] = match (change, self.link.config.is_sharded()) {
            (Change::Subscribe, false) => b"SUBSCRIBE",
            (Change::Subscribe, true) => b"SSUBSCRIBE",
            (Change::Unsubscribe, false) => b"UNSUBSCRIBE",
            (Change::Unsubscribe, true) => b"SUNSUBSCRIBE",
        };
        for channels in portions {
            let words: Vec<&[u8]> = std::iter::once(name)
                .chain(channels.iter().map(|channel| &channel[..]))
                .collect();
            let command = resp::command(words.into_iter());
            self.asked.names(job, change, channels);
            self.write(&command).await?;
        }
        Ok(())
    }

    /// A server that takes nothing for so long is gone: what we write waits for no other reason.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let patience = self.link.config.response_timeout;
        match timeout(patience, self.socket.write(bytes)).await {
            Ok(written) => written,
            Err(_) => Err(LinkError::Silent(self.socket.at().to_string(), patience)),
        }
    }

    async fn take(&mut self, value: Value) -> Result<(), LinkError> {
        let mut push = match value {
            Value::Push(push) => push,
            Value::Error(text) => return self.refuse(&text).await,
            _ => {
                self.answered().await;
                return Ok(());
            }
        };
        let (Some(kind), 3) = (push.first().and_then(Value::text).cloned(), push.len()) else {
            return Ok(());
        };
        let last = push.pop();
        let Some(Value::Text(channel)) = push.pop() else {
            return Ok(());
        };
        match &kind[..] {
            b"message" | b"smessage" => match last {
                Some(Value::Text(message)) => self.deliver(&channel, message).await,
                _ => return Err(resp::NoResp.into()),
            },
            b"subscribe" | b"ssubscribe" => self.confirm(&channel, Change::Subscribe).await,
            b"unsubscribe" | b"sunsubscribe" => self.confirm(&channel, Change::Unsubscribe).await,
            _ => {}
        }
        Ok(())
    }

    async fn confirm(&mut self, channel: &Bytes, change: Change) {
        let was_asked = self.asked.awaits(channel, change);
        match change {
            Change::Subscribe => {
                if let Some(topic) = self.link.config.topic(channel) {
                    // A copy: the bytes are a part of whatever else came with them.
                    let channel = Bytes::copy_from_slice(channel);
                    self.link.subscribed.insert(channel, topic);
                }
            }
            // Unless it was asked to, the node has given up the slot of the channel.
            Change::Unsubscribe if was_asked => drop(self.link.subscribed.remove(channel)),
            Change::Unsubscribe => self.lose(channel).await,
        }
        if was_asked {
            self.answered().await;
        }
    }

    async fn answered(&mut self) {
        if let Some(job) = self.asked.answered() {
            self.finish(job).await;
        }
    }

    /// The oldest command has no answer but this error.
    async fn refuse(&mut self, text: &str) -> Result<(), LinkError> {
        let Some(names) = self.asked.refused() else {
            return Ok(());
        };
        let moved = is_moved(text);
        if moved {
            for channel in &names.left {
                self.lose(channel).await;
            }
        }
        if let Some(job) = self.asked.job(&names) {
            let (failure, restores) = (refused(text), matches!(job.done, Done::Restored));
            // What the node does not have is not subscribed there, and the router knows.
            if !(moved && (restores || names.change == Change::Unsubscribe)) {
                if restores && failure.is_retryable() {
                    return Err(LinkError::Refused(text.to_owned()));
                }
                job.failure.get_or_insert(failure);
            }
        }
        if let Some(job) = self.asked.finish(&names) {
            self.finish(job).await;
        }
        Ok(())
    }

    async fn finish(&mut self, job: Job) {
        match (job.done, job.failure) {
            (Done::Answer(answer), None) => drop(answer.send(Ok(()))),
            (Done::Answer(answer), Some(failure)) => drop(answer.send(Err(failure))),
            (Done::Restored, failure) => {
                if let Some(error) = failure {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "Redis refused to restore subscriptions");
                }
                self.link.backoff.reset();
                self.torn = HashSet::new();
                let topics = self.link.scope();
                // Whoever no longer reads its shard misses nothing.
                let _ = self.link.inbox.gap(Gap { topics }).await;
            }
        }
    }

    /// The node no longer has a channel, or never had it.
    async fn lose(&mut self, channel: &Bytes) {
        let lost = self.link.subscribed.remove(channel);
        let topic = lost.or_else(|| self.link.config.topic(channel));
        if let (Some(reporter), Some(topic)) = (&self.link.reporter, topic) {
            reporter.lost(topic).await;
        }
    }

    async fn deliver(&mut self, channel: &Bytes, message: Bytes) {
        let Some(topic) = self.link.subscribed.get(channel) else {
            return;
        };
        let Some((position, payload)) = framing::read(self.link.config.framing, message) else {
            tracing::warn!(%topic, "dropped what another software has published");
            return;
        };
        if self.torn.remove(topic) {
            let topics = GapScope::Topics(vec![topic.clone()]);
            let _ = self.link.inbox.gap(Gap { topics }).await;
        }
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
