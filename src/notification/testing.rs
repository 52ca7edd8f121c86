//! What tests of notifications stand on: a node in memory whose broker fails when told to, and
//! clients without sockets.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, Gap, GapScope, Inbox, LogPage, Position, Publication,
    Published, Topic,
};
use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};
use mesahub_protocol::{HubMessage, Outcome, Protocol, TransportKind};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::auth::{Principal, Role};
use crate::channel::RecentOrders;
use crate::hub::carrier::Carrier;
use crate::hub::dispatch::{Dispatched, Incoming};
use crate::hub::frame::Form;
use crate::hub::outbox::Wire;
use crate::hub::registry::Registration;
use crate::hub::reply::Answer;
use crate::hub::{Caller, Connection, ConnectionId, Hub, HubError, HubOptions, Node};
use crate::notification::notification_hub;
use crate::notification::{Event, HubNotificationService, NotificationOptions};

pub(crate) const ORDER: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
pub(crate) const SESSION: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3302";

/// How long a client waits before its test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node with the notification hub.
pub(crate) struct Stage {
    pub(crate) hub: Hub,
    pub(crate) broker: Arc<Flaky>,
    pub(crate) orders: Arc<RecentOrders>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::on(&MemoryNetwork::new(MemoryConfig::default()))
    }

    pub(crate) fn with(config: MemoryConfig) -> Self {
        Self::on(&MemoryNetwork::new(config))
    }

    pub(crate) fn on(network: &MemoryNetwork) -> Self {
        let (inbox, shards) = Node::inbox();
        let inner = MemoryBroker::join(network, inbox.clone());
        let broker = Arc::new(Flaky::new(inner, inbox));
        let orders = Arc::<RecentOrders>::default();
        let node = Node::start(broker.clone(), shards);
        let hub = notification_hub(&node, orders.clone(), HubOptions::default()).unwrap();
        Self {
            hub,
            broker,
            orders,
        }
    }

    pub(crate) fn service(&self, options: NotificationOptions) -> HubNotificationService {
        HubNotificationService::new(self.hub.clone(), self.orders.clone(), options)
    }

    /// A service that publishes before it answers.
    pub(crate) fn direct(&self) -> HubNotificationService {
        self.service(NotificationOptions {
            enable_background_processing: false,
            ..NotificationOptions::default()
        })
    }

    pub(crate) async fn connect(&self, principal: Principal) -> Result<Client, HubError> {
        self.connect_as(principal, false).await
    }

    /// Connects a client that wants to resume before it hears anything new.
    pub(crate) async fn connect_resuming(&self, principal: Principal) -> Client {
        self.connect_as(principal, true).await.unwrap()
    }

    async fn connect_as(
        &self,
        principal: Principal,
        resumes_first: bool,
    ) -> Result<Client, HubError> {
        let wire = Arc::new(Pipe::default());
        let id = ConnectionId::random();
        let connection = self.hub.admit(
            id,
            Arc::new(principal),
            Carrier {
                transport: TransportKind::WebSockets,
                wire: wire.clone(),
                form: Form::Raw,
                upkeep: None,
                at_once: 64 * 1024,
                send_timeout: u64::MAX,
            },
        );
        connection.choose_protocol(Protocol::Json);
        if resumes_first {
            connection.resume_first();
        }
        let registration = self.hub.register(&connection).await.unwrap();
        let caller = Caller::new(Arc::clone(&connection), self.hub.clone());
        self.hub.lifecycle().connected(&caller).await?;
        Ok(Client {
            connection,
            caller,
            wire,
            _registration: registration,
        })
    }
}

pub(crate) fn admin(tenant: &str) -> Principal {
    with_role(tenant, "anna", Role::Admin)
}

pub(crate) fn staff(tenant: &str) -> Principal {
    with_role(tenant, "stefan", Role::Staff)
}

pub(crate) fn customer(tenant: &str, session: &str) -> Principal {
    Principal {
        session: Some(session.parse().unwrap()),
        ..with_role(tenant, "carla", Role::Customer)
    }
}

fn with_role(tenant: &str, user: &str, role: Role) -> Principal {
    Principal {
        tenant: Some(tenant.parse().unwrap()),
        user: Some(user.parse().unwrap()),
        roles: [role].into(),
        ..Principal::anonymous()
    }
}

