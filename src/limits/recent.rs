//! Accounts of those who came lately.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::counted::Counted;

/// The most accounts of one generation.
const MOST: usize = 65_536;

/// Accounts in two generations: whoever has not come for a whole one is forgotten with it. When too
/// many come, a generation ends early. An account that somebody holds is not forgotten.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    /// How long an account matters after its last use.
    age: Duration,
    /// How many there may always be before a generation ends early.
    least: usize,
    inner: Mutex<Generations<T>>,
}

#[derive(Debug)]
struct Generations<T> {
    young: HashMap<Counted, Arc<Mutex<T>>>,
    old: HashMap<Counted, Arc<Mutex<T>>>,
    turned: Instant,
    /// How many the young ones may become before the generation ends early.
    most: usize,
}

impl<T> Recent<T> {
    pub(crate) fn new(age: Duration) -> Self {
        Self::bounded(age, MOST)
    }

    fn bounded(age: Duration, most: usize) -> Self {
        Self {
            age,
            least: most,
            inner: Mutex::new(Generations {
                young: HashMap::new(),
                old: HashMap::new(),
                turned: Instant::now(),
                most,
            }),
        }
    }

    /// The account of somebody; a new one of whom none is known.
    pub(crate) fn of(&self, who: Counted, now: Instant, open: impl FnOnce() -> T) -> Arc<Mutex<T>> {
        let mut inner = self.inner.lock();
        if now.duration_since(inner.turned) >= self.age || inner.young.len() >= inner.most {
            inner.turn(now, self.age);
            // Those who are held may be more than that: it is not looked through again for each.
            inner.most = self.least.max(2 * inner.young.len());
        }
        if let Some(known) = inner.young.get(&who) {
            return Arc::clone(known);
        }
        let account = inner.old.remove(&who);
        let account = account.unwrap_or_else(|| Arc::new(Mutex::new(open())));
        inner.young.insert(who, Arc::clone(&account));
        account
    }

    #[cfg(test)]
    fn known(&self) -> usize {
        let inner = self.inner.lock();
        inner.young.len() + inner.old.len()
    }
}

impl<T> Generations<T> {
    fn turn(&mut self, now: Instant, age: Duration) {
        let both_are_over = now.duration_since(self.turned) >= 2 * age;
        self.turned = now;
        let mut left = std::mem::take(&mut self.old);
        self.old = std::mem::take(&mut self.young);
        if both_are_over {
            left.extend(std::mem::take(&mut self.old));
        }
        left.retain(|_, account| Arc::strong_count(account) > 1);
        self.young = left;
    }
}

#[cfg(test)]
mod tests {
    use super::super::counted::Hashing;
    use super::*;

    const AGE: Duration = Duration::from_secs(60);

    #[test]
    fn whoever_does_not_come_for_a_while_is_forgotten_and_nobody_else() {
        let (recent, hashing, start) = (Recent::new(AGE), Hashing::default(), Instant::now());
        let visit = |name: &str, after: Duration| {
            let account = recent.of(hashing.named(name), start + after, || 0);
            let mut visits = account.lock();
            *visits += 1;
            *visits
        };
        let held = recent.of(hashing.named("held"), start, || 7);
        assert_eq!(visit("often", Duration::ZERO), 1);
        assert_eq!(visit("once", Duration::ZERO), 1);
        assert_eq!(visit("often", AGE), 2);
        assert_eq!(visit("often", 2 * AGE), 3);
        assert_eq!(recent.known(), 2);
        assert_eq!(visit("once", 2 * AGE), 1);
        assert_eq!(visit("held", 2 * AGE), 8);
        assert_eq!(*held.lock(), 8);
        assert_eq!(visit("often", 10 * AGE), 1);
    }

    #[test]
    fn a_flood_of_strangers_takes_bounded_room() {
        let hashing = Hashing::default();
        let recent = Recent::bounded(AGE, 10);
        let now = Instant::now();
        for stranger in 0..1_000 {
            drop(recent.of(hashing.named(&stranger.to_string()), now, || ()));
            assert!(recent.known() <= 20);
        }
    }
}
