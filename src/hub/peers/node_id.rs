//! The name of a node.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Length in characters: 6 random bytes in base64url.
pub(crate) const NODE_ID_LENGTH: usize = 8;

/// The name of a node: 8 characters of base64url, fresh at every start. The ids of its connections
/// begin with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId([u8; NODE_ID_LENGTH]);

/// The text is no name of a node.
#[derive(Debug, thiserror::Error)]
#[error("a node id has 8 characters of A-Z, a-z, 0-9, '-' and '_'")]
pub struct InvalidNodeId;

impl NodeId {
    /// A fresh one from the operating system's randomness.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 6];
        getrandom::fill(&mut bytes).expect("the operating system provides randomness");
        let mut name = [0; NODE_ID_LENGTH];
        URL_SAFE_NO_PAD
            .encode_slice(bytes, &mut name)
            .expect("6 bytes are 8 characters of base64url");
        Self(name)
    }

    /// Takes characters that are known to be base64url.
    pub(crate) const fn from_characters(name: [u8; NODE_ID_LENGTH]) -> Self {
        Self(name)
    }

    pub(crate) const fn characters(self) -> [u8; NODE_ID_LENGTH] {
        self.0
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("names are ASCII by construction")
    }
}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, InvalidNodeId> {
        let name = text.as_bytes().try_into().map_err(|_| InvalidNodeId)?;
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let name: [u8; NODE_ID_LENGTH] = name;
        name.iter()
            .all(allowed)
            .then_some(Self(name))
            .ok_or(InvalidNodeId)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
