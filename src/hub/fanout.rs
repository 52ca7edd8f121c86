//! From the inbox to the outboxes: each delivery is decoded once and its bytes are shared by all.
//!
//! One worker per inbox shard, so order holds within a topic. Deliveries that are already waiting
//! are taken together; those of one topic that have no exceptions are joined into one write per
//! recipient, the others are queued and flushed once at the end. A single delivery is written at
//! once by the worker itself.

use std::sync::Arc;

use mesahub_broker::{Delivery, Inbound, InboxShard, LogEntry, Position, Topic};
use mesahub_protocol::envelope::Envelope;
use mesahub_protocol::{Extension, Protocol};
use uuid::Uuid;

use crate::hub::connection::Connection;
use crate::hub::counters::Counters;
use crate::hub::ending::Ending;
use crate::hub::frame::{Encoded, Form};
use crate::hub::gate::Snapshot;
use crate::hub::lag::{self, Delivered};
use crate::hub::listener::Listener;
use crate::hub::membership::{Audience, Membership};
use crate::hub::mends::Mends;
use crate::hub::outbox::{Accepted, Overflow};
use crate::hub::peers::Peers;
use crate::hub::receipts::Receipts;
use crate::hub::receiver::Receivers;
use crate::hub::seen::Seen;
use crate::hub::topics;
use crate::hub::turns::Turns;
use crate::telemetry::TraceParent;

/// Deliveries taken from the inbox at a time.
const BATCH: usize = 512;

/// Bytes of one topic's burst that are joined into one write.
const JOINED_BYTES: usize = 64 * 1024;

/// Recipients served before other tasks get a turn.
const TURN: usize = 512;

/// What a worker needs.
#[derive(Clone)]
pub(crate) struct Fanout {
    pub(crate) membership: Arc<Membership>,
    pub(crate) seen: Arc<Seen>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) receivers: Arc<Receivers>,
    pub(crate) mends: Arc<Mends>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) receipts: Arc<Receipts>,
}

/// A decoded delivery.
pub(crate) struct Message {
    encoded: Encoded,
    /// Where a log keeps it.
    position: Option<Position>,
    excluded: Vec<String>,
    overflow: Overflow,
    /// Set for a message that was sent to several topics.
    shared_id: Option<[u8; 16]>,
    /// Set for a message that ends the connections which get it.
    dismissal: Option<String>,
    /// Set where its sender wants to know how many are given it.
    receipt: Option<Uuid>,
    /// Where it belongs in a trace, if its sender says so.
    trace_parent: Option<String>,
    /// When it was made, if its id tells, in milliseconds of the calendar.
    made_at: Option<u64>,
    /// How many messages it joins.
    count: u64,
}

/// What is left to do once a batch has been handed on.
#[derive(Default)]
struct Burst {
    /// Who has frames that are not written yet.
    dirty: Vec<Arc<Connection>>,
    /// What will have been delivered then.
    delivered: Vec<Delivered>,
}

impl Fanout {
    /// Serves one shard until the broker's side of it is gone.
    pub(crate) async fn work(self, mut shard: InboxShard) {
        let turn = self.turns.join();
        let mut batch = Vec::with_capacity(BATCH);
        while shard.recv_many(&mut batch, BATCH).await > 0 {
            let _turn = turn.begin();
            self.serve(&mut batch, |topic| shard.carries(topic)).await;
        }
    }

    /// Hands a batch to its recipients, in order. A gap is the affair of the topics that this
    /// worker carries.
    async fn serve(&self, batch: &mut Vec<Inbound>, carries: impl Fn(&Topic) -> bool) {
        let alone = batch.len() == 1;
        let mut burst = Burst::default();
        let mut deliveries = batch.drain(..).peekable();
        while let Some(inbound) = deliveries.next() {
            let delivery = match inbound {
                Inbound::Delivery(delivery) => delivery,
                Inbound::Gap(gap) => {
                    self.counters.gaps.add(1);
                    self.peers.missed(&gap);
                    self.mends.tear(&self.membership, gap, &carries);
                    continue;
                }
            };
            if self.peers.receives(&delivery.topic) {
                self.peers.take(&delivery.payload);
                continue;
            }
            if self.receivers.take(&delivery) {
                continue;
            }
            let topic = delivery.topic.clone();
            let mut run: Vec<Message> = self.decode(&delivery).into_iter().collect();
            while let Some(Inbound::Delivery(next)) = deliveries
                .next_if(|next| matches!(next, Inbound::Delivery(next) if next.topic == topic))
            {
                run.extend(self.decode(&next));
            }
            let audience = self.hand_on(&topic, &mut run, None).await;
            self.serve_topic(&topic, run, audience, alone, &mut burst)
                .await;
        }
        burst.end();
    }

    /// Hands to the members of a topic what its log kept for them, for whoever mends it and has
    /// this number.
    pub(crate) async fn make_up(&self, topic: &Topic, number: u64, entries: Vec<LogEntry>) {
        let mut run: Vec<Message> = self.read(topic, entries).collect();
        let audience = self.hand_on(topic, &mut run, Some(number)).await;
        let mut burst = Burst::default();
        self.serve_topic(topic, run, audience, false, &mut burst)
            .await;
        burst.end();
    }

