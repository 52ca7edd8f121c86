//! Opens and examines the configured backend: the only place that mentions backend features.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use mesahub_broker::{Broker, BrokerError, Finding, Inbox, LogBounds};
use thiserror::Error;

#[cfg(feature = "amqp")]
use crate::config::AmqpBackplane;
use crate::config::Backplane;
#[cfg(feature = "nats")]
use crate::config::NatsBackplane;
#[cfg(feature = "redis")]
use crate::config::{RedisBackplane, RedisServers, Wire};

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
    /// The file with the certificates of authorities cannot be read.
    #[error("cannot read the certificates of authorities in {}", file.display())]
    Authorities {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
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
        #[cfg(feature = "nats")]
        "nats",
        #[cfg(feature = "amqp")]
        "amqp",
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
            let config = redis_config(redis, bounds)?;
            let broker = mesahub_redis::RedisBroker::open(config, inbox).await;
            Ok(Arc::new(broker.map_err(at(backplane))?))
        }
        #[cfg(feature = "nats")]
        Backplane::Nats(nats) => {
            let config = nats_config(nats, bounds).map_err(at(backplane))?;
            let broker = mesahub_nats::NatsBroker::open(config, inbox).await;
            Ok(Arc::new(broker.map_err(at(backplane))?))
        }
        #[cfg(feature = "amqp")]
        Backplane::Amqp(amqp) => {
            let config = amqp_config(amqp, bounds)?;
            let broker = mesahub_amqp::AmqpBroker::open(config, inbox).await;
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
/// When the backend is not part of this build, or a file that the configuration names cannot be
/// read.
pub async fn examine(backplane: &Backplane) -> Result<Vec<Finding>, OpenError> {
    match backplane {
        #[cfg(feature = "memory")]
        Backplane::Memory => Ok(Vec::new()),
        #[cfg(feature = "redis")]
        Backplane::Redis(redis) => {
            let config = redis_config(redis, LogBounds::default())?;
            Ok(mesahub_redis::examine(&config).await)
        }
        #[cfg(feature = "nats")]
        Backplane::Nats(nats) => {
            let config = nats_config(nats, LogBounds::default()).map_err(at(backplane))?;
            Ok(mesahub_nats::examine(&config).await)
        }
        #[cfg(feature = "amqp")]
        Backplane::Amqp(amqp) => {
            let config = amqp_config(amqp, LogBounds::default())?;
            Ok(mesahub_amqp::examine(&config).await)
        }
        #[allow(unreachable_patterns)]
        other => Err(OpenError::NotCompiled {
            feature: other.feature(),
        }),
    }
}

/// Names the servers that an error concerns.
#[cfg(any(feature = "redis", feature = "nats", feature = "amqp"))]
fn at(backplane: &Backplane) -> impl FnOnce(BrokerError) -> OpenError {
    let at = backplane.to_string();
    |source| OpenError::Backend { at, source }
}

#[cfg(feature = "redis")]
fn redis_config(
    redis: &RedisBackplane,
    log: LogBounds,
) -> Result<mesahub_redis::RedisConfig, OpenError> {
    use mesahub_redis::{Address, Deployment, Framing, Login, RedisConfig, Tls};

    let mut addresses: Vec<_> = redis
        .addresses
        .iter()
        .map(|at| Address::new(&*at.host, at.port))
        .collect();
    let deployment = match &redis.servers {
        RedisServers::Single => Deployment::Single(addresses.swap_remove(0)),
        RedisServers::Sentinel { service } => Deployment::Sentinel {
            addresses,
            service: service.clone(),
        },
        RedisServers::Cluster => Deployment::Cluster { addresses },
    };
    let file = redis.authorities_file.as_ref();
    let authorities = file.map(|file| {
        let read = std::fs::read_to_string(file);
        read.map_err(|source| OpenError::Authorities {
            file: file.clone(),
            source,
        })
    });
    let authorities = authorities.transpose()?;
    Ok(RedisConfig {
        login: Login {
            user: redis.user.clone(),
            password: redis.password.as_ref().map(|it| it.reveal().to_owned()),
        },
        tls: redis.tls.then_some(Tls { authorities }),
        database: redis.database,
        prefix: redis.channel_prefix.clone(),
        framing: match redis.wire {
            Wire::Mesahub => Framing::Positioned,
            Wire::AspNetCore => Framing::Plain,
        },
        log,
        connect_timeout: redis.connect_timeout,
        response_timeout: redis.response_timeout,
        min_backoff: redis.min_backoff,
        max_backoff: redis.max_backoff,
        ..RedisConfig::new(deployment)
    })
}

#[cfg(feature = "nats")]
fn nats_config(
    nats: &NatsBackplane,
    bounds: LogBounds,
) -> Result<mesahub_nats::NatsConfig, BrokerError> {
    use mesahub_nats::{Address, LogConfig, Login, NatsConfig, Prefix, Tls};

    let addresses = nats.addresses.iter();
    let addresses = addresses
        .map(|at| Address::new(&*at.host, at.port))
        .collect();
    let login = if let Some(name) = &nats.user {
        let password = nats.password.as_ref();
        Login::User {
            name: name.clone(),
            password: password
                .map(|it| it.reveal().to_owned())
                .unwrap_or_default(),
        }
    } else if let Some(token) = &nats.token {
        Login::Token(token.reveal().to_owned())
    } else if let Some(seed) = &nats.nkey_seed {
        Login::NkeySeed(seed.reveal().to_owned())
    } else if let Some(file) = &nats.credentials_file {
        Login::Credentials(file.into())
    } else {
        Login::Nobody
    };
    Ok(NatsConfig {
        login,
        tls: nats.tls.then(|| Tls {
            authorities: nats.certificate_authority.as_ref().map(Into::into),
        }),
        prefix: Prefix::new(&*nats.subject_prefix).map_err(BrokerError::rejected)?,
        log: nats.jet_stream.then_some(LogConfig {
            bounds,
            replicas: nats.replicas,
            storage: nats.log_storage,
        }),
        ..NatsConfig::new(addresses)
    })
}

#[cfg(feature = "amqp")]
fn amqp_config(
    amqp: &AmqpBackplane,
    log: LogBounds,
) -> Result<mesahub_amqp::AmqpConfig, OpenError> {
    use mesahub_amqp::{Address, AmqpConfig, Login, Tls};

    let addresses = amqp.addresses.iter();
    let addresses: Vec<_> = addresses
        .map(|at| Address::new(&*at.host, at.port))
        .collect();
    let file = amqp.authorities_file.as_ref();
    let authorities = file.map(|file| {
        let read = std::fs::read_to_string(file);
        read.map_err(|source| OpenError::Authorities {
            file: file.clone(),
            source,
        })
    });
    let authorities = authorities.transpose()?;
    let password = amqp.password.as_ref().map(|it| it.reveal().to_owned());
    Ok(AmqpConfig {
        login: match &amqp.user {
            Some(user) => Login {
                user: user.clone(),
                password: password.unwrap_or_default(),
            },
            None => Login::default(),
        },
        tls: amqp.tls.then_some(Tls { authorities }),
        virtual_host: amqp.virtual_host.clone(),
        prefix: amqp.prefix.clone(),
        heartbeat: u16::try_from(amqp.heartbeat.as_secs()).unwrap_or(u16::MAX),
        log,
        ..AmqpConfig::new(addresses)
    })
}
