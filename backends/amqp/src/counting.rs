//! How many nodes listen to a topic: all of them are asked, and there are as many as consume from
//! a queue that every node consumes from.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use mesahub_broker::{BrokerError, Topic};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::error::of_call;
use crate::framing::Frame;
use crate::incoming::Incoming;
use crate::member::Member;
use crate::names::EVERYONE;

/// Answers that may wait for whoever has asked; more are dropped, and the count ends in a timeout.
const ANSWERS: usize = 1_024;

/// How long the answers are waited for before the nodes are counted again: one may have left.
const RECOUNT: Duration = Duration::from_millis(250);

/// Questions that this node has asked.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    next: AtomicU64,
    asked: Mutex<HashMap<u64, mpsc::Sender<bool>>>,
}

impl Questions {
    fn ask(&self) -> (u64, mpsc::Receiver<bool>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answers) = mpsc::channel(ANSWERS);
        self.asked.lock().insert(number, sender);
        (number, answers)
    }

    /// A node has answered.
    pub(crate) fn answered(&self, number: u64, listens: bool) {
        if let Some(answers) = self.asked.lock().get(&number) {
            let _ = answers.try_send(listens);
        }
    }
}

/// Asks all nodes whether they listen, and adds up.
pub(crate) async fn count(member: &Member, topic: &Topic) -> Result<u64, BrokerError> {
    let patience = member.config.response_timeout;
    let counting = async {
        let incoming = member.incoming()?;
        let (number, answers) = member.questions.ask();
        let _asked = Asked(member, number);
        collect(member, &incoming, topic, number, answers).await
    };
    match timeout(patience, counting).await {
        Ok(count) => count,
        Err(_) => Err(BrokerError::Timeout { after: patience }),
    }
}

async fn collect(
    member: &Member,
    incoming: &Incoming,
    topic: &Topic,
    number: u64,
    mut answers: mpsc::Receiver<bool>,
) -> Result<u64, BrokerError> {
    let question = Frame::Question {
        number,
        reply_to: incoming.control.as_str(),
        topic: topic.as_str(),
    };
    let mut nodes = nodes(member, incoming).await?;
    let exchange = &member.names.exchange;
    member
        .outgoing()?
        .tell(exchange, EVERYONE.into(), &question)
        .await?;
    let (mut answered, mut listening) = (0, 0);
    let mut recount = Instant::now() + RECOUNT;
    while answered < nodes {
        match tokio::time::timeout_at(recount, answers.recv()).await {
            Ok(Some(listens)) => {
                answered += 1;
                listening += u64::from(listens);
            }
            Ok(None) => break,
            Err(_) => {
                nodes = self::nodes(member, incoming).await?;
                recount = Instant::now() + RECOUNT;
            }
        }
    }
    Ok(listening)
}

/// How many nodes there are.
async fn nodes(member: &Member, incoming: &Incoming) -> Result<u32, BrokerError> {
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let asking =
        incoming
            .channel
            .queue_declare(member.names.nodes.clone(), options, FieldTable::default());
    let queue = asking.await.map_err(of_call)?;
    Ok(queue.consumer_count())
}

/// Forgets a question when nobody waits for it any more.
struct Asked<'a>(&'a Member, u64);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.questions.asked.lock().remove(&self.1);
    }
}
