//! How far a topic that a log keeps has been handed to the members on this node, and which of them
//! are not given everything yet.
//!
//! One for each such topic, not for each connection. What is not handed on is never held in
//! memory: the log has it, and whoever closes a trail or a gate reads it from there.

use mesahub_broker::Position;

use crate::hub::gate::{Closed, Gate, Gates, Snapshot};

/// How far the members of one topic have come.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// Everything through here was handed on. `None` while that is not known.
    last: Option<Position>,
    /// Through here everything was taken for delivered though nothing had come: what still does
    /// was on its way for longer than that was waited for, and no log gives it again.
    taken: Option<Position>,
    /// Through here the log was read while it was mended: what still comes of it from the broker
    /// has been handed on already.
    mended: Option<Position>,
    mending: Option<Mending>,
    /// How many are just telling members of a loss: what comes behind it waits so long.
    telling: u32,
    gates: Gates,
}

/// The log is being read to close a hole; deliveries that it keeps are left to it.
#[derive(Debug, Default)]
struct Mending {
    /// Whoever has this number mends, and nobody else.
    number: u64,
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
    /// The log has less than the broker has delivered.
    Behind,
    /// Another hole was found meanwhile.
    Torn,
}

/// What becomes of a topic of which something is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anew {
    /// Somebody else mends it, or nobody has to any more.
    Nothing,
    /// Whatever comes is handed on again, once its members have been told: whoever asked ends the
    /// telling.
    Opens,
    /// The members are to be told, and given from the log what was left to it from here on.
    From(Position),
}

impl Trail {
    /// Everything through here was handed on, as far as is known.
    pub(crate) fn last(&self) -> Option<Position> {
        self.last
    }

    /// The broker no longer delivers the topic, and nobody is there to be given anything.
    pub(crate) fn interrupt(&mut self) {
        self.last = None;
        self.taken = None;
        self.mended = None;
        self.mending = None;
    }

