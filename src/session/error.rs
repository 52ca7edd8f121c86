//! Why a dining session did not do what was asked of it.

use crate::auth::SessionId;
use crate::notification::NotifyError;
use crate::session::store::StoreError;

/// Why a dining session did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// There is no such session of this tenant, or none any more.
    #[error("there is no dining session {0} of this tenant")]
    Unknown(SessionId),
    /// There is one of this id already.
    #[error("there is a dining session {0} already")]
    Exists(SessionId),
    /// It is ending: nothing brings it back.
    #[error("the dining session {0} is ending")]
    Ending(SessionId),
    /// It was changed by others again and again meanwhile.
    #[error("the dining session {0} is being changed by too many at once")]
    Contended(SessionId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody could be told.
    #[error(transparent)]
    Notify(#[from] NotifyError),
}

impl SessionError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unknown(_) | Self::Exists(_) | Self::Ending(_) => false,
            Self::Contended(_) | Self::Store(_) => true,
            Self::Notify(error) => error.is_retryable(),
        }
    }
}
