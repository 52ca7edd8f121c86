//! How a Redis at a known address is used.

use super::{
    backplane::{Backplane, RedisBackplane, RedisServers},
    choice::{RedisDeployment, Wire},
    connection_string::RedisAddress,
    real_time::RedisSettings,
    validate::Finding,
};

/// The Redis at this address, used as the settings say, or the key to change.
pub(super) fn usage(settings: &RedisSettings, found: RedisAddress) -> Result<Backplane, Finding> {
    let servers = servers(settings, &found)?;
    let tls = found.tls.unwrap_or(false);
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let prefix = found.channel_prefix;
    let prefix = prefix.unwrap_or_else(|| settings.channel_prefix.clone());
    let refuse = |key: &'static str, problem: &str| Err(Finding::new(key, problem));
    if servers == RedisServers::Cluster && found.database != 0 {
        return refuse(
            "RealTimeConfiguration:ConnectionString",
            "names a database, and a Redis Cluster has none but 0; expected no number",
        );
    }
    let braces = settings.wire == Wire::Mesahub && prefix.contains(['{', '}']);
    if servers == RedisServers::Cluster && braces {
        return refuse(
            "RealTimeConfiguration:Redis:ChannelPrefix",
            "holds a brace, which means something to a Redis Cluster; expected none",
        );
    }
    if !settings.authorities_file.is_empty() && !tls {
        return refuse(
            "RealTimeConfiguration:Redis:AuthoritiesFile",
            "is set while TLS is off; expected TLS to be on, or no file",
        );
    }
    if settings.max_backoff < settings.min_backoff {
        return refuse(
            "RealTimeConfiguration:Redis:MaxBackoff",
            "is shorter than MinBackoff; expected at least as much",
        );
    }
    Ok(Backplane::Redis(RedisBackplane {
        servers,
        addresses: found.addresses,
        tls,
        user: found.user,
        password: found.password,
        database: found.database,
        channel_prefix: prefix,
        wire: settings.wire,
        hub_type_name: text(&settings.hub_type_name),
        authorities_file: text(&settings.authorities_file).map(Into::into),
        connect_timeout: found.connect_timeout.unwrap_or(settings.connect_timeout),
        response_timeout: found.response_timeout.unwrap_or(settings.response_timeout),
        min_backoff: settings.min_backoff,
        max_backoff: settings.max_backoff,
    }))
}

fn servers(settings: &RedisSettings, found: &RedisAddress) -> Result<RedisServers, Finding> {
    const DEPLOYMENT: &str = "RealTimeConfiguration:Redis:Deployment";
    const SERVICE: &str = "RealTimeConfiguration:Redis:ServiceName";
    let service = found.service.as_deref().unwrap_or(&settings.service_name);
    let (is_named, is_one) = (!service.is_empty(), found.addresses.len() == 1);
    match settings.deployment {
        RedisDeployment::Single | RedisDeployment::Cluster if is_named => Err(Finding::new(
            SERVICE,
            format!(
                "is set, here or in the connection string, while Deployment is {}; expected Sentinel",
                settings.deployment.name()
            ),
        )),
        RedisDeployment::Single if !is_one => Err(Finding::new(
            DEPLOYMENT,
            "is Single while several servers are named; expected one server, or Cluster or Sentinel",
        )),
        RedisDeployment::Sentinel if !is_named => Err(Finding::new(
            SERVICE,
            "is empty while Deployment is Sentinel; expected the name under which the Sentinels watch the primary",
        )),
        RedisDeployment::Sentinel => Ok(sentinel(service)),
        RedisDeployment::Auto if is_named => Ok(sentinel(service)),
        RedisDeployment::Single => Ok(RedisServers::Single),
        RedisDeployment::Auto if is_one => Ok(RedisServers::Single),
        RedisDeployment::Cluster | RedisDeployment::Auto => Ok(RedisServers::Cluster),
    }
}

fn sentinel(service: &str) -> RedisServers {
    RedisServers::Sentinel {
        service: service.to_owned(),
    }
}
