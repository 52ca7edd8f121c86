//! Why a server does not start.

use thiserror::Error;

use crate::app::signing::SigningError;
use crate::auth::KeyError;
use crate::broker::OpenError;
use crate::config::ConfigError;
use crate::hub::HubBuildError;
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
    /// The signing key and the algorithms do not fit together.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An origin under `Mesahub:Cors:AllowedOrigins` is not usable.
    #[error("Mesahub:Cors:AllowedOrigins: {0}")]
    Origin(#[from] InvalidOrigin),
    /// The notification hub could not be built.
    #[error(transparent)]
    Hub(#[from] HubBuildError),
}
