//! How far a topic that a log keeps has been handed to the members on this node, and which of them
//! are not given everything yet.
//!
//! One for each such topic, not for each connection. What is not handed on is never held in
//! memory: the log has it, and whoever closes a trail or a gate reads it from there.

use std::collections::HashMap;
use std::sync::Arc;

use mesahub_broker::Position;

/// How far the members of one topic have come.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// Everything through here was handed on. `None` while that is not known.
    last: Option<Position>,
    /// Through here the log was read while it was mended: what still comes of it from the broker
    /// has been handed on already.
    mended: Option<Position>,
    mending: Option<Mending>,
    gates: Option<Arc<Gates>>,
}

/// Members that are not given everything, by serial.
pub(crate) type Gates = HashMap<u64, Gate>;

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

/// The log is being read to close a hole; deliveries that it keeps are left to it.
#[derive(Debug, Default)]
struct Mending {
    /// The first delivery that was left to the log.
    first: Option<Position>,
    /// The newest delivery that was left to the log.
    left: Option<Position>,
    /// Another hole was found meanwhile.
    again: bool,
    /// The topic is being subscribed anew: nobody reads the log before that is done.
    renews: bool,
}

/// What mending still has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mended {
    /// Nothing: deliveries are handed on again.
    Done,
    /// The log has more, or may have.
    Behind,
}

impl Trail {
    /// Everything through here was handed on, as far as is known.
    pub(crate) fn last(&self) -> Option<Position> {
        self.last
    }

    /// The broker no longer delivers the topic, and nobody is there to be given anything.
    pub(crate) fn interrupt(&mut self) {
        self.last = None;
        self.mended = None;
        self.mending = None;
    }

    /// Whether a delivery is to be handed on now.
    pub(crate) fn pass(&mut self, position: Position) -> bool {
        if let Some(mending) = &mut self.mending {
            mending.first.get_or_insert(position);
            mending.left = mending.left.max(Some(position));
            return false;
        }
        if self.mended.is_some_and(|mended| position <= mended) {
            return false;
        }
        self.mended = None;
        self.advance(position);
        true
    }

    /// Everything through here has been handed on.
    pub(crate) fn advance(&mut self, position: Position) {
        self.last = self.last.max(Some(position));
    }

    /// Who is not given everything that comes now; those that need no watching any more are
    /// forgotten.
    pub(crate) fn gates(&mut self) -> Option<Arc<Gates>> {
        let last = self.last;
        self.keep_gates(|gate| match gate {
            Gate::Closed(_) => true,
            Gate::After(position) => last < Some(position),
        });
        self.gates.clone()
    }

    /// Leaves what the log keeps to the log from now on. Whether that is new: whoever began it
    /// looks again before it ends.
    pub(crate) fn begin_mending(&mut self) -> bool {
        match &mut self.mending {
            Some(mending) => {
                mending.again = true;
                false
            }
            None => {
                self.mending = Some(Mending::default());
                true
            }
        }
    }

    /// The same for a topic that is about to be subscribed anew, so that nothing that comes then is
    /// taken for the end of what was missed. False where the log is being read already.
    pub(crate) fn begin_renewing(&mut self) -> bool {
        let mending = self.mending.get_or_insert(Mending {
            renews: true,
            ..Mending::default()
        });
        mending.renews
    }

    /// Whether the topic is being subscribed anew.
    pub(crate) fn is_renewing(&self) -> bool {
        self.mending.as_ref().is_some_and(|mending| mending.renews)
    }

    /// It has been subscribed anew, and the log can be read. Whether it was to be.
    pub(crate) fn end_renewing(&mut self) -> bool {
        match &mut self.mending {
            Some(mending) => std::mem::take(&mut mending.renews),
            None => false,
        }
    }

    /// Whether what the log keeps is left to it.
    pub(crate) fn is_mending(&self) -> bool {
        self.mending.is_some()
    }

    /// The log has been read to its end, which was here, and handed on.
    pub(crate) fn mended_through(&mut self, end: Position) -> Mended {
        self.advance(end);
        let Some(mending) = &mut self.mending else {
            return Mended::Done;
        };
        if std::mem::take(&mut mending.again) || mending.left > Some(end) {
            return Mended::Behind;
        }
        self.mending = None;
        self.mended = Some(end);
        Mended::Done
    }