    /// Hands to one connection what the log of a topic kept for it.
    pub(crate) fn catch_up(&self, member: &Arc<Connection>, topic: &Topic, entries: Vec<LogEntry>) {
        let member = std::slice::from_ref(member);
        let mut burst = Burst::default();
        for message in self.read(topic, entries) {
            match message.shared_id {
                None => self.serve_members(member, &message, false, &mut burst, |_| true),
                Some(id) => self.serve_once(member, &message, id, None, false, &mut burst),
            }
        }
        // The client was away for so long, not the message on its way.
        burst.delivered.clear();
        burst.end();
    }

    /// Hands a message of this node's own to the members of a topic.
    pub(crate) fn say(&self, topic: &Topic, encoded: Encoded) {
        let (members, listeners) = self.membership.audience(topic);
        let message = [Message::said(encoded)];
        tell(&listeners, topic, &message);
        self.serve_members(&members, &message[0], true, &mut Burst::default(), |_| true);
    }

    /// Waits for whoever is just telling members of a loss.
    async fn hand_on(&self, topic: &Topic, run: &mut Vec<Message>, mends: Option<u64>) -> Audience {
        let position = |message: &Message| message.position;
        loop {
            match self.membership.hand_on(topic, run, position, mends) {
                Some(audience) => return audience,
                None => tokio::task::yield_now().await,
            }
        }
    }

    fn read(&self, topic: &Topic, entries: Vec<LogEntry>) -> impl Iterator<Item = Message> {
        entries.into_iter().filter_map(move |entry| {
            self.decode(&Delivery {
                topic: topic.clone(),
                payload: entry.payload,
                position: Some(entry.position),
            })
        })
    }

    async fn serve_topic(
        &self,
        topic: &Topic,
        run: Vec<Message>,
        audience: Audience,
        alone: bool,
        burst: &mut Burst,
    ) {
        let Audience {
            members,
            listeners,
            gates,
        } = audience;
        for message in &run {
            message.log(topic, members.len());
        }
        tell(&listeners, topic, &run);
        // What is joined has no position any more.
        let run = if gates.is_none() { join(run) } else { run };
        let gates = gates.as_ref();
        for message in run {
            match message.shared_id {
                None => {
                    for part in members.chunks(TURN) {
                        self.serve_members(part, &message, alone, burst, |serial| {
                            is_admitted(gates, serial, &message)
                        });
                        if members.len() > TURN {
                            tokio::task::yield_now().await;
                        }
                    }
                }
                Some(id) => self.serve_once(&members, &message, id, gates, alone, burst),
            }
        }
    }

    /// Serves the members that have not been served through another channel.
    fn serve_once(
        &self,
        members: &[Arc<Connection>],
        message: &Message,
        id: [u8; 16],
        gates: Option<&Snapshot>,
        alone: bool,
        burst: &mut Burst,
    ) {
        let record = self.seen.record(id);
        let mut served = record.lock();
        self.serve_members(members, message, alone, burst, |serial| {
            is_admitted(gates, serial, message) && served.insert(serial)
        });
    }

    fn serve_members(
        &self,
        members: &[Arc<Connection>],
        message: &Message,
        alone: bool,
        burst: &mut Burst,
        mut wants: impl FnMut(u64) -> bool,
    ) {
        let (mut delivered, mut bytes_given) = (0, 0);
        for member in members {
            if message.excludes(member) || !wants(member.serial()) {
                continue;
            }
            if let Some(reason) = &message.dismissal {
                member.end(Ending::Dismissed(reason.clone()));
                continue;
            }
            let Some(bytes) = member
                .protocol()
                .and_then(|protocol| message.encoded.bytes(protocol, member.form()))
            else {
                // Its publisher does not speak this connection's protocol: nodes must be alike.
                // As in ASP.NET Core the client is sent away, so that it knows of the loss.
                self.counters.undecodable.add(1);
                tracing::warn!(connection = %member.id(), "closed: a message lacks its protocol");
                member.end(Ending::MissingProtocol);
                continue;
            };
            let accepted = if alone {
                member.send_frame(bytes, &message.overflow)
            } else {
                let (accepted, first) = member.defer_frame(bytes, &message.overflow);
                if first {
                    burst.dirty.push(Arc::clone(member));
                }
                accepted
            };
            delivered += 1;
            bytes_given += bytes.len();
            self.count(member, accepted);
        }
        if let Some(member) = members.first().filter(|_| delivered > 0) {
            // All members of a topic are of one hub.
            burst.note(member, message, delivered, bytes_given);
        }
        if let Some(id) = message.receipt {
            self.receipts.count(id, delivered);
        }
    }

    fn count(&self, member: &Connection, accepted: Accepted) {
        match accepted {
            Accepted::Displaced(count) => self.counters.displaced.add(count as u64),
            Accepted::Overflowed => {
                self.counters.overflowed.add(1);
                tracing::warn!(connection = %member.id(), "closed: it reads too slowly");
            }
            _ => {}
        }
    }

