//! The keys of an address, as they change.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::{Mutex, RwLock};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    error::FetchError,
    fetch::{Address, Source},
    set::{KeySet, Origin},
    url::KeySetUrl,
};
use crate::auth::authenticator::NewerKeys;

/// The first pause after a failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Where keys are fetched from, and when.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// The address of the key set.
    pub url: KeySetUrl,
    /// How often it is fetched anyhow.
    pub refresh_interval: Duration,
    /// How often, at most, it is fetched because a token names a key that is not there.
    pub refetch_interval: Duration,
    /// For how long keys are good after they have been fetched, when they cannot be fetched again.
    pub stale_for: Duration,
    /// How long a fetch may take, and with it a request that waits for it.
    pub timeout: Duration,
}

/// The keys of an address. Shared by those who authenticate and by
/// [`keep_fresh`](Self::keep_fresh), without which it stays empty.
pub struct RemoteKeys {
    source: Arc<dyn Source>,
    options: RemoteOptions,
    kept: RwLock<Kept>,
    asking: Mutex<Asking>,
    wanted: Notify,
    /// How many fetches have come to an end, either way.
    rounds: watch::Sender<u64>,
}

/// What the last fetches have brought.
#[derive(Default)]
struct Kept {
    good: Option<(Arc<KeySet>, Instant)>,
    has_failed: bool,
}

/// What keeps tokens from causing more fetches than they may.
struct Asking {
    /// A fetch has begun or is about to, so that there is something to wait for.
    is_under_way: bool,
    /// When a token last caused one.
    caused: Option<Instant>,
}

impl RemoteKeys {
    /// Prepares to fetch; does not fetch yet.
    ///
    /// # Errors
    ///
    /// [`FetchError::Client`] when no HTTP client can be made, as for want of certificates.
    pub fn new(options: RemoteOptions) -> Result<Arc<Self>, FetchError> {
        let source = Address::new(options.url.clone(), options.timeout)?;
        Ok(Self::with_source(Arc::new(source), options))
    }

    fn with_source(source: Arc<dyn Source>, options: RemoteOptions) -> Arc<Self> {
        Arc::new(Self {
            source,
            options,
            kept: RwLock::default(),
            // The first fetch is nobody's cause.
            asking: Mutex::new(Asking {
                is_under_way: true,
                caused: None,
            }),
            wanted: Notify::new(),
            rounds: watch::Sender::new(0),
        })
    }