    /// The log cannot close the hole. Where deliveries were left to it meanwhile, they are to be read
    /// from it, from this position on; where none were, whatever comes is handed on again.
    pub(crate) fn begin_anew(&mut self, end: Option<Position>) -> Option<Position> {
        let first = self.mending.as_ref().and_then(|mending| mending.first);
        match first {
            Some(_) => {
                self.last = None;
                self.keep_gates(|gate| matches!(gate, Gate::Closed(_)));
            }
            None => self.give_up(end),
        }
        first
    }

    /// The log cannot be read: whatever comes is handed on again. `end` is where the log
    /// ends, if that is known.
    pub(crate) fn give_up(&mut self, end: Option<Position>) {
        self.mending = None;
        self.mended = None;
        self.last = end;
        self.keep_gates(|gate| matches!(gate, Gate::Closed(_)));
    }

    /// Whether this is where everything was handed on, and nobody is about to hand on more.
    pub(crate) fn is_still_at(&self, position: Position) -> bool {
        self.mending.is_none() && self.last == Some(position)
    }

    /// The log has nothing between the two positions.
    pub(crate) fn follow(&mut self, from: Position, to: Position) {
        if self.is_still_at(from) {
            self.advance(to);
        }
    }

    /// Hands a member nothing more of what the log keeps. A gate that is closed already is taken
    /// over. Where the member is.
    pub(crate) fn close(&mut self, serial: u64, by: u64) -> Option<Position> {
        let since = match self.closed(serial) {
            Some(closed) => closed.since,
            None => self.last,
        };
        self.set_gate(serial, Gate::Closed(Closed { by, since }));
        since
    }

    /// Where a member joined has become known.
    pub(crate) fn arrive(&mut self, serial: u64, by: u64, at: Position) {
        if self
            .closed(serial)
            .is_some_and(|closed| closed.since.is_none())
        {
            self.move_on(serial, by, at);
        }
    }

    /// The member has been given everything through here; its gate stays closed.
    pub(crate) fn move_on(&mut self, serial: u64, by: u64, through: Position) {
        if self.closed(serial).is_some_and(|closed| closed.by == by) {
            let since = Some(through);
            self.set_gate(serial, Gate::Closed(Closed { by, since }));
        }
    }

    /// The gate of a member that is given nothing.
    pub(crate) fn closed(&self, serial: u64) -> Option<Closed> {
        match self.gates.as_ref()?.get(&serial) {
            Some(Gate::Closed(closed)) => Some(*closed),
            _ => None,
        }
    }

    /// Hands a member everything again, once it has been given all that was handed to the others.
    /// It has been given everything through `through`. False when the others have more; a gate
    /// that somebody else has closed since stays as it is.
    pub(crate) fn open(&mut self, serial: u64, by: u64, through: Position) -> bool {
        if self.closed(serial).is_none_or(|closed| closed.by != by) {
            return true;
        }
        if self.last > Some(through) {
            return false;
        }
        if self.last < Some(through) {
            self.set_gate(serial, Gate::After(through));
        } else {
            self.forget(serial);
        }
        true
    }

    /// Hands a member everything again from now on, unless somebody else has closed its gate since.
    pub(crate) fn reopen(&mut self, serial: u64, by: u64) -> bool {
        if self.closed(serial).is_some_and(|closed| closed.by == by) {
            self.forget(serial);
        }
        true
    }

    /// Forgets a member.
    pub(crate) fn forget(&mut self, serial: u64) {
        let Some(gates) = &mut self.gates else {
            return;
        };
        if gates.contains_key(&serial) {
            Arc::make_mut(gates).remove(&serial);
        }
        self.gates.take_if(|gates| gates.is_empty());
    }

    fn set_gate(&mut self, serial: u64, gate: Gate) {
        let gates = self.gates.get_or_insert_default();
        Arc::make_mut(gates).insert(serial, gate);
    }

