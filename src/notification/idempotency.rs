//! Keys that make it safe to repeat a publish.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use parking_lot::Mutex;
use serde::Serialize;
use thiserror::Error;
use tokio::time::Instant;

use crate::auth::TenantKey;
use crate::journal::Key;
use crate::notification::{error::NotifyError, id::NotificationId, journalled::Wanted};

/// The most keys that are remembered without a journal; the oldest give way.
const MOST: usize = 100_000;

/// What a publisher names a call by, so that it may be repeated: 1 to 200 visible ASCII characters,
/// such as a UUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Box<str>);

/// The text is no idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an idempotency key is 1 to 200 visible ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The most characters of a key.
    pub const LONGEST: usize = 200;

    /// The key of the notification at a place among those that were published with this key, of a
    /// tenant, and of its content.
    pub(crate) fn at(
        &self,
        place: usize,
        tenant: Option<&TenantKey>,
        content: &impl Serialize,
    ) -> Key {
        let place = place.to_string();
        let tenant = tenant.map_or("", TenantKey::as_str);
        // No part holds a zero, so no two names are the same text.
        let name = [tenant, &self.0, &place].join("\0");
        let content = serde_json::to_vec(content).unwrap_or_default();
        Key {
            name: digest(name.as_bytes()),
            content: digest(&content),
        }
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        match is_visible && (1..=Self::LONGEST).contains(&text.len()) {
            true => Ok(Self(text.into())),
            false => Err(InvalidIdempotencyKey),
        }
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// Whose a key is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The caller's, from now on; or there is none.
    Now,
    /// Of a notification with the same content.
    Before(NotificationId),
    /// Of one with other content.
    ForOther,
    /// Of one that is being published: whether it will be accepted is not known yet.
    InProgress,
}

/// The keys of a service without a journal.
#[derive(Debug)]
pub(crate) struct Keys {
    window: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    content: [u8; 32],
    id: NotificationId,
    is_accepted: bool,
}

#[derive(Debug, Default)]
struct Inner {
    by_name: HashMap<[u8; 32], Entry>,
    by_age: VecDeque<(Instant, u64, [u8; 32])>,
    taken: u64,
}

impl Keys {
    /// Each is remembered for so long.
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            window,
            inner: Mutex::default(),
        }
    }

    /// Takes a key for a notification that is about to be accepted, or not.
    pub(crate) fn take(&self, key: Option<&Key>, id: NotificationId) -> Taken {
        let Some(key) = key else {
            return Taken::Now;
        };
        let now = Instant::now();
        let mut inner = self.inner.lock();
        inner.forget(now, self.window);
        match inner.by_name.get(&key.name) {
            Some(taken) if taken.content != key.content => Taken::ForOther,
            Some(taken) if !taken.is_accepted => Taken::InProgress,
            Some(taken) => Taken::Before(taken.id),
            None => {
                inner.taken += 1;
                let number = inner.taken;
                let entry = Entry {
                    number,
                    content: key.content,
                    id,
                    is_accepted: false,
                };
                inner.by_name.insert(key.name, entry);
                inner.by_age.push_back((now, number, key.name));
                Taken::Now
            }
        }
    }

    /// The notification was accepted.
    pub(crate) fn confirm(&self, key: Option<&Key>) {
        if let Some(key) = key
            && let Some(taken) = self.inner.lock().by_name.get_mut(&key.name)
        {
            taken.is_accepted = true;
        }
    }

    /// The notification was not accepted.
    pub(crate) fn give_back(&self, key: Option<&Key>) {
        if let Some(key) = key {
            self.inner.lock().by_name.remove(&key.name);
        }
    }
}

/// The keys of notifications that are being published. Those that were not confirmed are given back
/// when it is dropped, so that a caller who goes away leaves none behind.
pub(crate) struct Claims<'a> {
    keys: &'a Keys,
    ids: Vec<NotificationId>,
    taken: Vec<(Option<Key>, Taken)>,
}

