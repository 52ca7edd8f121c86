//! Asking and telling other nodes, and being asked and told.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use mesahub_broker::{Broker, BrokerError, Gap, Publication, Topic};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::hub::peers::leases::Leases;
use crate::hub::peers::letter::{Head, join, split};
use crate::hub::peers::node_id::NodeId;
use crate::hub::peers::service::Service;

/// Questions of other nodes that may wait to be looked at. What is over is not answered, and
/// whoever asked learns that it was not.
const QUESTIONS: usize = 4_096;

/// Questions that are answered at the same time; each may wait for a client.
const ANSWERING: usize = 4_096;

/// Answers that are taken of nodes that were not known when all were asked.
const STRANGERS: usize = 64;

/// The other nodes, as this one sees them.
pub(crate) struct Peers {
    me: NodeId,
    broker: Arc<dyn Broker>,
    mine: Topic,
    everyones: Topic,
    services: RwLock<HashMap<String, Weak<dyn Service>>>,
    pending: Mutex<HashMap<u64, mpsc::Sender<Answer>>>,
    next: AtomicU64,
    questions: mpsc::Sender<Question>,
    /// None where no other node can be: nothing is sent or awaited then.
    pub(super) leases: Option<Leases>,
    /// Somebody greeted.
    pub(super) greeted: Notify,
    /// Signs of life may be missing, so that everybody has to be greeted again.
    pub(super) interrupted: Notify,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// No such node listens.
    #[error("there is no node {0}")]
    NoNode(NodeId),
    /// The node did not answer in time.
    #[error("the node did not answer")]
    Silent,
    /// The backplane refused.
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// Who answers, and what; nothing from a node that has no such service.
type Answer = (NodeId, Option<Bytes>);

/// A question of another node.
pub(crate) struct Question {
    from: NodeId,
    number: u64,
    service: String,
    body: Bytes,
}

/// Forgets a question when it is dropped.
struct Asked<'a> {
    peers: &'a Peers,
    number: u64,
    answers: mpsc::Receiver<Answer>,
}

impl Peers {
    /// The other nodes behind a broker, and the questions that they will ask. Without a lease this
    /// node is alone.
    pub(crate) fn new(
        broker: Arc<dyn Broker>,
        lease: Option<Duration>,
    ) -> (Arc<Self>, mpsc::Receiver<Question>) {
        let me = NodeId::random();
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let peers = Arc::new(Self {
            me,
            broker,
            mine: topic_of(me),
            everyones: topic_of_all(),
            services: RwLock::default(),
            pending: Mutex::default(),
            next: AtomicU64::new(1),
            questions,
            leases: lease.map(Leases::new),
            greeted: Notify::new(),
            interrupted: Notify::new(),
        });
        (peers, asked)
    }

    /// This node.
    pub(crate) fn me(&self) -> NodeId {
        self.me
    }

    /// How many other nodes are alive.
    pub(crate) fn others(&self) -> usize {
        self.leases.as_ref().map_or(0, Leases::count)
    }

    /// The topics that this node must listen to.
    pub(super) fn topics(&self) -> Vec<Topic> {
        let mut topics = vec![self.mine.clone()];
        if self.leases.is_some() {
            topics.push(self.everyones.clone());
        }
        topics
    }

    /// Answers under this name for as long as the service lives.
    pub(crate) fn serve(&self, name: impl Into<String>, service: Weak<dyn Service>) {
        self.services.write().insert(name.into(), service);
    }

    /// Asks one node, and waits for as long as the deadline at most. Dropping the future gives the
    /// answer up; the node is not told.
    pub(crate) async fn ask(
        &self,
        node: NodeId,
        service: &str,
        question: &[u8],
        deadline: Duration,
    ) -> Result<Bytes, AskError> {
        self.must_exist(node).await?;
        let mut asked = self.asked(1);
        self.send_question(topic_of(node), asked.number, service, question)
            .await?;
        match tokio::time::timeout(deadline, asked.answers.recv()).await {
            Ok(Some((_, Some(answer)))) => Ok(answer),
            Ok(Some((_, None))) => Err(AskError::NoNode(node)),
            Ok(None) | Err(_) => Err(AskError::Silent),
        }
    }

    /// Asks all other nodes and returns what those answer that have the service. Ends when all
    /// that are known to be alive have answered or are gone, or at the deadline with what has come
    /// by then.
    /// A node that is cut off from the others says so rather than speak for itself alone.
    pub(crate) async fn ask_others(
        &self,
        service: &str,
        question: &[u8],
        deadline: Duration,
    ) -> Result<Vec<Bytes>, AskError> {
        let Some(leases) = &self.leases else {
            return Ok(Vec::new());
        };
        if leases.is_cut_off() {
            return Err(BrokerError::unavailable("this node does not hear the others").into());
        }
        let mut awaited = leases.alive();
        if awaited.is_empty() {
            return Ok(Vec::new());
        }
        let mut asked = self.asked(awaited.len() + STRANGERS);
        self.send_question(self.everyones.clone(), asked.number, service, question)
            .await?;
        let (mut answers, mut answered) = (Vec::with_capacity(awaited.len()), HashSet::new());
        let all = async {
            while !awaited.is_empty() {
                let end = leases.first_end(&awaited);
                match tokio::time::timeout_at(end, asked.answers.recv()).await {
                    Ok(Some((node, answer))) => {
                        awaited.remove(&node);
                        if answered.insert(node) {
                            answers.extend(answer);
                        }
                    }
                    Ok(None) => return,
                    Err(_) => awaited.retain(|node| leases.holds(*node)),
                }
            }
        };
        if tokio::time::timeout(deadline, all).await.is_err() {
            tracing::warn!(service, "some node did not answer in time");
        }
        Ok(answers)
    }