    fn keep_gates(&mut self, keep: impl Fn(Gate) -> bool) {
        let Some(gates) = &mut self.gates else {
            return;
        };
        if !gates.values().all(|gate| keep(*gate)) {
            Arc::make_mut(gates).retain(|_, gate| keep(*gate));
        }
        self.gates.take_if(|gates| gates.is_empty());
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

#[cfg(test)]
mod tests {
    use mesahub_broker::Position;

    use super::{Closed, Mended, Trail};

    fn at(number: u128) -> Position {
        Position::new(number)
    }

    #[test]
    fn what_comes_while_a_hole_is_mended_is_left_to_the_log_and_handed_on_once() {
        let mut trail = Trail::default();
        assert!(trail.pass(at(1)));
        assert!(trail.begin_mending());
        assert!(!trail.pass(at(5)), "the log has it");
        assert_eq!(trail.mended_through(at(4)), Mended::Behind);
        assert_eq!(trail.mended_through(at(6)), Mended::Done);
        assert!(!trail.pass(at(6)), "the log gave it");
        assert!(trail.pass(at(7)));
        assert_eq!(trail.last(), Some(at(7)));
    }

    #[test]
    fn what_comes_while_a_topic_is_subscribed_anew_is_left_to_the_log() {
        let mut trail = Trail::default();
        trail.advance(at(1));
        assert!(trail.begin_renewing() && trail.begin_renewing());
        assert!(!trail.begin_mending(), "it is read once it is subscribed");
        assert!(!trail.pass(at(4)));
        assert!(trail.end_renewing() && !trail.end_renewing());
        assert_eq!(trail.last(), Some(at(1)));
        assert!(!trail.begin_renewing(), "it is being read");
    }

    #[test]
    fn a_second_hole_is_looked_for_before_mending_ends() {
        let mut trail = Trail::default();
        trail.advance(at(1));
        assert!(trail.begin_mending());
        assert!(!trail.begin_mending());
        assert_eq!(trail.mended_through(at(3)), Mended::Behind);
        assert_eq!(trail.mended_through(at(3)), Mended::Done);
    }

    #[test]
    fn after_a_log_that_gave_up_whatever_comes_is_handed_on() {
        let mut trail = Trail::default();
        trail.advance(at(100));
        trail.begin_mending();
        trail.pass(at(2));
        trail.close(1, 0);
        trail.close(2, 0);
        assert!(trail.open(2, 0, at(120)));
        trail.give_up(Some(at(3)));
        assert!(trail.closed(1).is_some());
        let gates = trail.gates().expect("one is closed");
        assert_eq!(gates.get(&2), None, "positions may have begun anew");
        assert!(trail.pass(at(4)));
        assert_eq!(trail.last(), Some(at(4)));
    }

    #[test]
    fn what_was_left_to_a_log_that_cannot_close_the_hole_is_still_read_from_it() {
        let mut trail = Trail::default();
        trail.advance(at(100));
        trail.begin_mending();
        assert_eq!(trail.begin_anew(Some(at(2))), None);
        assert!(trail.pass(at(3)), "nothing was left to the log");
        trail.begin_mending();
        trail.pass(at(5));
        trail.pass(at(6));
        assert_eq!(trail.begin_anew(Some(at(6))), Some(at(5)));
        assert!(!trail.pass(at(7)));
        assert_eq!(trail.mended_through(at(6)), Mended::Behind);
        assert_eq!(trail.mended_through(at(7)), Mended::Done);
        assert!(trail.pass(at(8)));
    }

    #[test]
    fn a_gate_opens_once_its_member_has_what_the_others_have() {
        let mut trail = Trail::default();
        trail.advance(at(1));
        assert_eq!(trail.close(7, 0), Some(at(1)));
        assert!(trail.pass(at(2)));
        assert!(!trail.open(7, 0, at(1)), "the others have more");
        assert!(trail.open(7, 0, at(4)), "the log is ahead of the broker");
        let gates = trail.gates().expect("it is still watched");
        assert!(!gates[&7].admits(at(4)) && gates[&7].admits(at(5)));
        assert!(trail.pass(at(4)));
        assert!(trail.gates().is_none(), "nothing is kept of it any more");
    }

    #[test]
    fn only_who_closed_a_gate_last_moves_or_opens_it() {
        let mut trail = Trail::default();
        trail.advance(at(1));
        trail.close(7, 1);
        trail.pass(at(2));
        assert_eq!(trail.close(7, 2), Some(at(1)), "it was given nothing since");
        trail.move_on(7, 1, at(2));
        assert!(
            trail.open(7, 1, at(2)),
            "there is nothing to do for the first"
        );
        let since = Some(at(1));
        assert_eq!(trail.closed(7), Some(Closed { by: 2, since }));
        trail.move_on(7, 2, at(2));
        assert!(trail.open(7, 2, at(2)));
        assert_eq!(trail.closed(7), None);
    }

    #[test]
    fn a_trail_follows_the_end_of_a_log_only_while_nothing_is_handed_on() {
        let mut trail = Trail::default();
        trail.advance(at(1));
        trail.follow(at(1), at(9));
        assert!(trail.is_still_at(at(9)));
        trail.pass(at(10));
        trail.follow(at(9), at(20));
        assert!(trail.is_still_at(at(10)));
        trail.begin_mending();
        assert!(!trail.is_still_at(at(10)), "it is being looked after");
    }
}
