//! Opens the configured backend: the only place that mentions backend features.

use std::sync::Arc;

use mesahub_broker::{Broker, Inbox, LogBounds};
use thiserror::Error;

use crate::config::Backplane;

/// The backplane could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The backend is not part of this build.
    #[error(
        "the configured backplane needs the `{feature}` backend, which this build does not have: \
         build mesahub with the Cargo feature `{feature}`, or configure one of: {}",
        compiled().join(", ")
    )]
    NotCompiled {
        /// The feature to build with.
        feature: &'static str,
    },
}

/// The backends of this build, by feature name.
#[must_use]
pub fn compiled() -> &'static [&'static str] {
    &[
        #[cfg(feature = "memory")]
        "memory",
    ]
}

/// Opens the configured backend. Deliveries go to `inbox`; topics that keep a log keep it within
/// `bounds`.
///
/// # Errors
/// When the backend is not part of this build, or cannot be reached or used. It never falls back
/// to another one.
pub async fn open(
    backplane: &Backplane,
    bounds: LogBounds,
    inbox: Inbox,
) -> Result<Arc<dyn Broker>, OpenError> {
    match backplane {
        #[cfg(feature = "memory")]
        Backplane::Memory => {
            let config = mesahub_memory::MemoryConfig { log: bounds };
            Ok(Arc::new(mesahub_memory::MemoryBroker::new(config, inbox)))
        }
        #[allow(unreachable_patterns)]
        other => {
            drop((bounds, inbox));
            Err(OpenError::NotCompiled {
                feature: other.feature(),
            })
        }
    }
}
