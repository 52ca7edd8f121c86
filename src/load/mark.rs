//! What a message carries so that it is known again.
//!
//! A mark is plain letters, which stand in JSON and in MessagePack alike, so that it is found
//! wherever a server puts it without reading what is around it.

use std::sync::LazyLock;
use std::time::Duration;

use memchr::memmem::Finder;

const OPENING: &str = "~mesahub-load:";
const CLOSING: u8 = b'~';

/// The longest that can stand between the opening and the closing: four numbers of 64 bits.
const LONGEST: usize = 84;

static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(OPENING));

/// Which message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The run that has published it.
    pub(super) run: u64,
    /// The channel it was published to, by its number.
    pub(super) channel: usize,
    /// Its number in the channel, from 1.
    pub(super) number: u64,
    /// When it was published, since the run began.
    pub(super) at: Duration,
}

impl Mark {
    /// A message of at least so many bytes that carries the mark.
    pub(super) fn message(&self, size: usize) -> String {
        let Self {
            run,
            channel,
            number,
            at,
        } = self;
        let mut text = format!("{OPENING}{run}:{channel}:{number}:{}~", at.as_micros());
        let missing = size.saturating_sub(text.len());
        text.extend(std::iter::repeat_n('x', missing));
        text
    }

    /// Every mark in some bytes.
    pub(super) fn find(bytes: &[u8]) -> impl Iterator<Item = Self> {
        FINDER.find_iter(bytes).filter_map(|at| {
            let rest = &bytes[at + OPENING.len()..];
            let end = memchr::memchr(CLOSING, &rest[..rest.len().min(LONGEST)])?;
            Self::parse(std::str::from_utf8(&rest[..end]).ok()?)
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let mark = Self {
            run: parts.next()?.parse().ok()?,
            channel: parts.next()?.parse().ok()?,
            number: parts.next()?.parse().ok()?,
            at: Duration::from_micros(parts.next()?.parse().ok()?),
        };
        parts.next().is_none().then_some(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Mark};

    fn mark(number: u64) -> Mark {
        Mark {
            run: u64::MAX,
            channel: 7,
            number,
            at: Duration::from_micros(1_234),
        }
    }

    #[test]
    fn a_mark_is_found_again_among_other_bytes() {
        let bytes = format!("\u{0}[\"{}\",{}", mark(1).message(0), mark(2).message(300));
        let found: Vec<Mark> = Mark::find(bytes.as_bytes()).collect();
        assert_eq!(found, [mark(1), mark(2)]);
        assert_eq!(mark(2).message(300).len(), 300);
    }

    #[test]
    fn the_longest_mark_is_found_and_a_broken_one_is_not() {
        let longest = Mark {
            run: u64::MAX,
            channel: usize::MAX,
            number: u64::MAX,
            at: Duration::from_micros(u64::MAX),
        };
        assert_eq!(Mark::find(longest.message(0).as_bytes()).count(), 1);
        for broken in [
            "~mesahub-load:1:2:3~",
            "~mesahub-load:1:2:3:4:5~",
            "~mesahub-load:1:2:3:4",
        ] {
            assert_eq!(Mark::find(broken.as_bytes()).count(), 0, "{broken}");
        }
    }
}
