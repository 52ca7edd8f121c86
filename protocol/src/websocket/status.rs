//! The number that says why a WebSocket is closed.

/// A status that may stand in a Close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseStatus(u16);

impl CloseStatus {
    /// The purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The peer broke the rules of RFC 6455.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A text is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);

    /// The status with this number: those of RFC 6455, section 7.4.1, that may be sent, and those
    /// of libraries and applications from 3000 on. `None` for any other.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            1000..=1003 | 1007..=1011 | 3000..=4999 => Some(Self(number)),
            _ => None,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}
