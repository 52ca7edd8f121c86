//! Works out the address of the backplane.

use std::path::PathBuf;

use super::{
    backplane::{Address, AmqpBackplane, Backplane},
    choice::Provider,
    connection_string::{AmqpAddress, RedisAddress, amqp, nats, redis},
    nats::nats_backplane,
    provider::{AmqpSettings, UpstashSettings},
    real_time::RealTimeSettings,
    redis_use::usage,
    secret::Secret,
    url::{address, parse},
    validate::Finding,
};

const CONNECTION_STRING: &str = "RealTimeConfiguration:ConnectionString";

/// The backplane that the settings ask for, or the key to change.
pub(super) fn backplane(settings: &RealTimeSettings) -> Result<Backplane, Finding> {
    let connection = settings.connection_string.reveal().trim();
    let wrong = |problem: &str| Finding::new(CONNECTION_STRING, problem);
    match settings.provider {
        Provider::Memory if connection.is_empty() => Ok(Backplane::Memory),
        Provider::Memory => Err(wrong(
            "is set while Provider is Memory, which connects to nothing; expected another Provider, such as Redis",
        )),
        Provider::Nats if connection.is_empty() => {
            nats_backplane(&settings.provider_specific.nats, None).map(Backplane::Nats)
        }
        Provider::Nats => {
            let found = nats(connection).map_err(wrong)?;
            nats_backplane(&settings.provider_specific.nats, Some(found)).map(Backplane::Nats)
        }
        Provider::Amqp => {
            let settings = &settings.provider_specific.amqp;
            let found = match connection.is_empty() {
                true => from_amqp(settings)?,
                false => amqp(connection).map_err(wrong)?,
            };
            with_amqp_use(settings, found).map(Backplane::Amqp)
        }
        _ if connection.is_empty() => usage(&settings.redis, from_provider(settings)?),
        _ => usage(&settings.redis, redis(connection).map_err(wrong)?),
    }
}

fn from_provider(settings: &RealTimeSettings) -> Result<RedisAddress, Finding> {
    let specific = &settings.provider_specific;
    match settings.provider {
        Provider::Azure => {
            const NAME: &str = "RealTimeConfiguration:ProviderSpecific:Azure:ServiceName";
            const KEY: &str = "RealTimeConfiguration:ProviderSpecific:Azure:AccessKey";
            let azure = &specific.azure;
            let name = required(NAME, &azure.service_name)?;
            required(KEY, azure.access_key.reveal())?;
            let host = with_suffix(name, ".redis.cache.windows.net");
            let mut found = server(NAME, &host, azure.port, azure.ssl)?;
            found.password = Some(azure.access_key.clone());
            Ok(found)
        }
        Provider::Aws => {
            const KEY: &str = "RealTimeConfiguration:ProviderSpecific:AWS:CacheClusterId";
            let aws = &specific.aws;
            let host = with_suffix(
                required(KEY, &aws.cache_cluster_id)?,
                ".cache.amazonaws.com",
            );
            server(KEY, &host, aws.port, aws.ssl)
        }
        Provider::Gcp => {
            const KEY: &str = "RealTimeConfiguration:ProviderSpecific:GCP:InstanceId";
            const REGION: &str = "RealTimeConfiguration:ProviderSpecific:GCP:Region";
            let gcp = &specific.gcp;
            let instance = required(KEY, &gcp.instance_id)?;
            let region = required(REGION, &gcp.region)?;
            let host = format!("{instance}.redis.{region}.gcp.cloud");
            server(KEY, &host, gcp.port, gcp.ssl)
        }
        Provider::Upstash => from_upstash(&specific.upstash),
        _ => {
            const KEY: &str = "RealTimeConfiguration:ProviderSpecific:Local:Host";
            let local = &specific.local;
            let host = required(KEY, &local.host)?;
            server(KEY, host, local.port, local.ssl)
        }
    }
}

