//! The members of a topic that are not given everything that its log keeps.
//!
//! Nothing is kept of a member that is given everything, which is what nearly all are.

use std::collections::HashMap;
use std::sync::Arc;

use mesahub_broker::Position;

/// What one member is given of what the log keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Nothing: it is about to be given, from the log, what it misses.
    Closed(Closed),
    /// What follows this position; the log gave it the rest.
    After(Position),
}

/// A gate that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    /// Who closed it last, and alone may open it.
    pub(crate) by: u64,
    /// The member was given what came through here, if that is known.
    pub(crate) since: Option<Position>,
}

/// Gates by the serials of their members, at one moment. Cheap to clone.
pub(crate) type Snapshot = Arc<HashMap<u64, Gate>>;

/// The gates of one topic.
#[derive(Debug, Default)]
pub(crate) struct Gates(Option<Snapshot>);

impl Gates {
    /// Those that are there now.
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        self.0.clone()
    }

    /// The gate of a member that is given nothing.
    pub(crate) fn closed(&self, serial: u64) -> Option<Closed> {
        match self.0.as_ref()?.get(&serial) {
            Some(Gate::Closed(closed)) => Some(*closed),
            _ => None,
        }
    }

    /// Whether it was closed by this one, and by nobody since.
    pub(crate) fn is_closed_by(&self, serial: u64, by: u64) -> bool {
        self.closed(serial).is_some_and(|closed| closed.by == by)
    }

    /// Where a member joined has become known.
    pub(crate) fn arrive(&mut self, serial: u64, by: u64, at: Position) {
        let closed = self.closed(serial);
        if closed.is_some_and(|closed| closed.since.is_none()) {
            self.move_on(serial, by, at);
        }
    }

    /// The member has been given everything through here; its gate stays closed.
    pub(crate) fn move_on(&mut self, serial: u64, by: u64, through: Position) {
        if self.is_closed_by(serial, by) {
            let since = Some(through);
            self.set(serial, Gate::Closed(Closed { by, since }));
        }
    }

    /// Hands a member everything again from now on; false when somebody else has closed its gate
    /// since.
    pub(crate) fn reopen(&mut self, serial: u64, by: u64) -> bool {
        let is_ours = self.is_closed_by(serial, by);
        if is_ours {
            self.forget(serial);
        }
        is_ours
    }

    pub(crate) fn set(&mut self, serial: u64, gate: Gate) {
        Arc::make_mut(self.0.get_or_insert_default()).insert(serial, gate);
    }

    /// Forgets a member.
    pub(crate) fn forget(&mut self, serial: u64) {
        let Some(gates) = &mut self.0 else {
            return;
        };
        if gates.contains_key(&serial) {
            Arc::make_mut(gates).remove(&serial);
        }
        self.0.take_if(|gates| gates.is_empty());
    }

    /// Forgets those that need no watching any more.
    pub(crate) fn keep(&mut self, keep: impl Fn(Gate) -> bool) {
        let Some(gates) = &mut self.0 else {
            return;
        };
        if !gates.values().all(|gate| keep(*gate)) {
            Arc::make_mut(gates).retain(|_, gate| keep(*gate));
        }
        self.0.take_if(|gates| gates.is_empty());
    }
}

impl Gate {
    /// Whether its member is given what lies here.
    pub(crate) fn admits(self, position: Position) -> bool {
        match self {
            Self::Closed(_) => false,
            Self::After(through) => position > through,
        }
    }
}