    /// Fetches at once, then every interval and when a token asks for it, until `stop`. One fetch
    /// is under way at a time. Dropping it leaves the keys as they are, to grow stale.
    pub async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.fetch_for_ever() => {}
        }
        // Nobody need wait any longer.
        self.settle();
    }

    async fn fetch_for_ever(&self) {
        let mut failures = 0_u32;
        loop {
            let fetched = self.source.fetch().await;
            failures = match self.keep(fetched) {
                true => 0,
                false => failures.saturating_add(1),
            };
            let pause = match failures {
                0 => self.options.refresh_interval,
                failures => pause_after(failures).min(self.options.refresh_interval),
            };
            self.settle();
            tokio::select! {
                () = self.wanted.notified() => {}
                () = sleep(pause) => {}
            }
            self.asking.lock().is_under_way = true;
        }
    }

    /// Takes what was fetched, if it is good; whether it is.
    fn keep(&self, fetched: Result<Vec<u8>, FetchError>) -> bool {
        let read = |json: Vec<u8>| Ok(KeySet::read(&json, Origin::Published)?);
        let url = &self.options.url;
        match fetched.and_then(read) {
            Ok(set) => {
                tracing::debug!(%url, keys = set.keys().len(), "fetched the keys of tokens");
                *self.kept.write() = Kept {
                    good: Some((Arc::new(set), Instant::now())),
                    has_failed: false,
                };
                true
            }
            Err(failure) => {
                tracing::warn!(%url, error = %failure, "cannot fetch the keys of tokens");
                self.kept.write().has_failed = true;
                false
            }
        }
    }

    /// Tells those who wait that a fetch has come to an end.
    fn settle(&self) {
        let mut asking = self.asking.lock();
        asking.is_under_way = false;
        self.rounds.send_modify(|rounds| *rounds += 1);
    }

    /// The keys, unless there are none yet or they are too old.
    pub(in crate::auth) fn usable(&self) -> Option<Arc<KeySet>> {
        let kept = self.kept.read();
        let (keys, since) = kept.good.as_ref()?;
        (since.elapsed() <= self.options.stale_for).then(|| Arc::clone(keys))
    }

    /// The end of the fetch that is under way, or of one that this causes. `None` when a token has
    /// caused one so lately that there is none to wait for.
    pub(in crate::auth) fn newer(&self) -> Option<NewerKeys> {
        let mut asking = self.asking.lock();
        if !asking.is_under_way {
            let lately = |caused: Instant| caused.elapsed() < self.options.refetch_interval;
            if asking.caused.is_some_and(lately) {
                return None;
            }
            asking.caused = Some(Instant::now());
            asking.is_under_way = true;
            self.wanted.notify_one();
        }
        // Before the lock is gone, so that no end can be missed.
        let mut rounds = self.rounds.subscribe();
        drop(asking);
        let patience = self.options.timeout;
        Some(Box::pin(async move {
            // Late or in vain, the keys are what they are.
            let _ = timeout(patience, rounds.changed()).await;
        }))
    }

    /// Why no token of these keys can be checked, if so; for everybody to read, so the cause is in
    /// the log alone.
    pub(in crate::auth) fn trouble(&self) -> Option<String> {
        if self.usable().is_some() {
            return None;
        }
        let trouble = match self.kept.read().has_failed {
            true => "the keys of tokens cannot be fetched",
            false => "the keys of tokens have not been fetched yet",
        };
        Some(trouble.to_owned())
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RemoteKeys")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

fn pause_after(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1));
    let pause = FIRST_PAUSE.saturating_mul(doubled.unwrap_or(u32::MAX));
    pause.min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;
    use tokio::{task::yield_now, time::advance};
    use tokio_util::{sync::DropGuard, task::TaskTracker};

    use super::*;
    use crate::auth::{
        AuthError, Authenticator, JwtAuthenticator, JwtOptions, Keys, SigningAlgorithm,
        jwks::testing::Scripted, testing::Pair,
    };

    const SECOND: Duration = Duration::from_secs(1);

    /// Who checks tokens with the keys of a source.
    struct Door {
        authenticator: Arc<dyn Authenticator>,
        source: Arc<Scripted>,
        _stop: DropGuard,
    }

    impl Door {
        /// Keys are fetched every 600 s, for a token every 5 s, and good for 3600 s.
        fn to(source: &Arc<Scripted>) -> Self {
            let remote = RemoteKeys::with_source(
                Arc::clone(source) as _,
                RemoteOptions {
                    url: "https://login.example.com/keys".parse().unwrap(),
                    refresh_interval: 600 * SECOND,
                    refetch_interval: 5 * SECOND,
                    stale_for: 3600 * SECOND,
                    timeout: 5 * SECOND,
                },
            );
            let stop = CancellationToken::new();
            let keeping = Arc::clone(&remote).keep_fresh(stop.clone());
            TaskTracker::new().spawn(keeping);
            let algorithms = vec![SigningAlgorithm::Es256];
            let options = JwtOptions::with(algorithms, Keys::none().remote(remote));
            Self {
                authenticator: Arc::new(JwtAuthenticator::new(options).unwrap()),
                source: Arc::clone(source),
                _stop: stop.drop_guard(),
            }
        }

        async fn admits(&self, token: &str) -> Result<(), AuthError> {
            self.authenticator.admit(Some(token)).await.map(|_| ())
        }

        /// Waits until there have been so many fetches and the last one is taken.
        async fn has_fetched(&self, times: usize) {
            while self.source.fetches() < times {
                yield_now().await;
            }
            // Its end takes no time and no other event.
            for _ in 0..16 {
                yield_now().await;
            }
            assert_eq!(self.source.fetches(), times);
        }
    }

    fn set(keys: &[(&Pair, &str)]) -> Result<Vec<u8>, FetchError> {
        let keys: Vec<_> = keys.iter().map(|(pair, id)| pair.jwk(id)).collect();
        Ok(json!({ "keys": keys }).to_string().into_bytes())
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_with_a_new_key_gets_in_at_its_first_try() {
        let (old, new) = (Pair::p256(), Pair::p256());
        let source = Scripted::saying(set(&[(&old, "old")]));
        let door = Door::to(&source);
        let begin = Instant::now();
        assert_eq!(door.admits(&old.token_of("old", "ann")).await, Ok(()));
        source.say(set(&[(&old, "old"), (&new, "new")]));
        assert_eq!(door.admits(&new.token_of("new", "ann")).await, Ok(()));
        assert_eq!(door.admits(&old.token_of("old", "ann")).await, Ok(()));
        assert_eq!(source.fetches(), 2);
        assert_eq!(begin.elapsed(), Duration::ZERO, "nobody waited for a timer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_gone_lets_nobody_in_after_the_next_fetch() {
        let (old, new) = (Pair::p256(), Pair::p256());
        let source = Scripted::saying(set(&[(&old, "old")]));
        let door = Door::to(&source);
        let token = old.token_of("old", "ann");
        assert_eq!(door.admits(&token).await, Ok(()));
        source.say(set(&[(&new, "new")]));
        advance(600 * SECOND).await;
        door.has_fetched(2).await;
        assert_eq!(door.admits(&token).await, Err(AuthError::UnknownKey));
    }

    #[tokio::test(start_paused = true)]
    async fn many_unknown_keys_at_once_cause_one_fetch_and_one_an_interval() {
        let pair = Pair::p256();
        let source = Scripted::saying(set(&[(&pair, "k")]));
        let door = Arc::new(Door::to(&source));
        assert_eq!(door.admits(&pair.token_of("k", "ann")).await, Ok(()));
        let flood = |from: usize| {
            let tasks = TaskTracker::new();
            let asked: Vec<_> = (from..from + 100)
                .map(|index| {
                    let door = Arc::clone(&door);
                    let token = pair.token_of(&format!("unknown-{index}"), "eve");
                    tasks.spawn(async move { door.admits(&token).await })
                })
                .collect();
            async move {
                for refused in asked {
                    assert_eq!(refused.await.unwrap(), Err(AuthError::UnknownKey));
                }
            }
        };
        flood(0).await;
        assert_eq!(source.fetches(), 2);
        flood(100).await;
        assert_eq!(source.fetches(), 2, "not again within the interval");
        advance(5 * SECOND).await;
        flood(200).await;
        assert_eq!(source.fetches(), 3);
        assert_eq!(door.admits(&pair.token_of("k", "ann")).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_forged_token_of_a_known_key_and_one_with_a_secret_cause_no_fetch() {
        let (pair, other) = (Pair::p256(), Pair::p256());
        let source = Scripted::saying(set(&[(&pair, "k")]));
        let door = Door::to(&source);
        assert_eq!(door.admits(&pair.token_of("k", "ann")).await, Ok(()));
        let forged = other.token_of("k", "eve");
        assert_eq!(door.admits(&forged).await, Err(AuthError::BadSignature));
        let header = json!({ "alg": "ES256" });
        let nameless = other.token(SigningAlgorithm::Es256, &header, &json!({}));
        assert_eq!(door.admits(&nameless).await, Err(AuthError::BadSignature));
        assert_eq!(source.fetches(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_go_on_for_a_while_when_they_cannot_be_fetched_and_then_do_not() {
        let pair = Pair::p256();
        let source = Scripted::saying(set(&[(&pair, "k")]));
        let door = Door::to(&source);
        let token = pair.token_of("k", "ann");
        assert_eq!(door.admits(&token).await, Ok(()));
        source.say(Err(FetchError::Status(500)));
        for _ in 0..36 {
            advance(100 * SECOND).await;
            assert_eq!(door.admits(&token).await, Ok(()));
            assert_eq!(door.authenticator.trouble(), None);
        }
        advance(SECOND).await;
        assert_eq!(door.admits(&token).await, Err(AuthError::KeysUnavailable));
        let trouble = door.authenticator.trouble().unwrap();
        assert_eq!(trouble, "the keys of tokens cannot be fetched");
        source.say(set(&[(&pair, "k")]));
        advance(61 * SECOND).await;
        assert_eq!(door.admits(&token).await, Ok(()), "it heals by itself");
        assert_eq!(door.authenticator.trouble(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_tried_again_slower_and_slower() {
        let source = Scripted::saying(Err(FetchError::Status(500)));
        let door = Door::to(&source);
        door.has_fetched(1).await;
        for (fetches, pause) in [
            (2, 1),
            (3, 2),
            (4, 4),
            (5, 8),
            (6, 16),
            (7, 32),
            (8, 60),
            (9, 60),
        ] {
            advance(pause * SECOND - Duration::from_millis(1)).await;
            door.has_fetched(fetches - 1).await;
            advance(Duration::from_millis(1)).await;
            door.has_fetched(fetches).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_good_set_changes_no_key() {
        let (pair, other) = (Pair::p256(), Pair::p256());
        let source = Scripted::saying(set(&[(&pair, "k")]));
        let door = Door::to(&source);
        let (token, forged) = (pair.token_of("k", "ann"), other.token_of("evil", "eve"));
        assert_eq!(door.admits(&token).await, Ok(()));
        let secret = json!({ "keys": [{ "kty": "oct", "kid": "evil", "k": "AAAA" }] });
        let twice = json!({ "keys": [pair.jwk("evil"), other.jwk("evil")] });
        let mut wrong = other.jwk("evil");
        wrong["alg"] = json!("HS256");
        for poison in [
            b"<!doctype html><title>Sign in</title>".to_vec(),
            b"{\"keys\":[]}".to_vec(),
            secret.to_string().into_bytes(),
            twice.to_string().into_bytes(),
            json!({ "keys": [wrong] }).to_string().into_bytes(),
            vec![0xff; 64],
        ] {
            source.say(Ok(poison));
            advance(61 * SECOND).await;
            assert_eq!(door.admits(&forged).await, Err(AuthError::UnknownKey));
            assert_eq!(door.admits(&token).await, Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn before_the_first_fetch_a_token_waits_for_it() {
        let pair = Pair::p256();
        let source = Scripted::gated(set(&[(&pair, "k")]));
        let door = Arc::new(Door::to(&source));
        let token = pair.token_of("k", "ann");
        let trouble = door.authenticator.trouble().unwrap();
        assert!(trouble.contains("not been fetched yet"), "{trouble}");
        let waiting = {
            let (door, token) = (Arc::clone(&door), token.clone());
            TaskTracker::new().spawn(async move { door.admits(&token).await })
        };
        door.has_fetched(1).await;
        assert!(!waiting.is_finished());
        source.let_through();
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_hangs_holds_a_request_for_its_timeout_at_most() {
        let pair = Pair::p256();
        let source = Scripted::gated(set(&[(&pair, "k")]));
        let door = Door::to(&source);
        let begin = Instant::now();
        let refused = door.admits(&pair.token_of("k", "ann")).await;
        assert_eq!(refused, Err(AuthError::KeysUnavailable));
        assert_eq!(begin.elapsed(), 5 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_released_when_the_server_stops() {
        let source = Scripted::gated(Err(FetchError::Status(500)));
        let door = Door::to(&source);
        door.has_fetched(1).await;
        let newer = door.authenticator.newer_keys().unwrap();
        let begin = Instant::now();
        drop(door);
        newer.await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}
