//! How long a dining session lasts, and what happens on the way: no clock, no store.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::notification::Label;
use crate::session::dining_session::DiningSession;

/// How long dining sessions last and when their guests are warned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTimes {
    /// How long a session without an order lasts after its last activity: 30 minutes by default.
    pub inactive_timeout: Duration,
    /// The same for a session that has ordered: 2 hours by default.
    pub served_order_timeout: Duration,
    /// At how many minutes before the end its guests are warned: at 5 and at 1 by default.
    pub warning_minutes: Vec<u32>,
    /// How often to look for sessions that are due, 5 seconds by default; nothing is told more
    /// than that too late.
    pub sweep_interval: Duration,
    /// For how long one node keeps others from what it has begun, a minute by default: so much
    /// later another one finishes it, should the first one die.
    pub claim: Duration,
}

/// What has to be done about a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing before this moment.
    Wait(Timestamp),
    /// Its guests are to be told that so many minutes are left.
    Warn(u32),
    /// It is over, for this reason.
    Close(Label),
}

impl SessionTimes {
    /// What has to be done about a session at this moment.
    pub(crate) fn step(&self, session: &DiningSession, now: Timestamp) -> Step {
        if let Some(reason) = &session.closing {
            return Step::Close(reason.clone());
        }
        let end = self.end(session);
        if end <= now {
            let reason = match session.has_orders {
                true => "ServedOrderTimeout",
                false => "InactiveSessionTimeout",
            };
            return Step::Close(reason.parse().expect("the text is a label"));
        }
        let given = session.warned.unwrap_or(u32::MAX);
        let open = || self.warning_minutes.iter().filter(move |it| **it < given);
        // One warning is enough where several are late.
        match open().filter(|minutes| before(end, **minutes) <= now).min() {
            Some(minutes) => Step::Warn(*minutes),
            None => Step::Wait(open().map(|it| before(end, *it)).min().unwrap_or(end)),
        }
    }

    /// When a session ends unless something happens.
    pub(crate) fn end(&self, session: &DiningSession) -> Timestamp {
        let lasts = match session.has_orders {
            true => self.served_order_timeout,
            false => self.inactive_timeout,
        };
        later(session.last_activity, lasts)
    }
}

impl Default for SessionTimes {
    fn default() -> Self {
        Self {
            inactive_timeout: Duration::from_secs(30 * 60),
            served_order_timeout: Duration::from_secs(2 * 60 * 60),
            warning_minutes: vec![5, 1],
            sweep_interval: Duration::from_secs(5),
            claim: Duration::from_secs(60),
        }
    }
}

/// A moment so much later; the last one there is where that is too far away.
pub(crate) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn before(end: Timestamp, minutes: u32) -> Timestamp {
    let lead = SignedDuration::from_mins(i64::from(minutes));
    end.checked_sub(lead).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const START: &str = "2026-11-25T18:00:00Z";

    fn at(minutes: i64) -> Timestamp {
        let start: Timestamp = START.parse().unwrap();
        start
            .checked_add(SignedDuration::from_mins(minutes))
            .unwrap()
    }

    fn session() -> DiningSession {
        DiningSession {
            session_id: uuid::Uuid::nil().into(),
            tenant_key: "pizza".parse().unwrap(),
            table_number: "4".parse().unwrap(),
            started_at: at(0),
            last_activity: at(0),
            has_orders: false,
            warned: None,
            closing: None,
            due: at(0),
            version: 0,
        }
    }

    fn closed(reason: &str) -> Step {
        Step::Close(reason.parse().unwrap())
    }

    #[test]
    fn a_session_is_warned_at_each_of_the_minutes_and_then_closed() {
        let times = SessionTimes::default();
        let mut session = session();
        assert_eq!(times.step(&session, at(0)), Step::Wait(at(25)));
        assert_eq!(times.step(&session, at(25)), Step::Warn(5));
        session.warned = Some(5);
        assert_eq!(times.step(&session, at(25)), Step::Wait(at(29)));
        assert_eq!(times.step(&session, at(29)), Step::Warn(1));
        session.warned = Some(1);
        assert_eq!(times.step(&session, at(29)), Step::Wait(at(30)));
        assert_eq!(
            times.step(&session, at(30)),
            closed("InactiveSessionTimeout")
        );
    }

    #[test]
    fn whoever_has_ordered_stays_longer_and_ends_for_another_reason() {
        let times = SessionTimes::default();
        let mut session = session();
        session.has_orders = true;
        assert_eq!(times.step(&session, at(30)), Step::Wait(at(115)));
        assert_eq!(times.step(&session, at(120)), closed("ServedOrderTimeout"));
    }

    #[test]
    fn of_several_late_warnings_only_the_last_is_given() {
        let times = SessionTimes::default();
        assert_eq!(times.step(&session(), at(29)), Step::Warn(1));
    }

    #[test]
    fn a_session_that_is_ending_ends_whatever_its_time() {
        let mut session = session();
        session.closing = Some("SessionClosed".parse().unwrap());
        let step = SessionTimes::default().step(&session, at(0));
        assert_eq!(step, closed("SessionClosed"));
    }

    #[test]
    fn without_warnings_only_the_end_is_waited_for() {
        let times = SessionTimes {
            warning_minutes: Vec::new(),
            inactive_timeout: Duration::MAX,
            ..SessionTimes::default()
        };
        assert_eq!(times.step(&session(), at(0)), Step::Wait(Timestamp::MAX));
    }
}