    /// Tells one node something that it does not answer. Letters of one sender arrive in order.
    pub(crate) async fn tell(
        &self,
        node: NodeId,
        service: &str,
        message: &[u8],
    ) -> Result<(), AskError> {
        self.must_exist(node).await?;
        let service = service.to_owned();
        self.publish(topic_of(node), &Head::Tell { service }, message)
            .await?;
        Ok(())
    }

    /// Whether no other node can be.
    pub(crate) fn is_alone(&self) -> bool {
        self.leases.is_none()
    }

    /// Letters may have been lost, if the gap is in their topics: whoever lives is found again
    /// without waiting for its next sign.
    pub(crate) fn missed(&self, gap: &Gap) {
        if gap.covers(&self.everyones) {
            self.interrupted.notify_one();
        }
    }

    /// Whether a delivery of this topic is a letter.
    pub(crate) fn receives(&self, topic: &Topic) -> bool {
        *topic == self.mine || *topic == self.everyones
    }

    /// Takes a letter. Never waits.
    pub(crate) fn take(&self, letter: &Bytes) {
        let Some((head, body)) = split(letter) else {
            tracing::warn!("dropped a letter of a node that cannot be read");
            return;
        };
        match head {
            Head::Beat { from, .. } if from == self.me => {
                if let Some(leases) = &self.leases {
                    leases.heard_myself();
                }
            }
            Head::Leaving { from } | Head::Ask { from, .. } if from == self.me => {}
            Head::Beat { from, greeting } => {
                if let Some(leases) = &self.leases {
                    leases.renew(from);
                }
                if greeting {
                    self.greeted.notify_one();
                }
            }
            Head::Leaving { from } => {
                if let Some(leases) = &self.leases {
                    leases.end(from);
                }
            }
            Head::Ask {
                from,
                number,
                service,
            } => {
                let question = Question {
                    from,
                    number,
                    service,
                    body,
                };
                if self.questions.try_send(question).is_err() {
                    tracing::warn!(%from, "too many questions of other nodes wait; one was dropped");
                }
            }
            Head::Answer {
                from,
                number,
                known,
            } => {
                let pending = self.pending.lock();
                if let Some(asked) = pending.get(&number) {
                    // The queue has room for every answer that is waited for.
                    let _ = asked.try_send((from, known.then_some(body)));
                }
            }
            Head::Tell { service } => {
                if let Some(service) = self.service(&service) {
                    service.told(body);
                }
            }
        }
    }

    /// Answers the questions of other nodes until told to stop.
    pub(crate) async fn answer(
        self: Arc<Self>,
        mut questions: mpsc::Receiver<Question>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) {
        let room = Arc::new(Semaphore::new(ANSWERING));
        loop {
            let next = async {
                let permit = Arc::clone(&room).acquire_owned().await.ok()?;
                Some((permit, questions.recv().await?))
            };
            let Some(Some((permit, question))) = stop.run_until_cancelled(next).await else {
                return;
            };
            let peers = Arc::clone(&self);
            tasks.spawn(async move {
                peers.answer_one(question).await;
                drop(permit);
            });
        }
    }

    async fn answer_one(&self, question: Question) {
        let number = question.number;
        let answer = match self.service(&question.service) {
            Some(service) => Some(service.asked(question.body).await),
            None => None,
        };
        let known = answer.is_some();
        let head = Head::Answer {
            from: self.me,
            number,
            known,
        };
        let topic = topic_of(question.from);
        let body = answer.unwrap_or_default();
        let sent = self.publish(topic, &head, &body);
        if let Err(error) = sent.await {
            tracing::warn!(node = %question.from, %error, "an answer was not taken");
        }
    }

    /// Says something to every node.
    pub(super) async fn announce(&self, head: &Head) -> Result<(), BrokerError> {
        self.publish(self.everyones.clone(), head, &[]).await
    }

    pub(super) fn broker(&self) -> &dyn Broker {
        &*self.broker
    }

    /// Whether a node listens. One that is known to be alive is not asked about.
    async fn must_exist(&self, node: NodeId) -> Result<(), AskError> {
        let is_alive = self
            .leases
            .as_ref()
            .is_some_and(|leases| leases.holds(node));
        if node == self.me || !is_alive && self.broker.subscriber_count(&topic_of(node)).await? == 0
        {
            return Err(AskError::NoNode(node));
        }
        Ok(())
    }

    fn asked(&self, answers: usize) -> Asked<'_> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel(answers);
        self.pending.lock().insert(number, sender);
        Asked {
            peers: self,
            number,
            answers: receiver,
        }
    }

    async fn send_question(
        &self,
        topic: Topic,
        number: u64,
        service: &str,
        question: &[u8],
    ) -> Result<(), BrokerError> {
        let head = Head::Ask {
            from: self.me,
            number,
            service: service.to_owned(),
        };
        self.publish(topic, &head, question).await
    }

    async fn publish(&self, topic: Topic, head: &Head, body: &[u8]) -> Result<(), BrokerError> {
        let letter = Publication::new(topic, join(head, body));
        let mut answers = self.broker.publish(vec![letter]).await;
        answers.pop().unwrap_or(Err(BrokerError::Closed)).map(drop)
    }

    fn service(&self, name: &str) -> Option<Arc<dyn Service>> {
        self.services.read().get(name)?.upgrade()
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.peers.pending.lock().remove(&self.number);
    }
}

/// Where every node of a backplane listens.
pub(crate) fn topic_of_all() -> Topic {
    Topic::new("mesahub:nodes").expect("the name is short")
}

fn topic_of(node: NodeId) -> Topic {
    Topic::new(format!("mesahub:node:{node}")).expect("the name is short")
}
