//! What is in the body of each message.
//!
//! All of it is ours, so nothing depends on which properties a queue or a stream keeps. Only the key
//! of a publication stands beside it, in a header: a node of an earlier version does not know it, and
//! delivers what comes again rather than nothing.

use bytes::{BufMut, Bytes};
use mesahub_broker::OnceKey;

/// The header that holds the key of a publication, as 32 hexadecimal digits.
pub(crate) const ONCE: &str = "mesahub-once";

const LIVE: u8 = 1;
const ITEM: u8 = 2;
const MARK: u8 = 3;
const FENCE: u8 = 4;
const QUESTION: u8 = 5;
const ANSWER: u8 = 6;

const KEPT: u8 = 1;
const SWITCHED: u8 = 2;

/// The body of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A publication by the exchange.
    Live { topic: &'a str, payload: Bytes },
    /// A publication by the stream.
    Item {
        origin: Origin,
        topic: &'a str,
        payload: Bytes,
    },
    /// A place in the stream, for the node that wants to know when it has read so far.
    Mark { node: u64, number: u64 },
    /// A place in a node's own queue.
    Fence { number: u64 },
    /// Whether a node listens to a topic; the answer goes to this queue.
    Question {
        number: u64,
        reply_to: &'a str,
        topic: &'a str,
    },
    /// It does, or it does not.
    Answer { number: u64, listens: bool },
}

/// Where an item of the stream comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Who sent it.
    pub(crate) node: u64,
    /// The number under which the sender waits for it; zero when it does not.
    pub(crate) number: u64,
    /// When it was sent, in milliseconds since 1970 by the sender's clock.
    pub(crate) at: u64,
    /// Whether it is to be kept in the log of its topic.
    pub(crate) kept: bool,
    /// Whether what the sender published before on this topic went by the exchange.
    pub(crate) switched: bool,
}

impl Frame<'_> {
    /// The bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size());
        match self {
            Self::Live { topic, payload } => {
                out.put_u8(LIVE);
                put_text(&mut out, topic);
                out.put_slice(payload);
            }
            Self::Item {
                origin,
                topic,
                payload,
            } => {
                let flag = |is_set: bool, flag| if is_set { flag } else { 0 };
                out.put_u8(ITEM);
                out.put_u8(flag(origin.kept, KEPT) | flag(origin.switched, SWITCHED));
                out.put_u64(origin.node);
                out.put_u64(origin.number);
                out.put_u64(origin.at);
                put_text(&mut out, topic);
                out.put_slice(payload);
            }
            Self::Mark { node, number } => {
                out.put_u8(MARK);
                out.put_u64(*node);
                out.put_u64(*number);
            }
            Self::Fence { number } => {
                out.put_u8(FENCE);
                out.put_u64(*number);
            }
            Self::Question {
                number,
                reply_to,
                topic,
            } => {
                out.put_u8(QUESTION);
                out.put_u64(*number);
                put_text(&mut out, reply_to);
                put_text(&mut out, topic);
            }
            Self::Answer { number, listens } => {
                out.put_u8(ANSWER);
                out.put_u64(*number);
                out.put_u8((*listens).into());
            }
        }
        out
    }

    fn size(&self) -> usize {
        match self {
            Self::Live { topic, payload } | Self::Item { topic, payload, .. } => {
                28 + topic.len() + payload.len()
            }
            Self::Question {
                reply_to, topic, ..
            } => 13 + reply_to.len() + topic.len(),
            _ => 17,
        }
    }
}

