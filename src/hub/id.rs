//! Names of connections: the public id and the secret token.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::hub::peers::{NODE_ID_LENGTH, NodeId};

/// Length in characters of an id or a token: 16 random bytes in unpadded base64url.
const LENGTH: usize = 22;

/// The public name of a connection. Other clients may learn it; it opens nothing. Its first 8
/// characters name the node that has the connection, the other 14 are random.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId([u8; LENGTH]);

/// The secret that attaches an HTTP request to a connection. Never logged.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionToken([u8; LENGTH]);

/// The text is not a connection id: 22 characters of base64url were expected.
#[derive(Debug, Error)]
#[error("a connection id has 22 characters of A-Z, a-z, 0-9, '-' and '_'")]
pub struct InvalidConnectionId;

impl ConnectionId {
    /// A fresh id from 16 bytes of the operating system's randomness; no node has it.
    #[must_use]
    pub fn random() -> Self {
        Self(random_name())
    }

    /// A fresh id of a connection to this node, with 10 random bytes.
    pub(crate) fn of(node: NodeId) -> Self {
        let mut name = random_name();
        let (of, _) = name.split_at_mut(NODE_ID_LENGTH);
        of.copy_from_slice(&node.characters());
        Self(name)
    }

    /// The node that has the connection, if the id was given by one.
    #[must_use]
    pub fn node(&self) -> NodeId {
        let (of, _) = self.0.split_first_chunk().expect("an id is longer");
        NodeId::from_characters(*of)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("ids are ASCII by construction")
    }
}

impl ConnectionToken {
    /// A fresh token, independent of every id.
    #[must_use]
    pub fn random() -> Self {
        Self(random_name())
    }

    /// Without negotiation, and in negotiate version 0, the token equals the id.
    #[must_use]
    pub fn same_as(id: ConnectionId) -> Self {
        Self(id.0)
    }

    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("tokens are ASCII by construction")
    }
}

impl FromStr for ConnectionId {
    type Err = InvalidConnectionId;

    fn from_str(text: &str) -> Result<Self, InvalidConnectionId> {
        parse_name(text).map(Self).ok_or(InvalidConnectionId)
    }
}

impl FromStr for ConnectionToken {
    type Err = InvalidConnectionId;

    fn from_str(text: &str) -> Result<Self, InvalidConnectionId> {
        parse_name(text).map(Self).ok_or(InvalidConnectionId)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ConnectionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ConnectionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for ConnectionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionToken(***)")
    }
}

fn random_name() -> [u8; LENGTH] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system provides randomness");
    let mut name = [0; LENGTH];
    URL_SAFE_NO_PAD
        .encode_slice(bytes, &mut name)
        .expect("16 bytes are 22 characters of base64url");
    name
}

fn parse_name(text: &str) -> Option<[u8; LENGTH]> {
    let name: [u8; LENGTH] = text.as_bytes().try_into().ok()?;
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.iter().all(allowed).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{ConnectionId, ConnectionToken};
    use crate::hub::peers::NodeId;

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = ConnectionId::random();
        assert_eq!(id.as_str().parse::<ConnectionId>().ok(), Some(id));
        assert_ne!(id, ConnectionId::random());
    }

    #[test]
    fn an_id_tells_its_node() {
        let node = NodeId::random();
        let (one, other) = (ConnectionId::of(node), ConnectionId::of(node));
        assert_eq!((one.node(), other.node()), (node, node));
        assert_ne!(one, other);
        assert_eq!(one.as_str().parse::<ConnectionId>().ok(), Some(one));
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "short",
            "qL0mJ0m3c1nBv6Xw1r2yO+",
            "qL0mJ0m3c1nBv6Xw1r2yOAA",
        ] {
            assert!(text.parse::<ConnectionId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_never_shows_in_debug_output() {
        let token = ConnectionToken::random();
        assert!(!format!("{token:?}").contains(token.as_str()));
    }
}
