//! From the inbox to the outboxes: each delivery is decoded once and its bytes are shared by all.
//!
//! One worker per inbox shard, so order holds within a topic. Deliveries that are already waiting
//! are taken together; those of one topic that have no exceptions are joined into one write per
//! recipient, the others are queued and flushed once at the end. A single delivery is written at
//! once by the worker itself.

use std::sync::Arc;

use mesahub_broker::{Delivery, Inbound, InboxShard, Topic};
use mesahub_protocol::envelope::Envelope;
use mesahub_protocol::{Extension, Protocol};

use crate::hub::connection::Connection;
use crate::hub::counters::Counters;
use crate::hub::ending::Ending;
use crate::hub::frame::{Encoded, Form};
use crate::hub::listener::Listener;
use crate::hub::membership::{Members, Membership};
use crate::hub::outbox::{Accepted, Overflow};
use crate::hub::peers::Peers;
use crate::hub::receiver::Receivers;
use crate::hub::seen::Seen;
use crate::hub::topics;

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
}

/// A decoded delivery.
struct Message {
    encoded: Encoded,
    excluded: Vec<String>,
    overflow: Overflow,
    /// Set for a message that was sent to several topics.
    shared_id: Option<[u8; 16]>,
    /// Set for a message that ends the connections which get it.
    dismissal: Option<String>,
}

impl Fanout {
    /// Serves one shard until the broker's side of it is gone.
    pub(crate) async fn work(self, mut shard: InboxShard) {
        let mut batch = Vec::with_capacity(BATCH);
        while shard.recv_many(&mut batch, BATCH).await > 0 {
            self.serve(&mut batch).await;
        }
    }

    /// Hands a batch to its recipients, in order.
    pub(crate) async fn serve(&self, batch: &mut Vec<Inbound>) {
        let alone = batch.len() == 1;
        let mut dirty = Vec::new();
        let mut deliveries = batch.drain(..).peekable();
        while let Some(inbound) = deliveries.next() {
            let delivery = match inbound {
                Inbound::Delivery(delivery) => delivery,
                Inbound::Gap(gap) => {
                    self.counters.gaps.add(1);
                    self.peers.missed(&gap);
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
            self.serve_topic(&topic, run, alone, &mut dirty).await;
        }
        for connection in dirty {
            connection.flush();
        }
    }

    async fn serve_topic(
        &self,
        topic: &Topic,
        run: Vec<Message>,
        alone: bool,
        dirty: &mut Vec<Arc<Connection>>,
    ) {
        let (members, listeners) = self.membership.audience(topic);
        tell(&listeners, topic, &run);
        for message in join(run) {
            match message.shared_id {
                None => {
                    for part in members.chunks(TURN) {
                        self.serve_members(part, &message, alone, dirty, |_| true);
                        if members.len() > TURN {
                            tokio::task::yield_now().await;
                        }
                    }
                }
                Some(id) => self.serve_once(&members, &message, id, alone, dirty),
            }
        }
    }

    /// Serves the members that have not been served through another channel.
    fn serve_once(
        &self,
        members: &Members,
        message: &Message,
        id: [u8; 16],
        alone: bool,
        dirty: &mut Vec<Arc<Connection>>,
    ) {
        let record = self.seen.record(id);
        let mut served = record.lock();
        self.serve_members(members, message, alone, dirty, |serial| {
            served.insert(serial)
        });
    }

    fn serve_members(
        &self,
        members: &[Arc<Connection>],
        message: &Message,
        alone: bool,
        dirty: &mut Vec<Arc<Connection>>,
        mut wants: impl FnMut(u64) -> bool,
    ) {
        let mut delivered = 0;
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
                    dirty.push(Arc::clone(member));
                }
                accepted
            };
            delivered += 1;
            self.count(member, accepted);
        }
        self.counters.delivered.add(delivered);
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
            Ok(envelope) => Some(Message::new(envelope)),
            Err(error) => {
                self.counters.undecodable.add(1);
                tracing::warn!(topic = %delivery.topic, %error, "dropped a delivery");
                None
            }
        }
    }
}

impl Message {
    fn new(envelope: Envelope) -> Self {
        let Extension {
            message_id,
            dedupe,
            overflow,
            dismissal,
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
            excluded: envelope.excluded,
            overflow: topics::overflow_from_wire(overflow),
            shared_id: if dedupe { message_id } else { None },
            dismissal,
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
            && self.excluded.is_empty()
            && self.overflow == Overflow::Close
            && self.dismissal.is_none()
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
    let encoded = Encoded::join(&all);
    pending.clear();
    Some(Message {
        encoded,
        excluded: Vec::new(),
        overflow: Overflow::Close,
        shared_id: None,
        dismissal: None,
    })
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
