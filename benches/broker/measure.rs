//! What is measured.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mesahub_broker::Topic;

use crate::client::Client;
use crate::stage::bounds;

/// Bytes of a message.
const PAYLOAD: usize = 200;

/// Publications on their way at once where each is one of its own.
const AT_ONCE: usize = 64;

/// Messages in a batch, and topics named together.
const BATCH: usize = 100;

/// Two nodes of one kind on one backplane.
pub(crate) struct Pair {
    one: Box<dyn Client>,
    other: Box<dyn Client>,
    payload: Bytes,
    nobody: Topic,
    inward: Topic,
    ping: Topic,
    pong: Topic,
    logged: Topic,
}

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Latency,
    Single,
    Batched,
    FanIn,
    RoundTrip,
    Subscribe,
    Append,
    Read,
}

impl Pair {
    /// Nodes that listen to what they will be sent. `kind` keeps the topics of both kinds apart.
    pub(crate) async fn new(kind: &str, one: Box<dyn Client>, other: Box<dyn Client>) -> Self {
        let topic = |name: &str| topic(&format!("bench:{kind}:{name}"));
        let pair = Self {
            one,
            other,
            payload: Bytes::from(vec![b'm'; PAYLOAD]),
            nobody: topic("nobody"),
            inward: topic("inward"),
            ping: topic("ping"),
            pong: topic("pong"),
            logged: topic("logged"),
        };
        pair.one.subscribe(std::slice::from_ref(&pair.pong)).await;
        let inward = [pair.inward.clone(), pair.ping.clone()];
        pair.other.subscribe(&inward).await;
        for _ in 0..bounds().max_count.div_ceil(BATCH) {
            pair.one.append(&pair.logged, &pair.payload, BATCH).await;
        }
        pair
    }

    /// How long each of so many round trips from node to node takes.
    pub(crate) async fn round_trips(&self, rounds: usize) -> Vec<Duration> {
        let mut took = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            let begin = Instant::now();
            self.one.publish(&self.ping, &self.payload, 1).await;
            self.other.receive(1).await;
            self.other.publish(&self.pong, &self.payload, 1).await;
            self.one.receive(1).await;
            took.push(begin.elapsed());
        }
        took
    }
}

impl Work {
    pub(crate) const ALL: [Self; 8] = [
        Self::Latency,
        Self::Single,
        Self::Batched,
        Self::FanIn,
        Self::RoundTrip,
        Self::Subscribe,
        Self::Append,
        Self::Read,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Latency => "publish, one after the other",
            Self::Single => "publish, 64 at a time",
            Self::Batched => "publish, batches of 100",
            Self::FanIn => "fan-in to one node, batches of 100",
            Self::RoundTrip => "round trip node to node",
            Self::Subscribe => "subscribe, 100 topics at a time",
            Self::Append => "append to a log, batches of 100",
            Self::Read => "read a log of 256 entries",
        }
    }

    /// What is done once a round.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Latency | Self::RoundTrip => "µs",
            Self::Single | Self::Batched | Self::FanIn => "messages/s",
            Self::Subscribe => "topics/s",
            Self::Append | Self::Read => "entries/s",
        }
    }

    /// Whether less is better: what counts is how long one round takes.
    pub(crate) fn is_latency(self) -> bool {
        matches!(self, Self::Latency | Self::RoundTrip)
    }

    /// Rounds of one turn of the comparison.
    pub(crate) fn rounds(self) -> usize {
        match self {
            Self::Latency | Self::RoundTrip => 2_000,
            Self::Single | Self::Subscribe => 10_000,
            Self::Batched | Self::FanIn | Self::Append | Self::Read => 20_000,
        }
    }

    /// How long so many rounds take.
    pub(crate) async fn run(self, pair: &Pair, rounds: usize) -> Duration {
        let Pair { one, payload, .. } = pair;
        let batches = move || {
            (0..rounds)
                .step_by(BATCH)
                .map(move |done| BATCH.min(rounds - done))
        };
        let begin = Instant::now();
        match self {
            Self::Latency => {
                for _ in 0..rounds {
                    one.publish(&pair.nobody, payload, 1).await;
                }
            }
            Self::Single => {
                stream::iter(0..rounds)
                    .for_each_concurrent(AT_ONCE, |_| one.publish(&pair.nobody, payload, 1))
                    .await;
            }
            Self::Batched => {
                for count in batches() {
                    one.publish(&pair.nobody, payload, count).await;
                }
            }
            Self::FanIn => {
                let publishing = async {
                    for count in batches() {
                        one.publish(&pair.inward, payload, count).await;
                    }
                };
                tokio::join!(publishing, pair.other.receive(rounds));
            }
            Self::RoundTrip => {
                pair.round_trips(rounds).await;
            }
            Self::Subscribe => {
                let topics = fresh(rounds);
                let begin = Instant::now();
                for topics in topics.chunks(BATCH) {
                    one.subscribe(topics).await;
                }
                let took = begin.elapsed();
                for topics in topics.chunks(BATCH) {
                    one.unsubscribe(topics).await;
                }
                return took;
            }
            Self::Append => {
                for count in batches() {
                    one.append(&pair.logged, payload, count).await;
                }
            }
            Self::Read => {
                let mut read = 0;
                while read < rounds {
                    read += one.read(&pair.logged, bounds().max_count).await;
                }
            }
        }
        begin.elapsed()
    }
}

/// Topics that nobody has named before.
pub(crate) fn fresh(count: usize) -> Vec<Topic> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let first = NEXT.fetch_add(count, Ordering::Relaxed);
    let name = |number| format!("notifications:group:tenant:mesa-centro:order:{number:032}");
    (first..first + count)
        .map(|number| topic(&name(number)))
        .collect()
}

fn topic(name: &str) -> Topic {
    Topic::new(name).expect("the name is short")
}
