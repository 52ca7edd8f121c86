//! The table of targets.

use crate::allocation::{LIMIT, measure};
use crate::targets::{backplane, framing, handshake, message, negotiate, websocket};

/// One decoder, and inputs to begin with.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What the command line calls it.
    pub name: &'static str,
    /// Decodes an input and panics if anything is wrong with the outcome.
    pub decode: fn(&[u8]),
    /// Inputs from the specification.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    negotiate::QUERY,
    handshake::REQUEST,
    framing::TEXT,
    framing::BINARY,
    message::JSON,
    message::MESSAGEPACK,
    backplane::ENVELOPE,
    backplane::GROUP_COMMAND,
    backplane::ACK,
    backplane::COMPLETION,
    websocket::FRAMES,
];

impl Target {
    /// The target with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.iter().copied().find(|target| target.name == name)
    }

    /// Decodes one input.
    ///
    /// # Panics
    ///
    /// The outcome is wrong, or took too much memory.
    pub fn run(&self, input: &[u8]) {
        let allocated = measure(|| (self.decode)(input));
        assert!(
            allocated <= LIMIT,
            "{} asked for {allocated} bytes for an input of {}",
            self.name,
            input.len()
        );
    }
}
