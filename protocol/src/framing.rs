//! Cuts a byte stream into messages that end with 0x1E, as the handshake and JSON messages do.

use crate::error::ProtocolError;

/// The byte after each handshake and JSON message. It cannot occur inside JSON.
pub const SEPARATOR: u8 = 0x1e;

/// Reassembles messages from chunks of any size.
///
/// Messages that lie whole in a chunk are handed out where they are. Only an unfinished tail is
/// copied, and the memory for it is given back as soon as the message is complete, so a connection
/// that waits for its next message holds none.
#[derive(Debug)]
pub struct FrameReader {
    limit: Option<usize>,
    partial: Vec<u8>,
    failed: bool,
}

/// The messages that one chunk completes. Read it to the end: what is left in the chunk when it
/// is dropped early is not kept, see [`Frames::rest`].
#[derive(Debug)]
pub struct Frames<'r, 'c> {
    reader: &'r mut FrameReader,
    chunk: &'c [u8],
    joined: Vec<u8>,
}

impl FrameReader {
    /// A reader for one connection. `limit` is the largest message accepted, in bytes and with
    /// its 0x1E; `None` sets no bound, and then memory has none either.
    #[must_use]
    pub const fn new(limit: Option<usize>) -> Self {
        Self {
            limit,
            partial: Vec::new(),
            failed: false,
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

    fn exceeds_limit(&self, added: usize) -> Option<usize> {
        let size = self.partial.len() + added + 1;
        self.limit.filter(|limit| size > *limit)
    }
}

impl<'c> Frames<'_, 'c> {
    /// The body of the next complete message, without its 0x1E, or `None` when the chunk is used
    /// up and its unfinished tail is stored.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::TooLarge`] as soon as a message is known to exceed the limit, before it is
    /// stored. The stream cannot be read any further: every later chunk gives the error again.
    #[expect(
        clippy::should_implement_trait,
        reason = "a frame borrows from the iterator"
    )]
    pub fn next(&mut self) -> Option<Result<&[u8], ProtocolError>> {
        self.joined = Vec::new();
        if self.chunk.is_empty() {
            return None;
        }
        let end = memchr::memchr(SEPARATOR, self.chunk);
        let length = end.unwrap_or(self.chunk.len());
        let exceeded = self.reader.exceeds_limit(length);
        if exceeded.is_some() || self.reader.failed {
            return Some(Err(self.fail()));
        }
        let (head, tail) = self.chunk.split_at(length);
        if end.is_none() {
            self.reader.partial.extend_from_slice(head);
            self.chunk = tail;
            return None;
        }
        self.chunk = &tail[1..];
        if self.reader.partial.is_empty() {
            return Some(Ok(head));
        }
        self.joined = std::mem::take(&mut self.reader.partial);
        self.joined.extend_from_slice(head);
        Some(Ok(&self.joined))
    }

    /// The part of the chunk not yet read, for a caller that goes on with other framing.
    #[must_use]
    pub const fn rest(&self) -> &'c [u8] {
        self.chunk
    }

    fn fail(&mut self) -> ProtocolError {
        self.chunk = &[];
        self.reader.partial = Vec::new();
        self.reader.failed = true;
        ProtocolError::TooLarge {
            limit: self.reader.limit.unwrap_or(usize::MAX),
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
}
