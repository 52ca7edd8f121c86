//! The first exchange on every connection: which hub protocol, which version. Always JSON.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::framing::SEPARATOR;
use crate::protocol::{Protocol, TransferFormat};

/// The highest protocol version this crate speaks; 2 adds stateful reconnect.
pub const MAX_VERSION: i64 = 2;

/// What the client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HandshakeRequest {
    /// The hub protocol's name, in the client's spelling.
    pub protocol: String,
    /// The version of the hub protocol.
    pub version: i64,
}

/// Why a handshake failed. The display is the text a client is sent; no close message follows it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The protocol is unknown or switched off.
    #[error("The protocol '{0}' is not supported.")]
    UnsupportedProtocol(String),
    /// The version is above [`MAX_VERSION`].
    #[error("The server does not support version {version} of the '{protocol}' protocol.")]
    UnsupportedVersion {
        /// The version asked for.
        version: i64,
        /// The protocol asked for.
        protocol: String,
    },
    /// The transport cannot carry the protocol's format.
    #[error(
        "Cannot use the '{protocol}' protocol on the current transport. \
         The transport does not support '{}' transfer format.", .format.name()
    )]
    WrongTransferFormat {
        /// The protocol asked for.
        protocol: String,
        /// The format that it needs.
        format: TransferFormat,
    },
    /// It took too long, was too large, or the connection went away.
    #[error("Handshake was canceled.")]
    Canceled,
    /// The request is not a JSON object with `protocol` and `version`.
    #[error("An unexpected error occurred during connection handshake.")]
    Malformed {
        /// What was wrong, for the log and for clients where detailed errors are on.
        detail: String,
    },
}

impl HandshakeRequest {
    /// Reads a request from a frame body, without its 0x1E. Properties come in any order and
    /// unknown ones are skipped.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Malformed`].
    pub fn parse(body: &[u8]) -> Result<Self, HandshakeError> {
        serde_json::from_slice(body).map_err(|error| HandshakeError::Malformed {
            detail: error.to_string(),
        })
    }

    /// The request with its 0x1E, as a client sends it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        framed(self)
    }

    /// Decides which protocol the connection speaks, given the formats its transport carries.
    ///
    /// # Errors
    ///
    /// The first that applies of an unknown protocol, an unsupported version and a format that the
    /// transport does not carry.
    pub fn accept(&self, formats: &[TransferFormat]) -> Result<Protocol, HandshakeError> {
        let Some(protocol) = Protocol::parse_name(&self.protocol) else {
            return Err(HandshakeError::UnsupportedProtocol(self.protocol.clone()));
        };
        if self.version > MAX_VERSION {
            return Err(HandshakeError::UnsupportedVersion {
                version: self.version,
                protocol: self.protocol.clone(),
            });
        }
        let format = protocol.transfer_format();
        if !formats.contains(&format) {
            let protocol = self.protocol.clone();
            return Err(HandshakeError::WrongTransferFormat { protocol, format });
        }
        Ok(protocol)
    }
}

impl HandshakeError {
    /// The text for the client, with the detail of a malformed request if `detailed` errors are
    /// switched on.
    #[must_use]
    pub fn text(&self, detailed: bool) -> String {
        match self {
            Self::Malformed { detail } if detailed => {
                format!("{self} InvalidDataException: {detail}")
            }
            _ => self.to_string(),
        }
    }
}

/// The answer to a request that is accepted, with its 0x1E.
#[must_use]
pub const fn handshake_ok() -> &'static [u8] {
    b"{}\x1e"
}

/// The answer to a request that is refused, with its 0x1E.
#[must_use]
pub fn handshake_error(text: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Refusal<'a> {
        error: &'a str,
    }
    framed(&Refusal { error: text })
}

fn framed(message: &impl Serialize) -> Vec<u8> {
    let mut out = serde_json::to_vec(message).expect("strings and integers always serialise");
    out.push(SEPARATOR);
    out
}

impl<'de> Deserialize<'de> for HandshakeRequest {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(RequestVisitor)
    }
}

struct RequestVisitor;

impl<'de> Visitor<'de> for RequestVisitor {
    type Value = HandshakeRequest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with 'protocol' and 'version'")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut protocol, mut version) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "protocol" => protocol = Some(map.next_value()?),
                "version" => version = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(HandshakeRequest {
            protocol: protocol.ok_or_else(|| missing("protocol"))?,
            version: version.ok_or_else(|| missing("version"))?,
        })
    }
}

fn missing<E: serde::de::Error>(property: &'static str) -> E {
    E::missing_field(property)
}
