//! The names of subjects.
//!
//! ```text
//!   mesahub.topic.tenant:a=2Eb:admins    where subscribers listen
//!   mesahub.log.tenant:a=2Eb:admins      where what is kept goes in; the stream repeats it above
//!   mesahub-log-1764110000000            the stream, by the moment at which it was made
//!   tenant:a=2Eb:admins.0a…f0            what the stream knows a publication with a key by
//! ```
//!
//! A topic is one token: letters, digits, `-`, `_` and `:` stand for themselves, every other byte
//! is `=` and two hexadecimal digits. So no topic holds a dot, a wildcard or a space, and each has
//! one spelling. The longest topic makes a token of 3 KiB, which fits into the 4 KiB that a server
//! reads as one line.

use std::fmt;

use mesahub_broker::{OnceKey, Topic};

/// What all subjects, and the stream of the logs, begin with: 1 to 32 letters, digits, `-` or `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

/// The text cannot be what subjects begin with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a prefix of subjects has 1 to 32 letters, digits, - or _")]
pub struct PrefixError;

impl Prefix {
    const LONGEST: usize = 32;

    /// Takes a text.
    ///
    /// # Errors
    /// When it is empty, too long or holds anything else.
    pub fn new(text: impl Into<String>) -> Result<Self, PrefixError> {
        let text = text.into();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fits = (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(is_plain);
        fits.then_some(Self(text)).ok_or(PrefixError)
    }

    /// Where subscribers of a topic listen.
    pub(crate) fn topic(&self, topic: &Topic) -> String {
        self.subject(".topic.", topic)
    }

    /// Where publications of a topic go that are kept.
    pub(crate) fn log(&self, topic: &Topic) -> String {
        self.subject(".log.", topic)
    }

    /// The topic whose subscribers listen at a subject.
    pub(crate) fn listened(&self, subject: &str) -> Option<Topic> {
        let token = subject.strip_prefix(&self.0)?.strip_prefix(".topic.")?;
        decode(token)
    }

    /// Where subscribers of all topics listen.
    pub(crate) fn topics(&self) -> String {
        format!("{self}.topic.>")
    }

    /// Where all publications go that are kept.
    pub(crate) fn logs(&self) -> String {
        format!("{self}.log.>")
    }

    /// The name of the stream that was made in this millisecond.
    pub(crate) fn stream(&self, epoch: u64) -> String {
        format!("{self}-log-{epoch}")
    }

    fn subject(&self, kind: &str, topic: &Topic) -> String {
        let name = topic.as_str();
        let mut out = String::with_capacity(self.0.len() + kind.len() + 3 * name.len());
        out.push_str(&self.0);
        out.push_str(kind);
        encode(name, &mut out);
        out
    }
}

/// What the stream of the logs knows a publication with a key by. It knows all topics' publications
/// together, so the topic is part of it: its token, a dot, which no token holds, and the key.
pub(crate) fn message_id(topic: &Topic, key: OnceKey) -> String {
    let name = topic.as_str();
    let mut id = String::with_capacity(3 * name.len() + 33);
    encode(name, &mut id);
    id.push_str(&format!(".{key}"));
    id
}

/// The moment at which a stream was made, in milliseconds, out of its name.
pub(crate) fn epoch(stream: &str) -> Option<u64> {
    stream.rsplit_once("-log-")?.1.parse().ok()
}

fn encode(name: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in name.bytes() {
        if stands_for_itself(byte) {
            out.push(char::from(byte));
        } else {
            out.push('=');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

fn decode(token: &str) -> Option<Topic> {
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'=' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            byte => byte,
        });
    }
    Topic::new(String::from_utf8(bytes).ok()?).ok()
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':')
}

impl Default for Prefix {
    fn default() -> Self {
        Self("mesahub".to_owned())
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::Topic;
    use proptest::prelude::*;

    use super::{Prefix, epoch};

    /// What a server reads as one line, less what stands around the subject.
    const LONGEST: usize = 4096 - 256;

    fn topics() -> impl Strategy<Value = Topic> {
        let meant: Vec<char> = ".*>= 2EAa:$-\n".chars().collect();
        let signs = prop_oneof![any::<char>(), proptest::sample::select(meant)];
        proptest::collection::vec(signs, 1..40).prop_map(|signs| {
            let name: String = signs.into_iter().collect();
            Topic::new(name).unwrap()
        })
    }

    proptest! {
        #[test]
        fn a_topic_reads_back_so_no_two_share_a_subject(topic in topics()) {
            let prefix = Prefix::new("p").unwrap();
            prop_assert_eq!(prefix.listened(&prefix.topic(&topic)), Some(topic));
        }

        #[test]
        fn a_subject_holds_nothing_that_a_server_reads_as_more(topic in topics()) {
            let prefix = Prefix::default();
            for subject in [prefix.topic(&topic), prefix.log(&topic)] {
                prop_assert!(subject.is_ascii());
                prop_assert_eq!(subject.split('.').count(), 3);
                prop_assert!(subject.split('.').all(|token| !token.is_empty()));
                let meant = |sign: char| sign.is_whitespace() || sign.is_control() || "*>".contains(sign);
                prop_assert!(!subject.contains(meant), "{}", subject);
            }
        }
    }

    #[test]
    fn the_longest_topic_fits_into_a_line() {
        let longest = Topic::new("🍕".repeat(Topic::MAX_BYTES / 4)).unwrap();
        let prefix = Prefix::new("p".repeat(32)).unwrap();
        assert!(prefix.topic(&longest).len() < LONGEST);
        assert!(prefix.log(&longest).len() < LONGEST);
    }

    #[test]
    fn what_is_not_ours_is_no_topic() {
        let prefix = Prefix::default();
        for subject in [
            "other.topic.a",
            "mesahub.log.a",
            "mesahub.topic.",
            "mesahub.topic.=2",
            "mesahub.topic.=2e",
        ] {
            assert_eq!(prefix.listened(subject), None, "{subject}");
        }
    }

    #[test]
    fn a_prefix_is_one_plain_token() {
        for text in ["", "a.b", "a b", "*", "é", &"a".repeat(33)] {
            assert!(Prefix::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_stream_tells_when_it_was_made() {
        let prefix = Prefix::new("a-log-1").unwrap();
        assert_eq!(
            epoch(&prefix.stream(1_764_110_000_000)),
            Some(1_764_110_000_000)
        );
        assert_eq!(epoch("orders"), None);
    }
}