    fn decode(&self, delivery: &Delivery) -> Option<Message> {
        match Envelope::decode(&delivery.payload) {
            Ok(envelope) => Some(Message::new(envelope, delivery.position)),
            Err(error) => {
                self.counters.undecodable.add(1);
                tracing::warn!(topic = %delivery.topic, %error, "dropped a delivery");
                None
            }
        }
    }
}

impl Message {
    /// A message of this node's own.
    fn said(encoded: Encoded) -> Self {
        Self {
            encoded,
            position: None,
            excluded: Vec::new(),
            overflow: Overflow::Close,
            shared_id: None,
            dismissal: None,
            receipt: None,
            trace_parent: None,
            made_at: None,
            count: 1,
        }
    }

    fn new(envelope: Envelope, position: Option<Position>) -> Self {
        let Extension {
            message_id,
            dedupe,
            overflow,
            dismissal,
            receipt,
            trace_parent,
            ..
        } = envelope.extension;
        let mut encoded = Encoded::new();
        for (name, bytes) in envelope.messages {
            if let Some(protocol) = Protocol::parse_name(&name) {
                encoded.insert(protocol, bytes);
            }
        }
        Self {
            encoded,
            position,
            excluded: envelope.excluded,
            overflow: topics::overflow_from_wire(overflow),
            shared_id: if dedupe { message_id } else { None },
            dismissal,
            receipt: message_id.filter(|_| receipt).map(Uuid::from_bytes),
            trace_parent,
            made_at: message_id.as_ref().and_then(lag::made_at),
            count: 1,
        }
    }

    /// Says in the log that it is handed on, if it belongs to a trace.
    fn log(&self, topic: &Topic, members: usize) {
        let parent = self.trace_parent.as_deref();
        if let Some(parent) = parent.and_then(|text| text.parse::<TraceParent>().ok()) {
            tracing::debug!(trace_id = %parent.trace_id(), %topic, members, "handing on");
        }
    }

    fn excludes(&self, member: &Connection) -> bool {
        !self.excluded.is_empty()
            && self
                .excluded
                .iter()
                .any(|excluded| excluded == member.id().as_str())
    }

    /// Whether it may share one write with its neighbours for every member of the topic.
    fn is_plain(&self) -> bool {
        self.shared_id.is_none()
            && self.receipt.is_none()
            && self.excluded.is_empty()
            && self.overflow == Overflow::Close
            && self.dismissal.is_none()
    }
}

impl Burst {
    /// A message has been given to so many members, with so many bytes altogether.
    fn note(&mut self, member: &Connection, message: &Message, members: u64, bytes: usize) {
        let (traffic, count) = (member.traffic(), members * message.count);
        traffic.sent.add(count, bytes);
        self.delivered
            .extend(message.made_at.map(|made_at| Delivered {
                made_at,
                count,
                traffic: Arc::clone(traffic),
            }));
    }

    /// Writes what is not written yet.
    fn end(self) {
        for connection in self.dirty {
            connection.flush();
        }
        lag::record(self.delivered);
    }
}

/// Joins neighbouring plain messages into larger ones, byte for byte the same streams.
fn join(run: Vec<Message>) -> Vec<Message> {
    if run.len() < 2 {
        return run;
    }
    let mut joined: Vec<Message> = Vec::with_capacity(run.len());
    let mut pending: Vec<Message> = Vec::new();
    let mut size = 0;
    for message in run {
        let fits = message.is_plain()
            && size + message.encoded.len() <= JOINED_BYTES
            && pending
                .first()
                .is_none_or(|first| first.encoded.protocols().eq(message.encoded.protocols()));
        if !fits {
            joined.extend(merge(&mut pending));
            size = 0;
        }
        if message.is_plain() {
            size += message.encoded.len();
            pending.push(message);
        } else {
            joined.push(message);
        }
    }
    joined.extend(merge(&mut pending));
    joined
}

fn merge(pending: &mut Vec<Message>) -> Option<Message> {
    if pending.len() < 2 {
        return pending.pop();
    }
    let all: Vec<&Encoded> = pending.iter().map(|message| &message.encoded).collect();
    let joined = Message {
        made_at: pending.iter().filter_map(|message| message.made_at).min(),
        count: pending.len() as u64,
        ..Message::said(Encoded::join(&all))
    };
    pending.clear();
    Some(joined)
}

/// Whether a member is given this message, as far as the log is concerned.
fn is_admitted(gates: Option<&Snapshot>, serial: u64, message: &Message) -> bool {
    let gate = gates.and_then(|gates| gates.get(&serial));
    match (gate, message.position) {
        (Some(gate), Some(position)) => gate.admits(position),
        _ => true,
    }
}

fn tell(listeners: &[Listener], topic: &Topic, run: &[Message]) {
    if listeners.is_empty() {
        return;
    }
    let channel = topics::group_of(topic).unwrap_or_else(|| topic.as_ref());
    for message in run {
        for listener in listeners {
            if let Some(bytes) = message.encoded.bytes(Protocol::Json, Form::Raw) {
                listener.call(channel, bytes);
            }
        }
    }
}
