//! A place in a topic's log.

use std::{fmt, str::FromStr};

/// A place in one topic's log.
///
/// Opaque to everyone but the backend that issued it. Positions of one topic are ordered as its
/// log is; positions of two topics say nothing about each other. The text form is a decimal number
/// of at most 39 digits, with no sign and no leading zeros.
///
/// Backends number as they like within 128 bits: a Redis stream id is `from_parts(ms, seq)`, a
/// JetStream sequence or a RabbitMQ stream offset is `from_parts(0, n)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    // Two halves in place of a `u128`, whose alignment would make each queue slot larger.
    high: u64,
    low: u64,
}

/// A text that is no [`Position`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a log position")]
pub struct PositionError;

impl Position {
    /// The position with this number.
    #[must_use]
    pub const fn new(number: u128) -> Self {
        Self::from_parts((number >> 64) as u64, number as u64)
    }

    /// The position whose number has these upper and lower 64 bits.
    #[must_use]
    pub const fn from_parts(high: u64, low: u64) -> Self {
        Self { high, low }
    }

    /// The number.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        ((self.high as u128) << 64) | self.low as u128
    }

    /// The upper and lower 64 bits of the number.
    #[must_use]
    pub const fn parts(self) -> (u64, u64) {
        (self.high, self.low)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_u128(), f)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({}:{})", self.high, self.low)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    /// Reads back what `Display` wrote, and nothing else: each position has one text.
    fn from_str(text: &str) -> Result<Self, PositionError> {
        let canonical = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
        if !canonical {
            return Err(PositionError);
        }
        text.parse().map(Self::new).map_err(|_| PositionError)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Position, PositionError};

    #[test]
    fn the_text_form_reads_back() {
        for number in [0, 1, u128::from(u64::MAX), 1 << 64, u128::MAX] {
            let position = Position::new(number);
            assert_eq!(position.to_string().parse(), Ok(position));
            assert_eq!(position.as_u128(), number);
        }
    }

    #[test]
    fn only_the_canonical_text_is_read() {
        for text in [
            "",
            "+1",
            "-1",
            "01",
            "00",
            "1 ",
            "1x",
            "340282366920938463463374607431768211456",
        ] {
            assert_eq!(text.parse::<Position>(), Err(PositionError), "{text}");
        }
    }

    #[test]
    fn the_upper_half_decides_the_order() {
        assert!(Position::from_parts(2, 0) > Position::from_parts(1, u64::MAX));
        assert!(Position::from_parts(1, 2) > Position::from_parts(1, 1));
    }
}
