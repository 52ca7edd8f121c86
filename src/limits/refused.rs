//! Why something was not let through, and when it may be tried again.

use std::time::Duration;

use thiserror::Error;

/// A connection was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// Its address has as many as it may have.
    #[error("there are {0} connections from this address already, which is the most")]
    PerAddress(u32),
    /// Its user has as many.
    #[error("this user has {0} connections already, which is the most")]
    PerUser(u32),
    /// Its tenant has as many.
    #[error("this tenant has {0} connections already, which is the most")]
    PerTenant(u32),
    /// The node has as many.
    #[error("the server has as many connections as it takes")]
    Total,
    /// The node is short of memory.
    #[error("the server is short of memory")]
    Memory,
    /// Too many are connecting at this moment, in all or of this tenant.
    #[error("too many are connecting at this moment")]
    Handshakes,
}

/// Something was asked for more often than is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("asked for too often; try again in {} s", .again.as_secs_f64().ceil())]
pub struct Exhausted {
    /// After how long it may be tried again.
    pub again: Duration,
}

impl Refused {
    /// A short, stable name for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::PerAddress(_) => "too_many_of_address",
            Self::PerUser(_) => "too_many_of_user",
            Self::PerTenant(_) => "too_many_of_tenant",
            Self::Total => "too_many_connections",
            Self::Memory | Self::Handshakes => "overloaded",
        }
    }

    /// Whether whoever asks has reached a limit of their own, and not the node.
    #[must_use]
    pub fn is_their_own(self) -> bool {
        matches!(
            self,
            Self::PerAddress(_) | Self::PerUser(_) | Self::PerTenant(_)
        )
    }

    /// After how many seconds to come back, another number each time within bounds, so that those
    /// who are sent away together do not come back together.
    #[must_use]
    pub fn retry_after(self) -> u32 {
        let (least, spread) = match self {
            Self::Handshakes => (1, 4),
            Self::PerAddress(_) | Self::PerUser(_) | Self::PerTenant(_) => (5, 5),
            Self::Total | Self::Memory => (5, 10),
        };
        least + getrandom::u32().unwrap_or(0) % (spread + 1)
    }
}

impl Exhausted {
    /// After how many whole seconds to come back, at least one.
    #[must_use]
    pub fn retry_after(self) -> u32 {
        let seconds = self.again.as_secs() + u64::from(self.again.subsec_nanos() > 0);
        u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_come_back_varies_within_its_bounds() {
        let times: Vec<u32> = (0..200)
            .map(|_| Refused::Handshakes.retry_after())
            .collect();
        assert!(times.iter().all(|time| (1..=5).contains(time)), "{times:?}");
        assert!(times.iter().any(|time| *time != times[0]), "{times:?}");
    }

    #[test]
    fn a_part_of_a_second_is_a_whole_one() {
        let after = |milliseconds| {
            let again = Duration::from_millis(milliseconds);
            Exhausted { again }.retry_after()
        };
        assert_eq!(
            [after(0), after(1), after(1_000), after(1_001)],
            [1, 1, 1, 2]
        );
    }
}
