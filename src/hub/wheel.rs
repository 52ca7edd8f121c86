//! One timing wheel for every deadline of every connection: handshake, keep-alive, client timeout
//! and the expiry of the credential. A connection costs one weak pointer here, not a timer.
//!
//! It knows every connection from its first moment on, so when it stops it sends them all away,
//! also those that have not shaken hands and that no hub knows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::hub::connection::Connection;
use crate::hub::ending::Ending;
use crate::hub::upkeep::Upkeep;

/// The wheel's step, and so the precision of every deadline.
const TICK: Duration = Duration::from_millis(100);

/// Steps in one round.
const SLOTS: usize = 256;

/// The deadlines of one endpoint, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    pub(crate) handshake: u64,
    pub(crate) keep_alive: u64,
    pub(crate) client_timeout: u64,
}

/// The wheel.
pub(crate) struct Wheel {
    slots: Box<[Mutex<Vec<Entry>>]>,
    stopped: AtomicBool,
}

struct Entry {
    connection: Weak<Connection>,
    deadlines: Arc<Deadlines>,
    /// The moment it is due; farther than one round away it passes its slot several times.
    due: u64,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Mutex::default()).collect(),
            stopped: AtomicBool::new(false),
        }
    }

    /// Watches a connection until it is dropped or has ended. One that comes after the stop is
    /// sent away at once.
    pub(crate) fn watch(&self, connection: &Arc<Connection>, deadlines: &Arc<Deadlines>, now: u64) {
        self.insert(Entry {
            connection: Arc::downgrade(connection),
            deadlines: Arc::clone(deadlines),
            due: next_deadline(connection, deadlines, now).max(now + 1),
        });
        // Inserted first: either this sees the stop, or the stop sees the connection.
        if self.stopped.load(Ordering::SeqCst) {
            connection.end(Ending::Shutdown);
        }
    }

    /// Turns until told to stop, then ends every connection.
    pub(crate) async fn turn(self: Arc<Self>, epoch: Instant, stop: CancellationToken) {
        let mut ticks = tokio::time::interval_at(epoch + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut reached = 0_u64;
        loop {
            tokio::select! {
                at = ticks.tick() => {
                    let now = u64::try_from((at - epoch).as_millis()).unwrap_or(u64::MAX);
                    let last = now / tick_ms();
                    // After a pause of the whole machine, one round visits every slot.
                    let from = (reached + 1).max(last.saturating_sub(SLOTS as u64 - 1));
                    (from..=last).for_each(|step| self.visit(step, now));
                    reached = last;
                }
                () = stop.cancelled() => break,
            }
        }
        self.stopped.store(true, Ordering::SeqCst);
        for slot in &self.slots {
            let entries = std::mem::take(&mut *slot.lock());
            let watched = entries
                .iter()
                .filter_map(|entry| entry.connection.upgrade());
            watched.for_each(|connection| connection.end(Ending::Shutdown));
        }
    }

    fn visit(&self, step: u64, now: u64) {
        let entries = std::mem::take(&mut *self.slots[slot(step)].lock());
        for mut entry in entries {
            let Some(connection) = entry.connection.upgrade() else {
                continue;
            };
            if entry.due <= now {
                act(&connection, &entry.deadlines, now);
            }
            if connection.ending().is_some() {
                continue;
            }
            entry.due = next_deadline(&connection, &entry.deadlines, now).max(now + 1);
            self.insert(entry);
        }
    }

    fn insert(&self, entry: Entry) {
        // Rounded up: a deadline is never early.
        let step = entry.due.div_ceil(tick_ms()).max(1);
        self.slots[slot(step)].lock().push(entry);
    }
}

/// Does what is due.
fn act(connection: &Connection, deadlines: &Deadlines, now: u64) {
    let pulse = &connection.pulse;
    if pulse.expires.load(Ordering::Relaxed) <= now {
        connection.end(Ending::CredentialExpired);
    } else if let Some(ending) = connection.upkeep().and_then(Upkeep::look) {
        connection.end(ending);
    } else if is_stuck(connection, now) {
        connection.end(Ending::TransportLost(
            "the client took no bytes for the send timeout".to_owned(),
        ));
    } else if connection.protocol().is_none() {
        if pulse.started + deadlines.handshake <= now {
            connection.end(Ending::HandshakeTimeout);
        }
    } else if is_silent(connection, deadlines, now) {
        connection.end(Ending::ClientTimeout);
    } else if pulse.is_pinged && pulse.pinged.load(Ordering::Relaxed) + deadlines.keep_alive <= now
    {
        pulse.pinged.store(now, Ordering::Relaxed);
        connection.ping();
    }
}

/// The next moment at which something can be due.
fn next_deadline(connection: &Connection, deadlines: &Deadlines, now: u64) -> u64 {
    let pulse = &connection.pulse;
    let ping = if pulse.is_pinged {
        pulse.pinged.load(Ordering::Relaxed) + deadlines.keep_alive
    } else {
        u64::MAX
    };
    let next = if connection.protocol().is_none() {
        // The handshake may be done long before its deadline: look again when a ping could be due.
        ping.min(pulse.started + deadlines.handshake)
    } else if !pulse.is_pinged {
        now + deadlines.keep_alive
    } else {
        let silence = pulse.heard.load(Ordering::Relaxed) + deadlines.client_timeout;
        if times_out(connection) {
            ping.min(silence)
        } else {
            ping
        }
    };
    let look = connection
        .upkeep()
        .map_or(u64::MAX, |upkeep| now + upkeep.interval());
    let next = next.min(look).min(pulse.expires.load(Ordering::Relaxed));
    match pulse.stuck.load(Ordering::Relaxed) {
        0 => next,
        since => next.min(since.saturating_add(pulse.send_timeout)),
    }
}

fn is_silent(connection: &Connection, deadlines: &Deadlines, now: u64) -> bool {
    let heard = connection.pulse.heard.load(Ordering::Relaxed);
    times_out(connection) && heard + deadlines.client_timeout <= now
}

/// Whether bytes have waited for the whole send timeout and none of them has left. Seen first when
/// something else is due, so it can take as much longer as the keep-alive interval.
fn is_stuck(connection: &Connection, now: u64) -> bool {
    let pulse = &connection.pulse;
    if pulse.send_timeout == u64::MAX {
        return false;
    }
    if connection.queued_bytes() == 0 {
        pulse.stuck.store(0, Ordering::Relaxed);
        return false;
    }
    let progress = connection.outbox().progress();
    let since = pulse.stuck.load(Ordering::Relaxed);
    if since == 0 || pulse.progress.swap(progress, Ordering::Relaxed) != progress {
        pulse.progress.store(progress, Ordering::Relaxed);
        pulse.stuck.store(now.max(1), Ordering::Relaxed);
        return false;
    }
    since.saturating_add(pulse.send_timeout) <= now
}

fn times_out(connection: &Connection) -> bool {
    connection.pulse.is_pinged
        && connection.pulse.client_pings.load(Ordering::Relaxed)
        && !connection.pulse.paused.load(Ordering::Relaxed)
}

fn slot(step: u64) -> usize {
    usize::try_from(step % SLOTS as u64).expect("a slot number is small")
}

fn tick_ms() -> u64 {
    TICK.as_millis() as u64
}