fn from_upstash(upstash: &UpstashSettings) -> Result<RedisAddress, Finding> {
    const URL: &str = "RealTimeConfiguration:ProviderSpecific:Upstash:RedisUrl";
    const REST_URL: &str = "RealTimeConfiguration:ProviderSpecific:Upstash:RestUrl";
    const TOKEN: &str = "RealTimeConfiguration:ProviderSpecific:Upstash:RestToken";
    let url = upstash.redis_url.reveal().trim();
    let mut found = if url.is_empty() && !upstash.rest_url.is_empty() {
        let rest = parse(upstash.rest_url.trim(), 443)
            .map_err(|problem| Finding::new(REST_URL, problem))?;
        let mut addresses = rest.addresses;
        for address in &mut addresses {
            address.port = 6379;
        }
        RedisAddress {
            addresses,
            ..RedisAddress::default()
        }
    } else {
        redis(required(URL, url)?).map_err(|problem| Finding::new(URL, problem))?
    };
    // Upstash itself speaks nothing but TLS, whatever the scheme of a copied URL says.
    let theirs = |address: &Address| address.host.ends_with(".upstash.io");
    found.tls = Some(found.tls.unwrap_or(true) || found.addresses.iter().any(theirs));
    if found.password.is_none() {
        required(TOKEN, upstash.rest_token.reveal())?;
        found.password = Some(upstash.rest_token.clone());
    }
    Ok(found)
}

fn from_amqp(settings: &AmqpSettings) -> Result<AmqpAddress, Finding> {
    const HOST: &str = "RealTimeConfiguration:ProviderSpecific:Amqp:Host";
    const VIRTUAL_HOST: &str = "RealTimeConfiguration:ProviderSpecific:Amqp:VirtualHost";
    let host = required(HOST, &settings.host)?;
    let addresses = host.split(',').map(|host| {
        let wrong = |problem| Finding::new(HOST, problem);
        address(host.trim(), settings.port).map_err(wrong)
    });
    Ok(AmqpAddress {
        addresses: addresses.collect::<Result<_, _>>()?,
        tls: settings.ssl,
        user: text(&settings.user),
        password: secret(&settings.password),
        virtual_host: required(VIRTUAL_HOST, &settings.virtual_host)?.to_owned(),
    })
}

/// Adds what no connection string tells.
fn with_amqp_use(settings: &AmqpSettings, found: AmqpAddress) -> Result<AmqpBackplane, Finding> {
    const PREFIX: &str = "RealTimeConfiguration:ProviderSpecific:Amqp:Prefix";
    const FILE: &str = "RealTimeConfiguration:ProviderSpecific:Amqp:AuthoritiesFile";
    let size = settings.prefix.len();
    if !(1..=100).contains(&size) {
        let problem = format!("has {size} bytes; expected 1 to 100");
        return Err(Finding::new(PREFIX, problem));
    }
    let authorities_file = text(&settings.authorities_file).map(PathBuf::from);
    if authorities_file.is_some() && !found.tls {
        return Err(Finding::new(
            FILE,
            "is set while the address is without TLS; expected Ssl, or an amqps:// URL",
        ));
    }
    Ok(AmqpBackplane {
        addresses: found.addresses,
        tls: found.tls,
        user: found.user,
        password: found.password,
        virtual_host: found.virtual_host,
        prefix: settings.prefix.clone(),
        authorities_file,
        heartbeat: settings.heartbeat,
    })
}

fn server(key: &'static str, host: &str, port: u16, tls: bool) -> Result<RedisAddress, Finding> {
    Ok(RedisAddress {
        addresses: vec![at(key, host, port)?],
        tls: Some(tls),
        ..RedisAddress::default()
    })
}

/// The address of a host that must not bring a port of its own.
pub(super) fn at(key: &'static str, host: &str, port: u16) -> Result<Address, Finding> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let written = Address {
        host: host.to_owned(),
        port,
    };
    match address(&written.to_string(), port) {
        Ok(read) if read == written => Ok(read),
        _ => Err(Finding::new(
            key,
            "is not a host name; expected letters, digits, dots and hyphens",
        )),
    }
}

pub(super) fn required<'a>(key: &'static str, text: &'a str) -> Result<&'a str, Finding> {
    match text.trim() {
        "" => Err(Finding::new(
            key,
            "is empty; the chosen Provider needs it, unless ConnectionString is set",
        )),
        text => Ok(text),
    }
}

fn with_suffix(name: &str, suffix: &str) -> String {
    format!("{}{suffix}", name.strip_suffix(suffix).unwrap_or(name))
}

pub(super) fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn secret(secret: &Secret) -> Option<Secret> {
    (!secret.is_empty()).then(|| secret.clone())
}
