//! The hub protocols this crate speaks, and what they ask of a transport.

use serde::{Deserialize, Serialize};

/// How hub messages are encoded on one connection, agreed in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// One JSON object a message, ended by the byte 0x1E.
    Json,
    /// One MessagePack array a message, behind its length.
    #[cfg(feature = "messagepack")]
    MessagePack,
}

impl Protocol {
    /// Every protocol that this build speaks: what a broadcast has to be encoded for.
    pub const ALL: &'static [Self] = &[
        Self::Json,
        #[cfg(feature = "messagepack")]
        Self::MessagePack,
    ];

    /// The name used in handshakes and as the key of an envelope's messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            #[cfg(feature = "messagepack")]
            Self::MessagePack => "messagepack",
        }
    }

    /// Finds a protocol by its name, in any case; `None` if this crate does not speak it.
    #[must_use]
    pub fn parse_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|protocol| name.eq_ignore_ascii_case(protocol.name()))
    }

    /// The format a transport has to carry for this protocol.
    #[must_use]
    pub const fn transfer_format(self) -> TransferFormat {
        match self {
            Self::Json => TransferFormat::Text,
            #[cfg(feature = "messagepack")]
            Self::MessagePack => TransferFormat::Binary,
        }
    }
}

/// What a transport can carry: UTF-8 text only, or any bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransferFormat {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

impl TransferFormat {
    /// The name used in negotiate responses and error texts: `Text` or `Binary`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Binary => "Binary",
        }
    }
}
