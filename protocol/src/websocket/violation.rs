//! What a peer may not send.

use crate::websocket::status::CloseStatus;

/// How a peer broke the rules of RFC 6455. The display is for the log; the peer is told the
/// [status](Self::status).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set, though no extension was agreed.
    #[error("a frame has reserved bits set")]
    ReservedBits,
    /// The opcode is reserved.
    #[error("a frame has the reserved opcode {0}")]
    Opcode(u8),
    /// Clients have to mask what they send.
    #[error("a frame is not masked")]
    Unmasked,
    /// A length is not written in the shortest form, or has its highest bit set.
    #[error("the length of a frame is not written as it has to be")]
    Length,
    /// A control frame is one of several fragments.
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A control frame has more than 125 bytes.
    #[error("a control frame has more than 125 bytes")]
    LongControl,
    /// A fragment continues nothing.
    #[error("a continuation frame continues no message")]
    NothingToContinue,
    /// A message begins before the one before it has ended.
    #[error("a message begins inside another one")]
    Interrupted,
    /// A Close frame has half a status.
    #[error("a Close frame has a body of one byte")]
    HalfStatus,
    /// A Close frame has a status that may not be sent.
    #[error("a Close frame has the forbidden status {0}")]
    Status(u16),
    /// A text, or the reason of a Close frame, is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
}

impl Violation {
    /// What the Close frame tells the peer.
    #[must_use]
    pub const fn status(self) -> CloseStatus {
        match self {
            Self::NotUtf8 => CloseStatus::INVALID_PAYLOAD,
            _ => CloseStatus::PROTOCOL_ERROR,
        }
    }
}
