//! A node under proof, and the ways to drive and to watch it.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

use crate::{
    Broker, BrokerError, Delivery, Gap, Inbound, InboxShard, LogEntry, Position, Publication,
    Published, Topic,
};

/// How long anything that must happen may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker and the shards of its inbox.
pub struct Node {
    broker: Arc<dyn Broker>,
    shards: Vec<InboxShard>,
    /// Whether gaps are part of the proof. Then each shard may tell of them, at any time.
    gaps: bool,
}

impl Node {
    /// A node whose broker pushes into the inbox of these shards.
    pub fn new(broker: impl Broker, shards: Vec<InboxShard>) -> Self {
        Self {
            broker: Arc::new(broker),
            shards,
            gaps: false,
        }
    }

    /// The broker, called without any wrapping of the suite's own.
    #[must_use]
    pub fn broker(&self) -> &dyn Broker {
        &*self.broker
    }

    /// The broker, for a task of its own.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn Broker> {
        Arc::clone(&self.broker)
    }

    /// The parts the node was made from.
    #[must_use]
    pub fn into_parts(self) -> (Arc<dyn Broker>, Vec<InboxShard>) {
        (self.broker, self.shards)
    }

    /// What comes next from any shard; `None` when all have ended.
    pub async fn next(&mut self) -> Option<Inbound> {
        within(poll_fn(|cx| self.poll_next(cx))).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        let mut open = false;
        for shard in &mut self.shards {
            match shard.poll_recv(cx) {
                Poll::Ready(Some(inbound)) => return Poll::Ready(Some(inbound)),
                Poll::Ready(None) => {}
                Poll::Pending => open = true,
            }
        }
        if open {
            Poll::Pending
        } else {
            Poll::Ready(None)
        }
    }

    /// The next delivery. A gap is not expected before the first call of [`gap`](Self::gap), and
    /// passed over after it.
    pub(super) async fn delivery(&mut self) -> Delivery {
        loop {
            match self.next().await {
                Some(Inbound::Delivery(delivery)) => return delivery,
                Some(Inbound::Gap(_)) if self.gaps => {}
                other => panic!("expected a delivery, got {other:?}"),
            }
        }
    }

    pub(super) async fn deliveries(&mut self, count: usize) -> Vec<Delivery> {
        let mut deliveries = Vec::with_capacity(count);
        while deliveries.len() < count {
            deliveries.push(self.delivery().await);
        }
        deliveries
    }

    /// The next gap, passing over deliveries.
    pub(super) async fn gap(&mut self) -> Gap {
        self.gaps = true;
        loop {
            match self.next().await {
                Some(Inbound::Gap(gap)) => return gap,
                Some(Inbound::Delivery(_)) => {}
                None => panic!("the inbox ended where a gap was expected"),
            }
        }
    }

    pub(super) async fn subscribe(&self, topics: &[Topic]) {
        let done = within(self.broker().subscribe(topics)).await;
        done.expect("a connected node subscribes");
    }

    /// Subscribes, trying for as long as a retry is promised to help: after a restart a node may be
    /// told of the gap before everything else of it is back.
    async fn subscribe_when_back(&self, topics: &[Topic]) {
        within(async {
            while let Err(error) = self.broker().subscribe(topics).await {
                assert!(error.is_retryable(), "{error:?}");
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    pub(super) async fn unsubscribe(&self, topics: &[Topic]) {
        let done = within(self.broker().unsubscribe(topics)).await;
        done.expect("a connected node unsubscribes");
    }

    pub(super) async fn count(&self, topic: &Topic) -> u64 {
        let count = within(self.broker().subscriber_count(topic)).await;
        count.expect("a connected node counts")
    }

    /// Publishes a batch, of which nothing may be refused.
    pub(super) async fn publish(&self, batch: Vec<Publication>) -> Vec<Published> {
        let answers = within(self.broker().publish(batch)).await;
        let taken: Result<_, BrokerError> = answers.into_iter().collect();
        taken.expect("a connected node publishes")
    }

    pub(super) async fn send(&self, topic: &Topic, payload: impl Into<Bytes>) {
        let publication = Publication::new(topic.clone(), payload);
        self.publish(vec![publication]).await;
    }

    /// Publishes one item to be kept, and gives its position.
    pub(super) async fn keep(&self, topic: &Topic, payload: impl Into<Bytes>) -> Position {
        let publication = Publication::new(topic.clone(), payload).logged();
        let published = self.publish(vec![publication]).await;
        published[0].position.expect("a kept item has a position")
    }

    /// Everything in a topic's log after a position, read in pages.
    pub(super) async fn log(
        &self,
        topic: &Topic,
        mut after: Option<Position>,
    ) -> Result<Vec<LogEntry>, BrokerError> {
        let mut entries = Vec::new();
        loop {
            let page = within(self.broker().read_log(topic, after, 7)).await?;
            let last = page.entries.last().map(|entry| entry.position);
            entries.extend(page.entries);
            if !page.more {
                return Ok(entries);
            }
            assert!(last > after, "a page that has more moves on");
            after = last;
        }
    }

    /// [`settled`] for one node.
    pub(super) async fn settled(&mut self, publisher: &Self, topics: &[Topic]) -> Vec<Delivery> {
        let [ahead] = settled([self], publisher, topics).await;
        ahead
    }
}

/// The next `count` deliveries of each node, read from all at once, so that none keeps the
/// publishers of another waiting.
pub(super) async fn deliveries_of(nodes: &mut [Node], count: usize) -> Vec<Vec<Delivery>> {
    let mut read = vec![Vec::with_capacity(count); nodes.len()];
    within(poll_fn(|cx| {
        let mut complete = true;
        for (node, read) in nodes.iter_mut().zip(&mut read) {
            while read.len() < count {
                match node.poll_next(cx) {
                    Poll::Ready(Some(Inbound::Delivery(delivery))) => read.push(delivery),
                    Poll::Ready(other) => panic!("expected a delivery, got {other:?}"),
                    Poll::Pending => {
                        complete = false;
                        break;
                    }
                }
            }
        }
        if complete {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }))
    .await;
    read
}

/// Everything that reaches these nodes up to now: subscribes them to these topics, has `publisher`
/// send a marker to each topic, and collects what comes ahead of the markers.
///
/// Markers come last, since `publisher` must be the one that sent what is being ruled out.
pub(super) async fn settled<const N: usize>(
    mut nodes: [&mut Node; N],
    publisher: &Node,
    topics: &[Topic],
) -> [Vec<Delivery>; N] {
    for node in &nodes {
        node.subscribe_when_back(topics).await;
    }
    let mark = Bytes::from(unique("marker"));
    let mut ahead = [const { Vec::new() }; N];
    for topic in topics {
        // Read while it is being sent, since an inbox may be full.
        let reading = async {
            for (node, ahead) in nodes.iter_mut().zip(&mut ahead) {
                loop {
                    let delivery = node.delivery().await;
                    if delivery.payload == mark {
                        assert_eq!(delivery.topic, *topic, "a marker came twice, or elsewhere");
                        break;
                    }
                    ahead.push(delivery);
                }
            }
        };
        tokio::join!(publisher.send(topic, mark.clone()), reading);
    }
    ahead
}

/// A topic that no other promise and no other run uses.
pub(super) fn fresh(label: &str) -> Topic {
    Topic::new(unique(label)).expect("a label leaves room for the suffix")
}

/// What the future gives, if it gives it in time.
pub(super) async fn within<F: Future>(future: F) -> F::Output {
    let outcome = tokio::time::timeout(PATIENCE, future).await;
    outcome.expect("what was awaited has come in time")
}

/// The payloads as text, for comparing.
pub(super) fn texts<'a>(payloads: impl IntoIterator<Item = &'a Bytes>) -> Vec<String> {
    payloads
        .into_iter()
        .map(|payload| String::from_utf8_lossy(payload).into_owned())
        .collect()
}

fn unique(label: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_nanos());
    format!("{label}:{now:x}:{}:{next}", std::process::id())
}