pub(crate) fn event(body: Value) -> Event {
    serde_json::from_value(body).unwrap()
}

/// An event for the channel of the admins only.
pub(crate) fn table_event(occupied: bool) -> Event {
    event(
        json!({"type": "TableStatusChanged", "tenantKey": "pizza", "tableId": ORDER,
        "isOccupied": occupied}),
    )
}

pub(crate) fn status_event(status: &str) -> Event {
    event(
        json!({"type": "OrderStatusChanged", "tenantKey": "pizza", "orderId": ORDER,
        "status": status}),
    )
}

/// A connected client.
pub(crate) struct Client {
    pub(crate) connection: Arc<Connection>,
    caller: Caller,
    wire: Arc<Pipe>,
    _registration: Registration,
}

impl Client {
    /// The next call that it receives: the method and its argument.
    pub(crate) async fn next(&self) -> (String, Value) {
        let call = async {
            loop {
                let call: Value = serde_json::from_slice(&self.wire.frame().await).unwrap();
                if call["type"] == 1 {
                    let target = call["target"].as_str().unwrap().to_owned();
                    return (target, call["arguments"][0].clone());
                }
            }
        };
        let call = tokio::time::timeout(PATIENCE, call).await;
        call.expect("a client waited in vain")
    }

    /// Calls a method of the hub.
    pub(crate) async fn invoke(&self, target: &str, arguments: Value) -> Result<Value, String> {
        let answer = self.call(target, arguments).await;
        let bytes = answer.bytes.unwrap();
        drop(answer.kept);
        match HubMessage::decode(Protocol::Json, &bytes[..bytes.len() - 1]).unwrap() {
            HubMessage::Completion {
                outcome: Outcome::Result(value),
                ..
            } => Ok(value.decode().unwrap()),
            HubMessage::Completion {
                outcome: Outcome::Error(error),
                ..
            } => Err(error.into_owned()),
            other => unreachable!("{other:?}"),
        }
    }

    /// The answer to a call, before what has to come behind it.
    pub(crate) async fn call(&self, target: &str, arguments: Value) -> Answer {
        let call =
            json!({"type": 1, "invocationId": "1", "target": target, "arguments": arguments})
                .to_string();
        let Ok(HubMessage::Invocation(call)) = HubMessage::decode(Protocol::Json, call.as_bytes())
        else {
            unreachable!("it was written as an invocation")
        };
        let hub = self.caller.hub();
        match hub.dispatcher().dispatch(&Incoming {
            caller: &self.caller,
            calls: &Arc::default(),
            protocol: Protocol::Json,
            invocation: &call,
            wants_stream: false,
        }) {
            Dispatched::InTurn(job) | Dispatched::Beside(job) => job.await,
            Dispatched::Refused(answer) => answer,
        }
    }
}

/// A wire that takes everything.
#[derive(Default)]
struct Pipe {
    bytes: Mutex<VecDeque<u8>>,
    more: Notify,
}

impl Pipe {
    async fn frame(&self) -> Vec<u8> {
        loop {
            {
                let mut bytes = self.bytes.lock();
                if let Some(end) = bytes.iter().position(|byte| *byte == 0x1e) {
                    let mut frame: Vec<u8> = bytes.drain(..=end).collect();
                    frame.pop();
                    return frame;
                }
            }
            self.more.notified().await;
        }
    }
}

impl Wire for Pipe {
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut bytes = self.bytes.lock();
        buffers
            .iter()
            .for_each(|buffer| bytes.extend(buffer.iter()));
        self.more.notify_one();
        Ok(buffers.iter().map(|buffer| buffer.len()).sum())
    }
}

type Verdict = Box<dyn FnMut(&Publication) -> Option<BrokerError> + Send>;

/// The in-memory broker, made to refuse or to hold up what is published.
pub(crate) struct Flaky {
    inner: MemoryBroker,
    /// Gone once closed.
    inbox: Mutex<Option<Inbox>>,
    subscribed: Mutex<BTreeSet<Topic>>,
    log: Mutex<Option<BrokerError>>,
    read: Notify,
    tears: AtomicU32,
    verdict: Mutex<Verdict>,
    calls: Mutex<Vec<(Instant, usize)>>,
    entered: Notify,
    gate: Semaphore,
}

