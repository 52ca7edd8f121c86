//! Cuts a byte stream into messages: by the byte 0x1E, as the handshake and JSON messages end, or
//! by the length that stands before each MessagePack message.

use crate::error::ProtocolError;
#[cfg(feature = "messagepack")]
use crate::messagepack::prefix::{self, Prefix};
use crate::protocol::Protocol;

/// The byte after each handshake and JSON message. It cannot occur inside JSON.
pub const SEPARATOR: u8 = 0x1e;

/// Reassembles messages from chunks of any size.
///
/// Messages that lie whole in a chunk are handed out where they are. Only an unfinished tail is
/// copied, and the memory for it is given back as soon as the message is complete, so a connection
/// that waits for its next message holds none. Memory follows the bytes that arrived, never a
/// length that is only announced.
#[derive(Debug)]
pub struct FrameReader {
    limit: Option<usize>,
    protocol: Protocol,
    partial: Vec<u8>,
    fault: Option<Fault>,
}

/// The messages that one chunk completes. Read it to the end: what is left in the chunk when it
/// is dropped early is not kept, see [`Frames::rest`].
#[derive(Debug)]
pub struct Frames<'r, 'c> {
    reader: &'r mut FrameReader,
    chunk: &'c [u8],
    joined: Vec<u8>,
}

/// Why the stream cannot be read any further.
#[derive(Clone, Copy, Debug)]
enum Fault {
    TooLarge,
    #[cfg(feature = "messagepack")]
    LengthPrefix,
}

impl FrameReader {
    /// A reader for one connection, which begins with the handshake and so with 0x1E. `limit` is
    /// the largest message accepted, in bytes and with its framing; `None` sets no bound, and then
    /// memory has none either.
    #[must_use]
    pub const fn new(limit: Option<usize>) -> Self {
        Self::after_handshake(Protocol::Json, limit)
    }

    /// A reader for a stream that begins behind the handshake.
    #[must_use]
    pub const fn after_handshake(protocol: Protocol, limit: Option<usize>) -> Self {
        Self {
            limit,
            protocol,
            partial: Vec::new(),
            fault: None,
        }
    }

    /// Takes the next chunk. Nothing happens until the frames are read.
    pub const fn feed<'c>(&mut self, chunk: &'c [u8]) -> Frames<'_, 'c> {
        Frames {
            reader: self,
            chunk,
            joined: Vec::new(),
        }
    }

    /// Whether the stream so far ends inside a message.
    #[must_use]
    pub const fn is_mid_message(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Whether a message of so many bytes, framing included, is too large.
    fn refuses(&self, size: usize) -> bool {
        self.limit.is_some_and(|limit| size > limit)
    }
}