    /// Whether a delivery is to be handed on now.
    pub(crate) fn pass(&mut self, position: Position) -> bool {
        if self.taken.is_some_and(|taken| position <= taken) {
            return true;
        }
        // What comes from the broker comes in order: nothing before it is on its way any more.
        self.taken = None;
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

    /// Whether what somebody has read from the log is to be handed on now.
    pub(crate) fn make_up(&mut self, number: u64, position: Position) -> bool {
        let mends = self.is_mended_by(number);
        if mends {
            self.advance(position);
        }
        mends
    }

    /// Everything through here has been handed on.
    pub(crate) fn advance(&mut self, position: Position) {
        self.last = self.last.max(Some(position));
    }

    /// Who is not given everything that comes now; those that need no watching any more are
    /// forgotten.
    pub(crate) fn watched(&mut self) -> Option<Snapshot> {
        let last = self.last;
        self.gates.keep(|gate| match gate {
            Gate::Closed(_) => true,
            Gate::After(position) => last < Some(position),
        });
        self.gates.snapshot()
    }

    /// The members that are not given everything.
    pub(crate) fn gates(&mut self) -> &mut Gates {
        &mut self.gates
    }

    /// Leaves what the log keeps to the log from now on, for whoever has this number to read.
    /// Whether that is new: whoever began it looks again before it ends.
    pub(crate) fn begin_mending(&mut self, number: u64) -> bool {
        match &mut self.mending {
            Some(mending) => {
                mending.again = true;
                false
            }
            None => {
                self.mending = Some(Mending {
                    number,
                    ..Mending::default()
                });
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

    /// It has been subscribed anew, and whoever has this number can read the log. Whether it was to
    /// be.
    pub(crate) fn end_renewing(&mut self, number: u64) -> bool {
        match &mut self.mending {
            Some(mending) if mending.renews => {
                (mending.number, mending.renews) = (number, false);
                true
            }
            _ => false,
        }
    }

    /// Whether what the log keeps is left to it.
    pub(crate) fn is_mending(&self) -> bool {
        self.mending.is_some()
    }

    /// Whether it is left to whoever has this number.
    pub(crate) fn is_mended_by(&self, number: u64) -> bool {
        let mending = self.mending.as_ref();
        mending.is_some_and(|mending| mending.number == number && !mending.renews)
    }

    /// The log has been read to its end, which was here, and handed on.
    pub(crate) fn mended_through(&mut self, number: u64, end: Position) -> Mended {
        if !self.is_mended_by(number) {
            return Mended::Done;
        }
        self.advance(end);
        match &mut self.mending {
            Some(mending) if mending.again => {
                mending.again = false;
                Mended::Torn
            }
            Some(mending) if mending.left > Some(end) => Mended::Behind,
            _ => {
                self.mending = None;
                self.mended = Some(end);
                Mended::Done
            }
        }
    }

    /// The log cannot close the hole, and ends here now. Where deliveries were left to it meanwhile,
    /// they are still to be read from it.
    pub(crate) fn begin_anew(&mut self, number: u64, end: Position) -> Anew {
        let first = self.mending.as_ref().and_then(|mending| mending.first);
        match first {
            Some(first) if self.is_mended_by(number) => {
                self.last = None;
                self.gates.keep(|gate| matches!(gate, Gate::Closed(_)));
                Anew::From(first)
            }
            _ => self.give_up(number, Some(end)),
        }
    }

    /// The log cannot be read: whatever comes is handed on again, once the members have been told.
    /// `end` is where the log ends, if that is known.
    pub(crate) fn give_up(&mut self, number: u64, end: Option<Position>) -> Anew {
        if !self.is_mended_by(number) {
            return Anew::Nothing;
        }
        self.mending = None;
        self.mended = None;
        self.last = end;
        self.gates.keep(|gate| matches!(gate, Gate::Closed(_)));
        self.telling += 1;
        Anew::Opens
    }

    /// Whether members are just being told of a loss, which nothing that follows it may overtake.
    /// Whoever tells them waits for nothing, so it is over in a moment.
    pub(crate) fn is_telling(&self) -> bool {
        self.telling > 0
    }

    /// They have been told.
    pub(crate) fn end_telling(&mut self) {
        self.telling = self.telling.saturating_sub(1);
    }

    /// Whether this is where everything was handed on, and nobody is about to hand on more.
    pub(crate) fn is_still_at(&self, position: Position) -> bool {
        self.mending.is_none() && self.last == Some(position)
    }

    /// Everything through here was delivered, unless more is known.
    pub(crate) fn begin_at(&mut self, position: Position) {
        if self.mending.is_none() && self.last.is_none() {
            self.last = Some(position);
            self.taken = Some(position);
        }
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
        let since = match self.gates.closed(serial) {
            Some(closed) => closed.since,
            None => self.last,
        };
        self.gates.set(serial, Gate::Closed(Closed { by, since }));
        since
    }

    /// Hands a member everything again, once it has been given all that was handed to the others.
    /// It has been given everything through `through`. False when the others have more; a gate
    /// that somebody else has closed since stays as it is.
    pub(crate) fn open(&mut self, serial: u64, by: u64, through: Position) -> bool {
        if !self.gates.is_closed_by(serial, by) {
            return true;
        }
        if self.last > Some(through) {
            return false;
        }
        if self.last < Some(through) {
            self.gates.set(serial, Gate::After(through));
        } else {
            self.gates.forget(serial);
        }
        true
    }

    /// Hands a member everything again, once it has been told of a loss: whoever asked ends the
    /// telling. False when somebody else has closed its gate since.
    pub(crate) fn reopen_telling(&mut self, serial: u64, by: u64) -> bool {
        let is_ours = self.gates.reopen(serial, by);
        self.telling += u32::from(is_ours);
        is_ours
    }
}

#[cfg(test)]
mod tests {
    use mesahub_broker::Position;

    use super::{Anew, Mended, Trail};
    use crate::hub::gate::Closed;

    fn at(number: u128) -> Position {
        Position::new(number)
    }

    #[test]
    fn what_comes_while_a_hole_is_mended_is_left_to_the_log_and_handed_on_once() {
        let mut trail = Trail::default();
        assert!(trail.pass(at(1)));
        assert!(trail.begin_mending(1));
        assert!(!trail.pass(at(5)), "the log has it");
        assert_eq!(trail.mended_through(1, at(4)), Mended::Behind);
        assert_eq!(trail.mended_through(1, at(6)), Mended::Done);
        assert!(!trail.pass(at(6)), "the log gave it");
        assert!(trail.pass(at(7)));
        assert_eq!(trail.last(), Some(at(7)));
    }

    #[test]
    fn what_was_taken_for_delivered_too_early_is_handed_on_when_it_comes() {
        let mut trail = Trail::default();
        trail.begin_at(at(5));
        assert!(trail.begin_mending(1));
        assert!(
            trail.pass(at(4)),
            "the log is read from behind the end that was taken"
        );
        assert_eq!(trail.mended_through(1, at(7)), Mended::Done);
        assert!(trail.pass(at(5)));
        assert!(!trail.pass(at(6)), "the log gave it");
        assert!(!trail.pass(at(5)), "and what came before it has come");
        assert!(trail.pass(at(8)));
    }

    #[test]
    fn what_comes_while_a_topic_is_subscribed_anew_is_left_to_the_log() {
        let mut trail = Trail::default();
        trail.advance(at(1));
        assert!(trail.begin_renewing() && trail.begin_renewing());
        assert!(!trail.begin_mending(1), "it is read once it is subscribed");
        assert!(!trail.pass(at(4)));
        assert!(trail.end_renewing(1) && !trail.end_renewing(1));
        assert_eq!(trail.last(), Some(at(1)));
        assert!(!trail.begin_renewing(), "it is being read");
    }

    #[test]
    fn a_second_hole_is_looked_for_before_mending_ends() {
        let mut trail = Trail::default();
        trail.advance(at(1));
        assert!(trail.begin_mending(1));
        assert!(!trail.begin_mending(1));
        assert_eq!(trail.mended_through(1, at(3)), Mended::Torn);
        assert_eq!(trail.mended_through(1, at(3)), Mended::Done);
    }

    #[test]
    fn only_who_mends_a_topic_now_hands_on_what_its_log_has() {
        let mut trail = Trail::default();
        trail.advance(at(1));
        assert!(trail.begin_mending(1));
        trail.interrupt();
        trail.advance(at(5));
        assert!(trail.begin_mending(2) && trail.is_mended_by(2));
        assert!(!trail.make_up(1, at(3)), "nobody is left that missed it");
        assert_eq!(trail.mended_through(1, at(5)), Mended::Done);
        assert_eq!(trail.begin_anew(1, at(5)), Anew::Nothing);
        assert_eq!(trail.give_up(1, None), Anew::Nothing);
        assert!(trail.is_mended_by(2), "the second is still to read the log");
        assert!(trail.make_up(2, at(6)));
        assert_eq!(trail.last(), Some(at(6)));
    }

    #[test]
    fn after_a_log_that_gave_up_whatever_comes_is_handed_on() {
        let mut trail = Trail::default();
        trail.advance(at(100));
        trail.begin_mending(1);
        trail.pass(at(2));
        trail.close(1, 0);
        trail.close(2, 0);
        assert!(trail.open(2, 0, at(120)));
        assert_eq!(trail.give_up(1, Some(at(3))), Anew::Opens);
        assert!(trail.is_telling(), "nothing overtakes what they are told");
        trail.end_telling();
        assert!(!trail.is_telling());
        assert!(trail.gates().closed(1).is_some());
        let gates = trail.watched().expect("one is closed");
        assert_eq!(gates.get(&2), None, "positions may have begun anew");
        assert!(trail.pass(at(4)));
        assert_eq!(trail.last(), Some(at(4)));
    }

    #[test]
    fn what_was_left_to_a_log_that_cannot_close_the_hole_is_still_read_from_it() {
        let mut trail = Trail::default();
        trail.advance(at(100));
        trail.begin_mending(1);
        assert_eq!(trail.begin_anew(1, at(2)), Anew::Opens);
        trail.end_telling();
        assert!(trail.pass(at(3)), "nothing was left to the log");
        trail.begin_mending(1);
        trail.pass(at(5));
        trail.pass(at(6));
        assert_eq!(trail.begin_anew(1, at(6)), Anew::From(at(5)));
        assert!(!trail.pass(at(7)));
        assert_eq!(trail.mended_through(1, at(6)), Mended::Behind);
        assert_eq!(trail.mended_through(1, at(7)), Mended::Done);
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
        let gates = trail.watched().expect("it is still watched");
        assert!(!gates[&7].admits(at(4)) && gates[&7].admits(at(5)));
        assert!(trail.pass(at(4)));
        assert!(trail.watched().is_none(), "nothing is kept of it any more");
    }

    #[test]
    fn only_who_closed_a_gate_last_moves_or_opens_it() {
        let mut trail = Trail::default();
        trail.advance(at(1));
        trail.close(7, 1);
        trail.pass(at(2));
        assert_eq!(trail.close(7, 2), Some(at(1)), "it was given nothing since");
        trail.gates().move_on(7, 1, at(2));
        assert!(
            trail.open(7, 1, at(2)),
            "there is nothing to do for the first"
        );
        let since = Some(at(1));
        assert_eq!(trail.gates().closed(7), Some(Closed { by: 2, since }));
        trail.gates().move_on(7, 2, at(2));
        assert!(trail.open(7, 2, at(2)));
        assert_eq!(trail.gates().closed(7), None);
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
        trail.begin_mending(1);
        assert!(!trail.is_still_at(at(10)), "it is being looked after");
    }
}
