//! Following a group that a log keeps, and being given what was missed of it before anything new.
//!
//! ```text
//!   follow ──► gate closed, if the client resumes first ─┐
//!   Resume ──► gate closed ──► log is read ──► answer ───┴──► gate opens: live from here
//! ```
//!
//! What comes while a gate is closed is not held: the log has it. A gate that opens first has its
//! member given whatever the log holds by then, so nothing is missing and nothing comes twice. A
//! client that does not go on is not kept waiting for longer than [`PATIENCE`].

use std::sync::Arc;
use std::time::Duration;

use mesahub_broker::{Position, Topic};

use crate::hub::connection::Connection;
use crate::hub::error::GroupError;
use crate::hub::instance::Hub;
use crate::hub::loss::LostReason;
use crate::hub::membership::Joining;
use crate::hub::mender::Closing;
use crate::hub::topics::group_of;
use crate::hub::trail::Trail;

/// How long a gate stays closed for a client that was to resume, or to go on resuming, and does not.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// A connection's closed gate in one group. It opens when this is dropped.
pub(crate) struct Paused {
    hub: Hub,
    topic: Topic,
    member: Arc<Connection>,
    by: u64,
    since: Option<Position>,
    then: Then,
}

/// What becomes of a gate once the answer is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// It opens when its member has all that the others have.
    Opens,
    /// It opens at once: the answer has said that what came before it is lost.
    Gives,
    /// It stays closed: the client is to ask for more.
    Stays,
}

impl Hub {
    /// Joins groups that a log keeps, and tells for each the position after which everything
    /// reaches the connection, live or by resuming; `None` where that cannot be told or it was in
    /// the group already. What they carry is held back if its client resumes first, or if `held`.
    pub(crate) async fn follow(
        &self,
        connection: &Arc<Connection>,
        groups: &[String],
        held: bool,
    ) -> Result<Vec<Option<Position>>, GroupError> {
        let by = self.node().next_serial();
        let joining = match held {
            true => Joining::Held(by),
            false => Joining::Following,
        };
        let topics = groups
            .iter()
            .map(|group| Ok((self.topics().group(group)?, joining)))
            .collect::<Result<Vec<_>, GroupError>>()?;
        let positions = self.join_topics(connection, &topics).await?;
        if !held {
            return Ok(positions);
        }
        for ((topic, _), position) in topics.into_iter().zip(&positions) {
            if let Some(position) = position {
                let arrive =
                    |trail: &mut Trail| trail.gates().arrive(connection.serial(), by, *position);
                self.node().membership().trail(&topic, arrive);
            }
            self.be_patient(Closing {
                topic,
                member: Arc::clone(connection),
                by,
            });
        }
        Ok(positions)
    }

    /// Hands a connection nothing more of what the log of a group keeps, until what is returned is
    /// dropped. `None` when it does not follow the group.
    pub(crate) fn pause(&self, connection: &Arc<Connection>, group: &str) -> Option<Paused> {
        let topic = self.topics().group(group).ok()?;
        if !connection.is_in(&topic) {
            return None;
        }
        let by = self.node().next_serial();
        let close = |trail: &mut Trail| trail.close(connection.serial(), by);
        let since = self.node().membership().trail(&topic, close)?;
        Some(Paused {
            hub: self.clone(),
            topic,
            member: Arc::clone(connection),
            by,
            since,
            then: Then::Opens,
        })
    }

    /// The groups that a connection is in and hears nothing new of.
    pub(crate) fn held_groups(&self, connection: &Connection) -> Vec<String> {
        let membership = self.node().membership();
        let topics = connection.topics();
        let held = topics.iter().filter(|topic| {
            let closed = |trail: &mut Trail| trail.gates().closed(connection.serial()).is_some();
            membership.trail(topic, closed) == Some(true)
        });
        held.filter_map(group_of).map(str::to_owned).collect()
    }

    /// Opens a gate if nobody else has done anything about it by then.
    fn be_patient(&self, gate: Closing) {
        let hub = self.clone();
        self.node().tasks().spawn(async move {
            let stop = hub.node().stopping();
            let waited = stop.run_until_cancelled(tokio::time::sleep(PATIENCE)).await;
            if waited.is_some() {
                hub.open_gate(gate).await;
            }
        });
    }

    async fn open_gate(&self, gate: Closing) {
        let serial = gate.member.serial();
        let membership = self.node().membership();
        let closed = membership.trail(&gate.topic, |trail| trail.gates().closed(serial));
        match closed.flatten().filter(|closed| closed.by == gate.by) {
            None => {}
            Some(closed) => match closed.since {
                Some(since) => self.node().mender().clone().catch_up(gate, since).await,
                // Without a position there is nothing to be given.
                None => self
                    .node()
                    .mender()
                    .give_up_on(&gate, LostReason::Unavailable),
            },
        }
    }
}

impl Paused {
    /// The connection was given everything that came through here, if that is known.
    pub(crate) fn since(&self) -> Option<Position> {
        self.since
    }

    pub(crate) fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The client is being given everything through here, from the log.
    pub(crate) fn given(&mut self, through: Position) {
        let (serial, by) = (self.member.serial(), self.by);
        self.since = Some(through);
        let membership = self.hub.node().membership();
        membership.trail(&self.topic, |trail| {
            trail.gates().move_on(serial, by, through)
        });
    }

    /// There is more, and the client is to ask for it: the gate stays closed for now.
    pub(crate) fn stay(&mut self) {
        self.then = Then::Stays;
    }

    /// The client is being told that it has lost what it missed, and it is not known from where on
    /// it can be given what comes: whatever comes after the answer is for it again.
    pub(crate) fn give_up(&mut self) {
        self.then = Then::Gives;
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        let gate = Closing {
            topic: self.topic.clone(),
            member: Arc::clone(&self.member),
            by: self.by,
        };
        let (serial, by) = (self.member.serial(), self.by);
        let open = |trail: &mut Trail| match (self.then, self.since) {
            (Then::Gives, _) => {
                trail.gates().reopen(serial, by);
                true
            }
            (_, Some(since)) => trail.open(serial, by, since),
            (_, None) => false,
        };
        if self.then == Then::Stays {
            return self.hub.be_patient(gate);
        }
        let opened = self.hub.node().membership().trail(&self.topic, open);
        if opened == Some(false) {
            let hub = self.hub.clone();
            self.hub
                .node()
                .tasks()
                .spawn(async move { hub.open_gate(gate).await });
        }
    }
}
