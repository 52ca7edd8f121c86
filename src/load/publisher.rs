//! Publishing, at a pace.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use tokio::time::{Instant, interval, interval_at, sleep};

use super::door::Door;
use super::fleet::World;
use super::line::Line;
use super::mark::Mark;
use super::plan::{Call, Publishing};
use super::refusal::{Refusal, retry_after};
use super::template::filled;

/// The pause before an answer that says "later" is asked for again, where it does not say when.
const PAUSE: Duration = Duration::from_millis(200);

/// How often a publisher with nothing to do shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Publishes to some of the channels.
pub(super) struct Publisher {
    world: Arc<World>,
    sender: Sender,
    channels: Vec<usize>,
    pace: Duration,
}

/// How it is published.
enum Sender {
    Hub {
        door: Door,
        token: Option<String>,
        call: Call,
        line: Option<Box<Line>>,
    },
    Http {
        client: reqwest::Client,
        url: String,
        token: Option<String>,
        body: Value,
        patience: Duration,
    },
}

/// The publishers of a plan; each has its share of the channels and of the rate.
pub(super) fn publishers(world: &Arc<World>) -> Result<Vec<Publisher>, reqwest::Error> {
    let plan = &world.plan;
    let count = match &plan.publishing {
        Publishing::Hub { publishers, .. } | Publishing::Http { publishers, .. } => *publishers,
    };
    let count = count.min(plan.channels.count);
    let pace = Duration::from_secs_f64((count as f64 / plan.rate).min(3600.0));
    let client = reqwest::Client::builder().timeout(plan.patience).build()?;
    let publisher = |index| Publisher {
        world: Arc::clone(world),
        sender: Sender::new(&world.door, &plan.publishing, &client, plan.patience),
        channels: (index..plan.channels.count).step_by(count).collect(),
        pace: pace.max(Duration::from_nanos(1)),
    };
    Ok((0..count).map(publisher).collect())
}

impl Publisher {
    /// Publishes to its channels in turn, until the time is over.
    pub(super) async fn publish(mut self) {
        let plan = &self.world.plan;
        let end = Instant::now() + plan.duration;
        let mut pace = interval(self.pace);
        for channel in self.channels.iter().copied().cycle() {
            tokio::select! {
                _ = pace.tick() => {}
                () = self.sender.idle() => {}
            }
            if Instant::now() >= end {
                return;
            }
            let mark = self.world.tally.next(channel);
            let message = mark.message(plan.size);
            let sent = self.sender.send(&mark, &plan.name(channel), &message).await;
            if let Err(refusal) = sent {
                self.world.tally.refuse(&mark);
                self.world.tally.blame(&refusal);
            }
        }
    }
}

impl Sender {
    fn new(
        door: &Door,
        publishing: &Publishing,
        client: &reqwest::Client,
        patience: Duration,
    ) -> Self {
        match publishing.clone() {
            Publishing::Hub { call, token, .. } => Self::Hub {
                door: door.clone(),
                token,
                call,
                line: None,
            },
            Publishing::Http {
                url, token, body, ..
            } => Self::Http {
                client: client.clone(),
                url,
                token,
                body,
                patience,
            },
        }
    }

    /// Keeps a connection to the hub alive, for as long as it is waited for.
    async fn idle(&mut self) {
        let Self::Hub { line, .. } = self else {
            return pending().await;
        };
        let mut alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        while let Some(open) = line {
            let done = tokio::select! {
                _ = alive.tick() => open.ping().await,
                heard = open.hear(|_| {}) => heard,
            };
            if done.is_err() {
                *line = None;
            }
        }
        pending().await
    }

    /// Publishes a message: an error when it was not taken, or nobody knows.
    async fn send(&mut self, mark: &Mark, channel: &str, message: &str) -> Result<(), Refusal> {
        match self {
            Self::Hub {
                door,
                token,
                call,
                line,
            } => {
                let mut open = match line.take() {
                    Some(open) => open,
                    None => Box::new(Line::open(door, token.as_deref(), |_| {}).await?),
                };
                let arguments = call.arguments.iter().map(|it| filled(it, channel, message));
                let arguments: Vec<Value> = arguments.collect();
                let called = open.call(&call.method, &arguments, |_| {}).await;
                if !matches!(&called, Err(refusal) if !matches!(refusal, Refusal::Call { .. })) {
                    *line = Some(open);
                }
                called
            }
            Self::Http {
                client,
                url,
                token,
                body,
                patience,
            } => {
                let body = filled(body, channel, message);
                let key = format!("{}-{}-{}", mark.run, mark.channel, mark.number);
                let give_up = Instant::now() + *patience;
                loop {
                    let mut request = client
                        .post(&*url)
                        .header("Idempotency-Key", &key)
                        .json(&body);
                    if let Some(token) = token {
                        request = request.bearer_auth(token);
                    }
                    let later = match request.send().await {
                        Ok(answer) if answer.status().is_success() => {
                            // A connection serves again when its answer has been read.
                            let _ = answer.bytes().await;
                            return Ok(());
                        }
                        Ok(answer) => status(&answer),
                        Err(_) => Refusal::Late,
                    };
                    let wait = later.retry_after().unwrap_or(PAUSE);
                    if !is_passing(&later) || Instant::now() + wait > give_up {
                        return Err(later);
                    }
                    sleep(wait).await;
                }
            }
        }
    }
}

fn status(answer: &reqwest::Response) -> Refusal {
    Refusal::Status {
        asked: "a publication",
        status: answer.status(),
        retry_after: retry_after(answer.headers()),
    }
}

/// Whether the same may be taken later.
fn is_passing(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Status { status, .. } => [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ]
        .contains(status),
        other => matches!(other, Refusal::Late),
    }
}
