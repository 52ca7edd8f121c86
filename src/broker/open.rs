//! Opens and examines the configured backend: the only place that mentions backend features.

use std::sync::Arc;

use mesahub_broker::{Broker, BrokerError, Finding, Inbox, LogBounds};
use thiserror::Error;

use crate::config::Backplane;
#[cfg(feature = "redis")]
use crate::config::{RedisBackplane, Wire};

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
    /// The backplane cannot be reached, or does not let us in.
    #[error("cannot open the backplane at {at}")]
    Backend {
        /// The kind and the servers.
        at: String,
        /// What stood in the way.
        #[source]
        source: BrokerError,
    },
}

/// The backends of this build, by feature name.
#[must_use]
pub fn compiled() -> &'static [&'static str] {
    &[
        #[cfg(feature = "memory")]
        "memory",
        #[cfg(feature = "redis")]
        "redis",
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
        #[cfg(feature = "redis")]
        Backplane::Redis(redis) => {
            let broker = mesahub_redis::RedisBroker::open(redis_config(redis, bounds), inbox).await;
            Ok(Arc::new(broker.map_err(at(backplane))?))
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

/// What the configured backend sees when it looks at its server with the eyes of an operator:
/// login, version and whatever is particular to it. Nothing where there is no server. What any
/// broker can be tried for is not tried here.
///
/// # Errors
/// When the backend is not part of this build.
pub async fn examine(backplane: &Backplane) -> Result<Vec<Finding>, OpenError> {
    match backplane {
        #[cfg(feature = "memory")]
        Backplane::Memory => Ok(Vec::new()),
        #[cfg(feature = "redis")]
        Backplane::Redis(redis) => {
            let config = redis_config(redis, LogBounds::default());
            Ok(mesahub_redis::examine(&config).await)
        }
        #[allow(unreachable_patterns)]
        other => Err(OpenError::NotCompiled {
            feature: other.feature(),
        }),
    }
}

/// Names the servers that an error concerns.
fn at(backplane: &Backplane) -> impl FnOnce(BrokerError) -> OpenError {
    let at = backplane.to_string();
    |source| OpenError::Backend { at, source }
}

#[cfg(feature = "redis")]
fn redis_config(redis: &RedisBackplane, log: LogBounds) -> mesahub_redis::RedisConfig {
    use mesahub_redis::{Address, Deployment, Framing, Login, RedisConfig, Tls};

    let first = redis.addresses.first();
    let address = first.map(|at| Address::new(&*at.host, at.port));
    let address = address.unwrap_or_else(|| Address::new("localhost", 6379));
    RedisConfig {
        login: Login {
            user: redis.user.clone(),
            password: redis.password.as_ref().map(|it| it.reveal().to_owned()),
        },
        tls: redis.tls.then(Tls::default),
        database: redis.database,
        prefix: redis.channel_prefix.clone(),
        framing: match redis.wire {
            Wire::Mesahub => Framing::Positioned,
            Wire::AspNetCore => Framing::Plain,
        },
        log,
        ..RedisConfig::new(Deployment::Single(address))
    }
}
