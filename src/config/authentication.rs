//! The section `Mesahub:Authentication`.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use super::{
    parse::{empty_is_none, seconds},
    secret::Secret,
};
use crate::auth::{SigningAlgorithm, jwks::KeySetUrl};

/// Which tokens are believed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct AuthenticationSettings {
    /// The shared key; its UTF-8 bytes are used as they are. Outside development it must be set and
    /// hold at least as many bytes as the longest hash of the allowed algorithms that take a
    /// secret: 32, 48 or 64.
    pub signing_key: Secret,
    /// The algorithms that a token may be signed with, at least one; `HS256` by default. Each takes
    /// keys of one kind and needs one.
    pub algorithms: Vec<SigningAlgorithm>,
    /// Files with public keys in PEM; none by default.
    pub public_key_files: Vec<PathBuf>,
    /// The key sets of an identity provider.
    pub jwks: JwksSettings,
    /// What a token's `iss` may be, one or several; not checked by default.
    pub issuer: Vec<String>,
    /// What a token's `aud` must hold, one of these; not checked by default.
    pub audience: Vec<String>,
    /// How far the clocks of issuer and server may be apart: 0 to 3600 s, 30 s by default.
    #[serde(deserialize_with = "seconds")]
    pub clock_skew: Duration,
    /// Under which names a token says who it stands for.
    pub claims: ClaimSettings,
}

/// JSON Web Key Sets, in a file or at an address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct JwksSettings {
    /// A file, read when the server starts; it may hold secrets. None by default.
    #[serde(deserialize_with = "empty_is_none")]
    pub file: Option<PathBuf>,
    /// An address, `https` unless it is on this machine. Secrets in what it answers are passed
    /// over. None by default.
    #[serde(deserialize_with = "empty_is_none")]
    pub url: Option<KeySetUrl>,
    /// How often the keys at the address are fetched: 1 s to a day, 600 s by default.
    #[serde(deserialize_with = "seconds")]
    pub refresh_interval: Duration,
    /// How often, at most, they are fetched because a token names a key that is not among them: 1
    /// to 3600 s, 5 s by default.
    #[serde(deserialize_with = "seconds")]
    pub refetch_interval: Duration,
    /// For how long they are good after they have been fetched, when they cannot be fetched again:
    /// 1 s to 30 days, a day by default, and at least `RefreshInterval`. Then nobody new is let
    /// in.
    #[serde(deserialize_with = "seconds")]
    pub stale_for: Duration,
    /// How long a fetch may take, and a request that waits for it: 1 to 60 s, 5 s by default.
    #[serde(deserialize_with = "seconds")]
    pub timeout: Duration,
}

/// Under which names a token says who it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct ClaimSettings {
    /// The tenant; `tenantKey` by default.
    pub tenant_key: String,
    /// The user; `userId` by default, for which `sub` or a name identifier may stand. Any other
    /// name is the only one.
    pub user_id: String,
    /// The roles; `role` by default. Their long .NET name is understood beside it.
    pub role: String,
    /// The dining session; `sessionId` by default.
    pub session_id: String,
}

impl Default for AuthenticationSettings {
    fn default() -> Self {
        Self {
            signing_key: Secret::default(),
            algorithms: vec![SigningAlgorithm::Hs256],
            public_key_files: Vec::new(),
            jwks: JwksSettings::default(),
            issuer: Vec::new(),
            audience: Vec::new(),
            clock_skew: Duration::from_secs(30),
            claims: ClaimSettings::default(),
        }
    }
}

impl Default for JwksSettings {
    fn default() -> Self {
        Self {
            file: None,
            url: None,
            refresh_interval: Duration::from_secs(600),
            refetch_interval: Duration::from_secs(5),
            stale_for: Duration::from_secs(24 * 60 * 60),
            timeout: Duration::from_secs(5),
        }
    }
}

impl Default for ClaimSettings {
    fn default() -> Self {
        Self {
            tenant_key: "tenantKey".to_owned(),
            user_id: "userId".to_owned(),
            role: "role".to_owned(),
            session_id: "sessionId".to_owned(),
        }
    }
}
