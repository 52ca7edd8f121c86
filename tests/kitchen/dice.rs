//! Chance that can be repeated.

/// The variable that repeats a run.
const SEED: &str = "MESAHUB_TEST_SEED";

/// A generator that gives the same numbers for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// With the seed that is asked for, or else this one, which it tells.
    pub(crate) fn seeded(default: u64) -> Self {
        let asked = std::env::var(SEED).ok();
        let seed = asked.and_then(|seed| seed.parse().ok()).unwrap_or(default);
        println!("{SEED}={seed}");
        Self(seed.max(1))
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
