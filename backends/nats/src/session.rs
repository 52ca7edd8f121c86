//! One connection for messages, while it lasts.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use mesahub_broker::{BrokerError, Delivery, Gap, GapScope, Topic};
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use crate::error::{LinkError, denied, refused};
use crate::link::{Change, Link, Request};
use crate::socket::Socket;
use crate::subscriptions::Place;
use crate::wire::{self, Message, PING, PONG, Word};

/// Bytes of subscriptions that are joined into one write.
const JOINED: usize = 64 * 1024;

/// How long taking back every subscription may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// A connection and what was asked on it.
pub(crate) struct Session<'link> {
    link: &'link mut Link,
    socket: Socket,
    /// What each PONG to come is for, in order.
    asked: VecDeque<Asked>,
    /// What was refused since the last PONG.
    failure: Option<BrokerError>,
}

enum Asked {
    Change {
        change: Change,
        /// The numbers of subscriptions that it began.
        begun: Vec<u64>,
        answer: oneshot::Sender<Result<(), BrokerError>>,
    },
    /// Everything is subscribed again after an interruption.
    Restored,
    /// A sign of life.
    Look,
}

impl<'link> Session<'link> {
    pub(crate) fn new(link: &'link mut Link, socket: Socket) -> Self {
        Self {
            link,
            socket,
            asked: VecDeque::new(),
            failure: None,
        }
    }

    /// Serves until told to stop, or until the connection is lost; whoever waits then is told.
    pub(crate) async fn run(mut self, stop: &CancellationToken) -> Result<(), LinkError> {
        let served = stop.run_until_cancelled(self.serve()).await;
        let lost = match served {
            Some(Err(lost)) => lost,
            Some(Ok(never)) => match never {},
            None => {
                let _ = timeout(GOODBYE, self.say_goodbye()).await;
                return Ok(());
            }
        };
        for asked in self.asked.drain(..) {
            if let Asked::Change { change, answer, .. } = asked {
                let _ = answer.send(match change {
                    Change::Subscribe => Err(BrokerError::unavailable(lost.to_string())),
                    Change::Unsubscribe => Ok(()),
                });
            }
        }
        Err(lost)
    }

    async fn serve(&mut self) -> Result<Infallible, LinkError> {
        self.restore().await?;
        let patience = self.link.servers.config.response_timeout;
        let mut looks = interval_at(Instant::now() + patience, patience);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = true;
        loop {
            tokio::select! {
                word = self.socket.next() => {
                    heard = true;
                    self.take(word?).await?;
                }
                Some(request) = self.link.requests.recv() => self.change(request).await?,
                _ = looks.tick() => {
                    // Nothing is asked twice: who was asked and has said nothing is gone.
                    if !heard && !self.asked.is_empty() {
                        let at = self.socket.at().to_owned();
                        return Err(LinkError::Silent(at, patience));
                    }
                    heard = false;
                    if self.asked.is_empty() {
                        self.asked.push_back(Asked::Look);
                        self.socket.write(PING).await?;
                    }
                }
            }
        }
    }

    /// Subscribes everything again. The gap follows when NATS has confirmed it all.
    async fn restore(&mut self) -> Result<(), LinkError> {
        self.link.subscriptions.begin_again();
        let all: Vec<(Topic, u64)> = self
            .link
            .subscriptions
            .all()
            .map(|(topic, number)| (topic.clone(), number))
            .collect();
        if all.is_empty() {
            return Ok(());
        }
        let mut out = Vec::new();
        for (topic, number) in &all {
            let subject = self.link.servers.config.prefix.topic(topic);
            wire::subscribe(&mut out, &subject, *number);
            if out.len() > JOINED {
                self.socket.write(&out).await?;
                out.clear();
            }
        }
        self.asked.push_back(Asked::Restored);
        out.extend_from_slice(PING);
        self.socket.write(&out).await
    }