impl<'a> Claims<'a> {
    /// Takes the key of each.
    pub(crate) fn take(keys: &'a Keys, all: &[Wanted]) -> Self {
        let take = |wanted: &Wanted| {
            let key = wanted.key;
            (key, keys.take(key.as_ref(), wanted.outgoing.id))
        };
        Self {
            keys,
            ids: all.iter().map(|wanted| wanted.outgoing.id).collect(),
            taken: all.iter().map(take).collect(),
        }
    }

    /// For each its own id if it is to be published, or the answer without that.
    pub(crate) fn answers(&self) -> impl Iterator<Item = Result<NotificationId, NotifyError>> {
        let taken = self.ids.iter().zip(&self.taken);
        taken.map(|(id, (_, taken))| match taken {
            Taken::Now => Ok(*id),
            Taken::Before(first) => Ok(*first),
            Taken::ForOther => Err(NotifyError::KeyReused),
            Taken::InProgress => Err(NotifyError::InProgress),
        })
    }

    /// Keeps the keys of those that were accepted.
    pub(crate) fn confirm(mut self, answers: &[Result<NotificationId, NotifyError>]) {
        for ((key, taken), answer) in self.taken.iter_mut().zip(answers) {
            if *taken == Taken::Now && answer.is_ok() {
                self.keys.confirm(key.as_ref());
                *key = None;
            }
        }
    }
}

impl Drop for Claims<'_> {
    fn drop(&mut self) {
        for (key, taken) in &self.taken {
            if *taken == Taken::Now {
                self.keys.give_back(key.as_ref());
            }
        }
    }
}

impl Inner {
    fn forget(&mut self, now: Instant, window: Duration) {
        while let Some((at, number, name)) = self.by_age.front() {
            if self.by_age.len() < MOST && now.duration_since(*at) < window {
                break;
            }
            // A key that was given back may have been taken again since.
            if self
                .by_name
                .get(name)
                .is_some_and(|taken| taken.number == *number)
            {
                self.by_name.remove(name);
            }
            self.by_age.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn key(text: &str) -> Key {
        let key: IdempotencyKey = text.parse().unwrap();
        key.at(0, None, &1)
    }

    #[test]
    fn a_key_is_visible_ascii_of_bounded_length() {
        for good in [
            "a",
            "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            &"~".repeat(200),
        ] {
            assert_eq!(good.parse::<IdempotencyKey>().unwrap().to_string(), good);
        }
        for bad in ["", "a b", "é", "a\n", &"~".repeat(201)] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(InvalidIdempotencyKey));
        }
    }

    #[test]
    fn tenant_key_and_place_each_make_another_name() {
        let one: IdempotencyKey = "one".parse().unwrap();
        let (pizza, sushi) = ("pizza".parse().unwrap(), "sushi".parse().unwrap());
        let all = [
            one.at(0, Some(&pizza), &1),
            one.at(1, Some(&pizza), &1),
            one.at(0, Some(&sushi), &1),
            one.at(0, None, &1),
        ];
        for (place, key) in all.iter().enumerate() {
            assert!(all[..place].iter().all(|other| other.name != key.name));
            assert_eq!(key.content, all[0].content);
        }
        assert_ne!(one.at(0, None, &2).content, all[0].content);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_taken_once_within_its_window() {
        let keys = Keys::new(Duration::from_secs(60));
        let (first, second) = (NotificationId::now(), NotificationId::now());
        assert_eq!(keys.take(Some(&key("a")), first), Taken::Now);
        assert_eq!(keys.take(Some(&key("a")), second), Taken::InProgress);
        keys.confirm(Some(&key("a")));
        assert_eq!(keys.take(Some(&key("a")), second), Taken::Before(first));
        let other = Key {
            content: [0; 32],
            ..key("a")
        };
        assert_eq!(keys.take(Some(&other), second), Taken::ForOther);
        assert_eq!(keys.take(None, second), Taken::Now);
        keys.give_back(Some(&key("a")));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(keys.take(Some(&key("a")), second), Taken::Now);
        keys.confirm(Some(&key("a")));
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(keys.take(Some(&key("a")), first), Taken::Before(second));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(keys.take(Some(&key("a")), first), Taken::Now);
    }
}