impl Flaky {
    pub(crate) fn new(inner: MemoryBroker, inbox: Inbox) -> Self {
        Self {
            inner,
            inbox: Mutex::new(Some(inbox)),
            subscribed: Mutex::default(),
            log: Mutex::default(),
            read: Notify::new(),
            tears: AtomicU32::default(),
            verdict: Mutex::new(Box::new(|_| None)),
            calls: Mutex::default(),
            entered: Notify::new(),
            gate: Semaphore::new(1),
        }
    }

    /// Asks this of every publication from now on.
    pub(crate) fn judge(
        &self,
        verdict: impl FnMut(&Publication) -> Option<BrokerError> + Send + 'static,
    ) {
        *self.verdict.lock() = Box::new(verdict);
    }

    /// Refuses this many publications as being away, and takes the rest.
    pub(crate) fn refuse(&self, mut count: u32) {
        self.judge(move |_| {
            let refused = count > 0;
            count = count.saturating_sub(1);
            refused.then(|| BrokerError::unavailable("away"))
        });
    }

    /// Holds up calls of `publish` until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.gate.forget_permits(1);
    }

    pub(crate) fn release(&self) {
        self.gate.add_permits(1);
    }

    /// Waits for the next call of `publish`.
    pub(crate) async fn entered(&self) {
        self.entered.notified().await;
    }

    /// Stops delivering to this node, without a word.
    pub(crate) async fn fall_silent(&self) {
        let topics = self.subscribed();
        self.inner.unsubscribe(&topics).await.unwrap();
    }

    /// Delivers again, and tells of a gap.
    pub(crate) async fn come_back(&self) {
        let topics = self.subscribed();
        self.inner.subscribe(&topics).await.unwrap();
        self.tear().await;
    }

    /// Tells of a gap.
    async fn tear(&self) {
        let topics = GapScope::All;
        let inbox = self.inbox.lock().clone().unwrap();
        inbox.gap(Gap { topics }).await.unwrap();
    }

    /// Tells of so many gaps more: of one whenever a log is read, before it is answered.
    pub(crate) fn tear_readers(&self, times: u32) {
        self.tears.store(times, Ordering::SeqCst);
    }

    /// Waits until a log is read.
    pub(crate) async fn log_is_read(&self) {
        self.read.notified().await;
    }

    /// Answers this to whoever reads a log, from now on.
    pub(crate) fn refuse_logs(&self, error: Option<BrokerError>) {
        *self.log.lock() = error;
    }

    fn subscribed(&self) -> Vec<Topic> {
        self.subscribed.lock().iter().cloned().collect()
    }

    /// When `publish` was called, and with how many publications.
    pub(crate) fn calls(&self) -> Vec<(Instant, usize)> {
        self.calls.lock().clone()
    }
}

#[async_trait]
impl Broker for Flaky {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        self.calls.lock().push((Instant::now(), batch.len()));
        self.entered.notify_one();
        let _permit = self.gate.acquire().await.unwrap();
        let mut answers = Vec::new();
        for publication in batch {
            let refused = (self.verdict.lock())(&publication);
            answers.extend(match refused {
                Some(error) => vec![Err(error)],
                None => self.inner.publish(vec![publication]).await,
            });
        }
        answers
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.subscribed.lock().extend(topics.iter().cloned());
        self.inner.subscribe(topics).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.subscribed
            .lock()
            .retain(|topic| !topics.contains(topic));
        self.inner.unsubscribe(topics).await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        self.inner.subscriber_count(topic).await
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        let tears = self.tears.load(Ordering::SeqCst);
        if tears > 0 {
            self.tears.store(tears - 1, Ordering::SeqCst);
            self.tear().await;
            // On a paused clock this lasts until nobody has anything else to do.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.read.notify_one();
        let refused = self.log.lock().clone();
        match refused {
            Some(error) => Err(error),
            None => self.inner.read_log(topic, after, limit).await,
        }
    }

    async fn health(&self) -> Result<(), BrokerError> {
        self.inner.health().await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn close(&self) {
        self.inbox.lock().take();
        self.inner.close().await;
    }
}