    async fn change(&mut self, request: Request) -> Result<(), LinkError> {
        let Request {
            change,
            topics,
            answer,
        } = request;
        let (mut out, mut begun) = (Vec::new(), Vec::new());
        let prefix = &self.link.servers.config.prefix;
        let subscriptions = &mut self.link.subscriptions;
        for topic in &topics {
            match change {
                Change::Subscribe => {
                    if let Some(number) = subscriptions.begin(topic) {
                        wire::subscribe(&mut out, &prefix.topic(topic), number);
                        begun.push(number);
                    }
                }
                Change::Unsubscribe => {
                    if let Some(number) = subscriptions.end(topic) {
                        wire::unsubscribe(&mut out, number);
                    }
                }
            }
        }
        // Also where nothing is to be done: what is on its way for these topics may not be.
        self.asked.push_back(Asked::Change {
            change,
            begun,
            answer,
        });
        out.extend_from_slice(PING);
        self.socket.write(&out).await
    }

    async fn take(&mut self, word: Word) -> Result<(), LinkError> {
        match word {
            Word::Message(message) => self.deliver(message).await,
            Word::Pong => return self.answered().await,
            Word::Ping => return self.socket.write(PONG).await,
            Word::Error(text) => return self.refused(text),
            Word::Info(_) | Word::Ok => {}
        }
        Ok(())
    }

    /// A refusal concerns what the next PONG is for, or it ends the connection.
    fn refused(&mut self, text: String) -> Result<(), LinkError> {
        match denied(&text) {
            Some((true, subject)) => {
                if let Some(topic) = self.link.servers.config.prefix.listened(subject) {
                    self.link.subscriptions.end(&topic);
                }
            }
            None if text.eq_ignore_ascii_case("maximum subscriptions exceeded") => {}
            _ => return Err(LinkError::Refused(text)),
        }
        self.failure.get_or_insert(refused(&text));
        Ok(())
    }

    /// What stands in front of the oldest PING is done.
    async fn answered(&mut self) -> Result<(), LinkError> {
        let failure = self.failure.take();
        match self.asked.pop_front() {
            Some(Asked::Change { begun, answer, .. }) => {
                let outcome = match failure {
                    Some(failure) => {
                        self.take_back(&begun).await?;
                        Err(failure)
                    }
                    None => Ok(()),
                };
                let _ = answer.send(outcome);
            }
            Some(Asked::Restored) => {
                if let Some(error) = failure {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "NATS refused to restore subscriptions");
                }
                let topics = GapScope::All;
                // Whoever no longer reads its shard misses nothing.
                let _ = self.link.inbox.gap(Gap { topics }).await;
            }
            Some(Asked::Look) | None => {}
        }
        Ok(())
    }

    /// Ends what a request began that failed in part.
    async fn take_back(&mut self, begun: &[u64]) -> Result<(), LinkError> {
        let mut out = Vec::new();
        for number in begun {
            self.link.subscriptions.end_numbered(*number);
            wire::unsubscribe(&mut out, *number);
        }
        self.socket.write(&out).await
    }

    async fn deliver(&mut self, message: Message) {
        let Some(subscription) = self.link.subscriptions.of(message.sid) else {
            return;
        };
        if message.reply.is_some() {
            // Somebody only asks whether anybody listens.
            return;
        }
        let has_log = self.link.servers.config.log.is_some();
        let place = match has_log {
            true => subscription.place(&message),
            false => Place::None,
        };
        let topic = subscription.topic.clone();
        let position = match place {
            Place::None => None,
            Place::Next(position) => Some(position),
            Place::BehindGap(position) => {
                let topics = GapScope::Topics(vec![topic.clone()]);
                let _ = self.link.inbox.gap(Gap { topics }).await;
                Some(position)
            }
            Place::Again => return,
        };
        let delivery = Delivery {
            topic,
            payload: message.payload,
            position,
        };
        // Whoever no longer reads its shard misses nothing.
        let _ = self.link.inbox.deliver(delivery).await;
    }

    /// Takes back every subscription and waits until NATS has done so.
    async fn say_goodbye(&mut self) -> Result<(), LinkError> {
        let mut out = Vec::new();
        for (_, number) in self.link.subscriptions.all() {
            wire::unsubscribe(&mut out, number);
        }
        out.extend_from_slice(PING);
        self.socket.write(&out).await?;
        // PONGs for what was asked before come first.
        let mut left = self.asked.len() + 1;
        while left > 0 {
            if self.socket.next().await? == Word::Pong {
                left -= 1;
            }
        }
        Ok(())
    }
}
