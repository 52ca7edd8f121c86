//! What one hub counts: what its connections send and are sent, what they call and how they end.

use crate::hub::counters::Counter;
use crate::hub::ending::Ending;
use crate::hub::histogram::Histogram;

/// The upper bounds of the lag of deliveries, in microseconds: 1 ms, which is as fine as ids tell
/// it, to a minute.
const LAGS: [u64; 14] = [
    1_000, 2_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000, 30_000_000, 60_000_000,
];

/// Monotonic counters of one hub on one node.
#[derive(Debug)]
pub struct Traffic {
    /// Hub messages that came from clients, keep-alives among them, and all bytes that came.
    pub received: Flow,
    /// Hub messages that were given to the send queues of clients, and their bytes as they are
    /// framed. Handshakes and keep-alives are not among them.
    pub sent: Flow,
    /// Handshakes that were accepted.
    pub handshakes: Counter,
    /// For each delivery of a message whose id is a UUID of version 7: how long after that id was
    /// made its bytes had been offered to every connection of this node, by the calendars of the
    /// two nodes. A burst that leaves in one write counts with the lag of its oldest message. What
    /// a client resumes does not count.
    pub lag: Histogram,
    endings: [Counter; Ending::NAMES.len()],
    calls: [[Counter; CallOutcome::ALL.len()]; CallKind::ALL.len()],
}

/// Messages and their bytes. Each flow has a cache line of its own, since others write the other.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Flow {
    /// How many.
    pub messages: Counter,
    /// How many bytes.
    pub bytes: Counter,
}

/// How a client calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// For one result, or none.
    Invocation,
    /// For a stream of them.
    Stream,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// The handler returned what it should.
    Completed,
    /// The handler returned an error, or panicked.
    Failed,
    /// There is no such method.
    Unknown,
    /// The caller may not call it.
    Forbidden,
    /// The arguments, the streams or the kind of call do not fit the method.
    Malformed,
}

impl Traffic {
    /// How many connections have ended in this way, by the name in the table of endings.
    #[must_use]
    pub fn endings(&self) -> [(&'static str, u64); Ending::NAMES.len()] {
        std::array::from_fn(|place| (Ending::NAMES[place], self.endings[place].value()))
    }

    /// How many calls of this kind have ended so.
    #[must_use]
    pub fn calls(&self, kind: CallKind, outcome: CallOutcome) -> u64 {
        self.calls[kind as usize][outcome as usize].value()
    }

    pub(crate) fn ended(&self, name: &'static str) {
        let place = Ending::NAMES.iter().position(|known| *known == name);
        debug_assert!(place.is_some(), "{name} is missing in Ending::NAMES");
        if let Some(place) = place {
            self.endings[place].add(1);
        }
    }

    pub(crate) fn called(&self, kind: CallKind, outcome: CallOutcome) {
        self.calls[kind as usize][outcome as usize].add(1);
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            received: Flow::default(),
            sent: Flow::default(),
            handshakes: Counter::default(),
            lag: Histogram::new(&LAGS),
            endings: Default::default(),
            calls: Default::default(),
        }
    }
}

impl Flow {
    /// Adds messages and their bytes.
    pub(crate) fn add(&self, messages: u64, bytes: usize) {
        self.messages.add(messages);
        self.bytes.add(bytes as u64);
    }
}

impl CallKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Invocation, Self::Stream];

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invocation => "invocation",
            Self::Stream => "stream",
        }
    }

    pub(crate) fn of(wants_stream: bool) -> Self {
        if wants_stream {
            Self::Stream
        } else {
            Self::Invocation
        }
    }
}

impl CallOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Completed,
        Self::Failed,
        Self::Unknown,
        Self::Forbidden,
        Self::Malformed,
    ];

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Forbidden => "forbidden",
            Self::Malformed => "malformed",
        }
    }
}