/// Reads a body; `None` when it is not one of ours.
pub(crate) fn decode(body: &Bytes) -> Option<Frame<'_>> {
    let mut rest = Rest(body);
    let frame = match rest.byte()? {
        LIVE => Frame::Live {
            topic: rest.text()?,
            payload: rest.payload(body),
        },
        ITEM => {
            let flags = rest.byte()?;
            let origin = Origin {
                node: rest.number()?,
                number: rest.number()?,
                at: rest.number()?,
                kept: flags & KEPT != 0,
                switched: flags & SWITCHED != 0,
            };
            Frame::Item {
                origin,
                topic: rest.text()?,
                payload: rest.payload(body),
            }
        }
        MARK => Frame::Mark {
            node: rest.number()?,
            number: rest.number()?,
        },
        FENCE => Frame::Fence {
            number: rest.number()?,
        },
        QUESTION => Frame::Question {
            number: rest.number()?,
            reply_to: rest.text()?,
            topic: rest.text()?,
        },
        ANSWER => Frame::Answer {
            number: rest.number()?,
            listens: rest.byte()? != 0,
        },
        _ => return None,
    };
    rest.0.is_empty().then_some(frame)
}

/// Reads the key of a publication; `None` when it is none.
pub(crate) fn once(text: &[u8]) -> Option<OnceKey> {
    let text = std::str::from_utf8(text).ok()?;
    let is_key = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok()?;
    is_key.then(|| OnceKey::new(number.to_be_bytes()))
}

/// A text of at most 65,535 bytes; topics and names of queues are shorter.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let size = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.put_u16(size);
    out.put_slice(&text.as_bytes()[..usize::from(size)]);
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Option<u64> {
        let bytes = self.take(8)?.try_into().ok()?;
        Some(u64::from_be_bytes(bytes))
    }

    fn text(&mut self) -> Option<&'a str> {
        let size = self.take(2)?.try_into().ok()?;
        let bytes = self.take(usize::from(u16::from_be_bytes(size)))?;
        std::str::from_utf8(bytes).ok()
    }

    /// All that is left, without a copy.
    fn payload(&mut self, body: &Bytes) -> Bytes {
        body.slice_ref(std::mem::take(&mut self.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Bytes, Frame, OnceKey, Origin, decode, once};

    fn frames<'a>(text: &'a str, number: u64, flag: bool, payload: &Bytes) -> Vec<Frame<'a>> {
        let origin = Origin {
            node: !number,
            number,
            at: number / 2,
            kept: flag,
            switched: !flag,
        };
        let (topic, payload) = (text, payload.clone());
        vec![
            Frame::Live {
                topic,
                payload: payload.clone(),
            },
            Frame::Item {
                origin,
                topic,
                payload,
            },
            Frame::Mark { node: 1, number },
            Frame::Fence { number },
            Frame::Question {
                number,
                reply_to: "queue",
                topic,
            },
            Frame::Answer {
                number,
                listens: flag,
            },
        ]
    }

    proptest! {
        #[test]
        fn every_frame_reads_back(
            text in "\\PC{0,40}",
            number in any::<u64>(),
            flag in any::<bool>(),
            payload in any::<Vec<u8>>(),
        ) {
            for frame in frames(&text, number, flag, &Bytes::from(payload)) {
                let bytes = Bytes::from(frame.encode());
                assert_eq!(decode(&bytes), Some(frame));
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>()) {
            let _ = decode(&Bytes::from(bytes));
        }
    }

    #[test]
    fn a_key_reads_back_and_nothing_else_is_one() {
        let key = OnceKey::new(std::array::from_fn(|place| place as u8));
        let text = key.to_string();
        assert_eq!(once(text.as_bytes()), Some(key));
        for other in [
            "",
            "00",
            &text[1..],
            &format!("+{}", &text[1..]),
            &"é".repeat(16),
        ] {
            assert_eq!(once(other.as_bytes()), None, "{other:?}");
        }
    }

    #[test]
    fn a_frame_cut_short_or_with_more_behind_it_is_none() {
        for frame in frames("topic", 7, true, &Bytes::new()) {
            let bytes = frame.encode();
            for end in 0..bytes.len() {
                assert_eq!(decode(&Bytes::copy_from_slice(&bytes[..end])), None);
            }
        }
        let mut long = Frame::Fence { number: 1 }.encode();
        long.push(0);
        assert_eq!(decode(&Bytes::from(long)), None);
    }
}