impl<'c> Frames<'_, 'c> {
    /// The body of the next complete message, without its framing, or `None` when the chunk is
    /// used up and its unfinished tail is stored.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::TooLarge`] as soon as a message is known to exceed the limit, before it is
    /// stored; [`ProtocolError::LengthPrefix`]. The stream cannot be read any further: every later
    /// chunk gives the error again.
    #[expect(
        clippy::should_implement_trait,
        reason = "a frame borrows from the iterator"
    )]
    pub fn next(&mut self) -> Option<Result<&[u8], ProtocolError>> {
        self.joined = Vec::new();
        if self.chunk.is_empty() {
            return None;
        }
        if let Some(fault) = self.reader.fault {
            return Some(Err(self.fail(fault)));
        }
        match self.reader.protocol {
            Protocol::Json => self.separated(),
            #[cfg(feature = "messagepack")]
            Protocol::MessagePack => self.prefixed(),
        }
    }

    /// Reads on in the framing of `protocol`, beginning with the byte after the last message that
    /// was handed out: for the moment when the handshake has chosen it. Call it before another
    /// message is read, since bytes of the new protocol would be taken for the old one's.
    pub const fn switch(&mut self, protocol: Protocol) {
        self.reader.protocol = protocol;
    }

    /// The part of the chunk not yet read, for a caller that goes on with other framing.
    #[must_use]
    pub const fn rest(&self) -> &'c [u8] {
        self.chunk
    }

    #[inline]
    fn separated(&mut self) -> Option<Result<&[u8], ProtocolError>> {
        let end = memchr::memchr(SEPARATOR, self.chunk);
        let length = end.unwrap_or(self.chunk.len());
        if self.reader.refuses(self.reader.partial.len() + length + 1) {
            return Some(Err(self.fail(Fault::TooLarge)));
        }
        if end.is_none() {
            self.keep();
            return None;
        }
        Some(Ok(self.hand_out(0, length, 1)))
    }

    #[cfg(feature = "messagepack")]
    fn prefixed(&mut self) -> Option<Result<&[u8], ProtocolError>> {
        let stored = self.reader.partial.len();
        match prefix::read(self.reader.partial.iter().chain(self.chunk)) {
            Prefix::TooLong => Some(Err(self.fail(Fault::LengthPrefix))),
            Prefix::Lengths(width, length) if self.reader.refuses(width + length) => {
                Some(Err(self.fail(Fault::TooLarge)))
            }
            Prefix::Lengths(width, length) if stored + self.chunk.len() >= width + length => {
                // More is stored than the message has only if the framing was switched too late.
                let missing = (width + length).saturating_sub(stored);
                Some(Ok(self.hand_out(width, missing, 0)))
            }
            Prefix::Lengths(..) | Prefix::Unfinished => {
                self.keep();
                None
            }
        }
    }

    /// Stores the chunk as part of a message that is not complete.
    fn keep(&mut self) {
        self.reader.partial.extend_from_slice(self.chunk);
        self.chunk = &[];
    }

    /// Completes a message with `length` bytes of the chunk and gives it without its first
    /// `before` bytes. `after` bytes behind it are passed over.
    #[inline]
    fn hand_out(&mut self, before: usize, length: usize, after: usize) -> &[u8] {
        let (head, tail) = self.chunk.split_at(length);
        self.chunk = &tail[after..];
        if self.reader.partial.is_empty() {
            return &head[before..];
        }
        self.joined = std::mem::take(&mut self.reader.partial);
        self.joined.extend_from_slice(head);
        &self.joined[before..]
    }

    fn fail(&mut self, fault: Fault) -> ProtocolError {
        self.chunk = &[];
        self.reader.partial = Vec::new();
        self.reader.fault = Some(fault);
        match fault {
            Fault::TooLarge => ProtocolError::TooLarge {
                limit: self.reader.limit.unwrap_or(usize::MAX),
            },
            #[cfg(feature = "messagepack")]
            Fault::LengthPrefix => ProtocolError::LengthPrefix,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_whole_message_is_handed_out_where_it_lies() {
        let chunk = b"one\x1etwo\x1e";
        let mut reader = FrameReader::new(None);
        let mut frames = reader.feed(chunk);
        assert_eq!(frames.next().unwrap().unwrap().as_ptr(), chunk.as_ptr());
        assert_eq!(
            frames.next().unwrap().unwrap().as_ptr(),
            chunk[4..].as_ptr()
        );
        assert!(frames.next().is_none());
    }

    #[test]
    fn no_memory_is_held_between_messages() {
        let mut reader = FrameReader::new(None);
        assert!(reader.feed(b"on").next().is_none());
        assert!(reader.is_mid_message());
        let mut frames = reader.feed(b"e\x1e");
        assert_eq!(frames.next().unwrap().unwrap(), b"one");
        assert!(frames.next().is_none());
        assert!(!reader.is_mid_message());
        assert_eq!(reader.partial.capacity(), 0);
    }

    #[test]
    fn the_rest_of_a_chunk_can_be_taken_after_the_handshake() {
        let mut reader = FrameReader::new(None);
        let mut frames = reader.feed(b"{}\x1e\x02\x91\x06");
        assert_eq!(frames.next().unwrap().unwrap(), b"{}");
        assert_eq!(frames.rest(), b"\x02\x91\x06");
    }

    #[test]
    fn the_limit_counts_the_message_with_its_separator() {
        let mut reader = FrameReader::new(Some(4));
        assert_eq!(reader.feed(b"abc\x1e").next().unwrap().unwrap(), b"abc");
        let mut frames = reader.feed(b"abcd\x1e");
        assert!(frames.next().unwrap().is_err());
    }

    #[test]
    fn a_message_is_refused_before_it_is_complete_and_nothing_of_it_is_kept() {
        let mut reader = FrameReader::new(Some(32_768));
        assert!(reader.feed(&[b'a'; 32_767]).next().is_none());
        let error = reader.feed(b"b").next().unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "The maximum message size of 32768B was exceeded. \
             The message size can be configured in AddHubOptions."
        );
        assert_eq!(reader.partial.capacity(), 0);
    }

    #[test]
    fn after_an_oversized_message_its_tail_is_not_taken_for_a_message() {
        let mut reader = FrameReader::new(Some(4));
        let mut frames = reader.feed(b"abcdef");
        assert!(frames.next().unwrap().is_err());
        assert!(frames.next().is_none());
        assert!(reader.feed(b"g\x1e").next().unwrap().is_err());
    }

    #[cfg(feature = "messagepack")]
    #[test]
    fn memory_follows_what_arrives_and_not_what_is_announced() {
        let mut reader = FrameReader::after_handshake(Protocol::MessagePack, None);
        assert!(reader.feed(b"\xff\xff\xff\xff\x07").next().is_none());
        assert!(reader.partial.capacity() < 100);
        assert!(reader.feed(&[0; 1000]).next().is_none());
        assert!(reader.partial.capacity() < 10_000);
    }
}
