//! What is counted over all clients.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use super::ledger::{Heard, Ledger};
use super::mark::Mark;

/// The longest time that is told apart from longer ones.
const LONGEST: u64 = 10 * 60 * 1_000_000;

/// How many different reasons are told apart; what comes behind them is counted as one.
const REASONS: usize = 32;

/// What is counted over all clients.
pub(super) struct Tally {
    run: u64,
    began: Instant,
    standing: watch::Sender<Standing>,
    /// The highest number of each channel.
    sent: Box<[AtomicU64]>,
    refused: Mutex<HashSet<(usize, u64)>>,
    /// How many members of each channel have never been there.
    absent: Box<[AtomicU64]>,
    pub(super) heard: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) again: AtomicU64,
    pub(super) stray: AtomicU64,
    pub(super) missing: AtomicU64,
    pub(super) dropped: AtomicU64,
    /// Microseconds from publishing to hearing.
    pub(super) latency: Mutex<Histogram<u64>>,
    /// Microseconds from a cut to being back.
    pub(super) absence: Mutex<Histogram<u64>>,
    reasons: Mutex<BTreeMap<String, u64>>,
}

/// How many clients are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Connected.
    pub(super) up: usize,
    /// Have been connected since the last cut.
    pub(super) back: usize,
    /// Have given up.
    pub(super) given_up: usize,
}

impl Tally {
    pub(super) fn new(run: u64, channels: usize) -> Self {
        Self {
            run,
            began: Instant::now(),
            standing: watch::Sender::default(),
            sent: (0..channels).map(|_| AtomicU64::new(0)).collect(),
            refused: Mutex::default(),
            absent: (0..channels).map(|_| AtomicU64::new(0)).collect(),
            heard: AtomicU64::new(0),
            late: AtomicU64::new(0),
            again: AtomicU64::new(0),
            stray: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            latency: Mutex::new(times()),
            absence: Mutex::new(times()),
            reasons: Mutex::default(),
        }
    }

    /// The next message of a channel, which is published now.
    pub(super) fn next(&self, channel: usize) -> Mark {
        Mark {
            run: self.run,
            channel,
            number: self.sent[channel].fetch_add(1, Relaxed) + 1,
            at: self.began.elapsed(),
        }
    }

    /// Nobody is to hear a message.
    pub(super) fn refuse(&self, mark: &Mark) {
        self.refused.lock().insert((mark.channel, mark.number));
    }

    /// A client has heard a message.
    pub(super) fn hear(&self, mark: &Mark, ledger: &mut Ledger) {
        if mark.run != self.run {
            return;
        }
        let sent = self.sent.get(mark.channel);
        let is_known = sent.is_some_and(|sent| mark.number <= sent.load(Relaxed));
        let heard = match is_known {
            true => ledger.note(mark.channel, mark.number),
            false => Heard::Stray,
        };
        match heard {
            Heard::InOrder | Heard::Late => {
                self.heard.fetch_add(1, Relaxed);
                record(&self.latency, self.began.elapsed().saturating_sub(mark.at));
            }
            Heard::Again => {
                self.again.fetch_add(1, Relaxed);
            }
            Heard::Stray => {
                self.stray.fetch_add(1, Relaxed);
            }
        }
        if heard == Heard::Late {
            self.late.fetch_add(1, Relaxed);
        }
    }

    /// What a client missed, at its end.
    pub(super) fn settle(&self, ledger: &Ledger) {
        let had: Vec<u64> = self.sent.iter().map(|sent| sent.load(Relaxed)).collect();
        let refused = self.refused.lock();
        let missing = ledger.missing(&had, |channel, number| refused.contains(&(channel, number)));
        self.missing.fetch_add(missing, Relaxed);
    }

    /// How many messages were taken from the publishers, and how many were refused.
    pub(super) fn published(&self) -> (u64, u64) {
        let all: u64 = self.sent.iter().map(|sent| sent.load(Relaxed)).sum();
        let refused = self.refused.lock().len() as u64;
        (all.saturating_sub(refused), refused)
    }

    /// A client has given up without ever having been there.
    pub(super) fn miss(&self, channels: impl Iterator<Item = usize>) {
        for channel in channels {
            self.absent[channel].fetch_add(1, Relaxed);
        }
    }

    /// How many times messages have to be heard, given the members of each channel.
    pub(super) fn expected(&self, members: &[u64]) -> u64 {
        let there = |channel: usize| {
            let absent = self.absent[channel].load(Relaxed);
            members[channel].saturating_sub(absent)
        };
        let sent = self.sent.iter().enumerate();
        let all: u64 = sent
            .map(|(channel, sent)| sent.load(Relaxed) * there(channel))
            .sum();
        let refused = self.refused.lock();
        let refused: u64 = refused.iter().map(|(channel, _)| there(*channel)).sum();
        all.saturating_sub(refused)
    }

    /// A reason why something failed.
    pub(super) fn blame(&self, reason: &dyn std::error::Error) {
        let mut reasons = self.reasons.lock();
        let mut text = reason.to_string();
        if reasons.len() >= REASONS && !reasons.contains_key(&text) {
            text = "other reasons".to_owned();
        }
        *reasons.entry(text).or_default() += 1;
    }

    pub(super) fn reasons(&self) -> BTreeMap<String, u64> {
        self.reasons.lock().clone()
    }

    pub(super) fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    pub(super) fn stand(&self, change: impl FnOnce(&mut Standing)) {
        self.standing.send_modify(change);
    }

    /// Waits until the clients stand as wanted.
    pub(super) async fn until(&self, wanted: impl FnMut(&Standing) -> bool) {
        let mut standing = self.standing.subscribe();
        let seen = standing.wait_for(wanted).await;
        seen.expect("the tally outlives who waits for it");
    }

    /// A client is back after a cut.
    pub(super) fn return_after(&self, absence: Duration) {
        record(&self.absence, absence);
        self.stand(|standing| standing.back += 1);
    }
}

fn times() -> Histogram<u64> {
    Histogram::new_with_max(LONGEST, 3).expect("bounds and digits are allowed")
}

fn record(into: &Mutex<Histogram<u64>>, time: Duration) {
    let micros = u64::try_from(time.as_micros()).unwrap_or(LONGEST);
    into.lock().saturating_record(micros.max(1));
}
