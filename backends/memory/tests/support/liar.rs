//! A wrapper that breaks a promise, or none.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, LogPage, OnceKey, Position, Publication, Published, Topic,
};

/// Which promise to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// None: every call goes through as it is.
    Nothing,
    /// Sends each item twice.
    Repeats,
    /// Says that it has taken the last item of a long batch, and has not.
    Loses,
    /// Sends a batch backwards, and answers as if it had not.
    Reverses,
    /// Sends the end of a large payload to nobody.
    Truncates,
    /// Takes what is too large, and sends nothing.
    TakesAnything,
    /// Folds the case of topics.
    FoldsCase,
    /// Stays subscribed.
    NeverUnsubscribes,
    /// Reports a subscription and does not make it.
    NeverSubscribes,
    /// Counts by publishing an empty message.
    CountsAloud,
    /// Counts itself, whether it listens or not.
    CountsItself,
    /// Stays when it is told to leave.
    NeverCloses,
    /// Keeps nothing in a log.
    ForgetsToKeep,
    /// Keeps everything in a log.
    KeepsAll,
    /// Takes what is repeated with its key.
    ForgetsKeys,
    /// Takes a key once for all topics.
    SharesKeys,
    /// Does not say that it has not taken what is repeated.
    HidesDuplicates,
    /// Takes a key as used before it is known whether the item is taken.
    SpendsKeys,
    /// Reads on from the oldest when it does not know a position.
    Guesses,
    /// Reads one entry too many back.
    OffByOne,
    /// Never has more to read.
    NeverMore,
}

pub struct Liar {
    broker: Arc<dyn Broker>,
    lie: Lie,
    /// Keys that it has seen, of a topic or of all.
    spent: Mutex<HashSet<(Option<Topic>, OnceKey)>>,
}

impl Liar {
    pub fn new(broker: Arc<dyn Broker>, lie: Lie) -> Self {
        let spent = Mutex::default();
        Self { broker, lie, spent }
    }

    /// Publishes what its own account of keys lets through.
    async fn publish_by_keys(
        &self,
        batch: Vec<Publication>,
    ) -> Vec<Result<Published, BrokerError>> {
        let mut answers = Vec::new();
        for item in batch {
            let topic = (self.lie == Lie::SpendsKeys).then(|| item.topic.clone());
            let spent = item.once.filter(|_| item.log).map(|key| (topic, key));
            let known = spent.is_some_and(|key| !self.spent.lock().unwrap().insert(key));
            match known {
                true => answers.push(Ok(Published {
                    position: None,
                    duplicate: true,
                })),
                false => answers.extend(self.broker.publish(vec![item]).await),
            }
        }
        answers
    }

    /// What becomes of an item on its way.
    fn twist(&self, mut item: Publication) -> Publication {
        match self.lie {
            Lie::Truncates => item.payload.truncate(65_535),
            Lie::FoldsCase => item.topic = self.fold(&item.topic),
            Lie::ForgetsToKeep => item.log = false,
            Lie::KeepsAll => item.log = true,
            Lie::ForgetsKeys => item.once = None,
            _ => {}
        }
        item
    }

    fn fold(&self, topic: &Topic) -> Topic {
        if self.lie != Lie::FoldsCase {
            return topic.clone();
        }
        Topic::new(topic.as_str().to_lowercase()).unwrap()
    }

    fn fold_all(&self, topics: &[Topic]) -> Vec<Topic> {
        topics.iter().map(|topic| self.fold(topic)).collect()
    }
}

#[async_trait]
impl Broker for Liar {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        let mut batch: Vec<_> = batch.into_iter().map(|item| self.twist(item)).collect();
        let lost = Ok(Published {
            position: None,
            duplicate: false,
        });
        match self.lie {
            Lie::SharesKeys | Lie::SpendsKeys => return self.publish_by_keys(batch).await,
            Lie::Repeats => {
                self.broker.publish(batch.clone()).await;
            }
            Lie::Reverses => {
                batch.reverse();
                let mut answers = self.broker.publish(batch).await;
                answers.reverse();
                return answers;
            }
            Lie::Loses if batch.len() > 15 => {
                batch.pop();
                let mut answers = self.broker.publish(batch).await;
                answers.push(lost);
                return answers;
            }
            _ => {}
        }
        let mut answers = self.broker.publish(batch).await;
        for answer in &mut answers {
            if let (Lie::HidesDuplicates, Ok(published)) = (self.lie, &mut *answer) {
                published.duplicate = false;
            }
            let large = matches!(answer, Err(BrokerError::TooLarge { .. }));
            if large && self.lie == Lie::TakesAnything {
                *answer = lost.clone();
            }
        }
        answers
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        match self.lie {
            Lie::NeverSubscribes => self.broker.health().await,
            _ => self.broker.subscribe(&self.fold_all(topics)).await,
        }
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        match self.lie {
            Lie::NeverUnsubscribes => self.broker.health().await,
            _ => self.broker.unsubscribe(&self.fold_all(topics)).await,
        }
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        if self.lie == Lie::CountsAloud {
            let empty = Publication::new(topic.clone(), "");
            self.broker.publish(vec![empty]).await;
        }
        let count = self.broker.subscriber_count(&self.fold(topic)).await?;
        Ok(count + u64::from(self.lie == Lie::CountsItself))
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        let topic = self.fold(topic);
        let page = self.broker.read_log(&topic, after, limit).await;
        match (self.lie, page) {
            (Lie::Guesses, Err(BrokerError::UnknownPosition { .. })) => {
                self.broker.read_log(&topic, None, limit).await
            }
            (Lie::OffByOne, Ok(page)) if after.is_some() && limit > 0 && !page.more => {
                let (high, low) = after.unwrap_or(page.newest).parts();
                let before = Position::from_parts(high, low.saturating_sub(1));
                let earlier = self.broker.read_log(&topic, Some(before), limit).await;
                Ok(earlier.unwrap_or(page))
            }
            (Lie::NeverMore, Ok(page)) => Ok(LogPage {
                more: false,
                ..page
            }),
            (_, page) => page,
        }
    }

    async fn health(&self) -> Result<(), BrokerError> {
        self.broker.health().await
    }

    fn capabilities(&self) -> Capabilities {
        self.broker.capabilities()
    }

    async fn close(&self) {
        if self.lie != Lie::NeverCloses {
            self.broker.close().await;
        }
    }
}
