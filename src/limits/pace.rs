//! How often something may be done.

use std::time::Duration;

use tokio::time::Instant;

use super::bucket::TokenBucket;
use super::window::FixedWindow;

/// A rate. With no permits or in no time nothing is ever let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many in a window; at least 1.
    pub permits: u32,
    /// How long it is.
    pub window: Duration,
    /// How many at once, where a bucket has filled; at least 1. Windows do not look at it.
    pub burst: u32,
    /// How many may wait for their turn.
    pub queue: u32,
}

/// How it is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// So many in each window of time.
    #[default]
    FixedWindow,
    /// A bucket of so many tokens, which fills evenly.
    TokenBucket,
}

/// What somebody who asks is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on.
    Now,
    /// Wait until then, and go on without asking again.
    At(Instant),
    /// Not at all; asking again makes sense from then on.
    Refused(Instant),
}

/// The account of one who is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    Window(FixedWindow),
    Bucket(TokenBucket),
}

impl Pace {
    pub(crate) fn new(algorithm: Algorithm, now: Instant) -> Self {
        match algorithm {
            Algorithm::FixedWindow => Self::Window(FixedWindow::new(now)),
            Algorithm::TokenBucket => Self::Bucket(TokenBucket::new(now)),
        }
    }

    pub(crate) fn ask(&mut self, rate: &Rate, now: Instant) -> Verdict {
        match self {
            Self::Window(window) => window.ask(rate, now),
            Self::Bucket(bucket) => bucket.ask(rate, 1, now),
        }
    }
}
