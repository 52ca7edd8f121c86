//! Why a server does not start.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::app::signing::SigningError;
use crate::auth::KeyError;
use crate::auth::jwks::FetchError;
use crate::broker::OpenError;
use crate::config::ConfigError;
use crate::hub::HubBuildError;
use crate::journal::JournalError;
use crate::session::StoreError;
use crate::transport::InvalidOrigin;

/// The server could not be put together.
#[derive(Debug, Error)]
pub enum AppError {
    /// The settings do not hold together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configured backplane could not be opened.
    #[error(transparent)]
    Broker(#[from] OpenError),
    /// There is no usable signing key.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The keys of tokens and the algorithms do not fit together.
    #[error("Mesahub:Authentication:Algorithms: {0}")]
    Key(#[from] KeyError),
    /// A file with keys of tokens cannot be read.
    #[error("{key}: {}: cannot be read", path.display())]
    UnreadableKeys {
        /// The key of the configuration that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What stood in the way.
        #[source]
        source: io::Error,
    },
    /// A file with keys of tokens holds something else.
    #[error("{key}: {}: {source}", path.display())]
    KeyFile {
        /// The key of the configuration that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What it holds, and what was expected.
        #[source]
        source: KeyError,
    },
    /// The keys of tokens cannot be fetched at all.
    #[error("Mesahub:Authentication:Jwks:Url: {0}")]
    RemoteKeys(#[from] FetchError),
    /// An origin under `Mesahub:Cors:AllowedOrigins` is not usable.
    #[error("Mesahub:Cors:AllowedOrigins: {0}")]
    Origin(#[from] InvalidOrigin),
    /// The file of the dining sessions could not be opened.
    #[error("Mesahub:Sessions:Path: {}", path.display())]
    Sessions {
        /// The file.
        path: PathBuf,
        /// What stood in the way.
        #[source]
        source: StoreError,
    },
    /// The journal could not be opened.
    #[error("RealTimeConfiguration:Notifications:Journal:Path: {}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What stood in the way.
        #[source]
        source: JournalError,
    },
    /// SQLite is not part of this build.
    #[error(
        "{key} needs SQLite, which this build does not have: build mesahub with the Cargo feature \
         `sqlite`, or configure {instead}"
    )]
    NoSqlite {
        /// The key that asks for it.
        key: &'static str,
        /// What does without.
        instead: &'static str,
    },
    /// The notification hub could not be built.
    #[error(transparent)]
    Hub(#[from] HubBuildError),
}
