//! Reads `ConnectionString`.
//!
//! Errors follow the name of the key and never show any of its text.

use std::time::Duration;

use super::{
    backplane::Address,
    secret::Secret,
    url::{ServerUrl, address, decode, parse},
};

/// What a connection string says about a Redis; what it leaves out is `None`.
#[derive(Debug, Default)]
pub(super) struct RedisAddress {
    pub(super) addresses: Vec<Address>,
    pub(super) tls: Option<bool>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: u32,
    pub(super) channel_prefix: Option<String>,
    pub(super) service: Option<String>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) response_timeout: Option<Duration>,
}

/// What a connection string says about NATS.
#[derive(Debug, Default)]
pub(super) struct NatsAddress {
    pub(super) addresses: Vec<Address>,
    pub(super) tls: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) token: Option<Secret>,
}

/// What a connection string says about a RabbitMQ.
#[derive(Debug)]
pub(super) struct AmqpAddress {
    pub(super) addresses: Vec<Address>,
    pub(super) tls: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) virtual_host: String,
}

/// Options of StackExchange.Redis that tune its own sockets and mean nothing here. Whatever
/// `abortConnect` says, a Redis that cannot be reached stops the start.
const TUNING: &[&str] = &[
    "abortConnect",
    "allowAdmin",
    "checkCertificateRevocation",
    "configCheckSeconds",
    "configChannel",
    "connectRetry",
    "highIntegrity",
    "keepAlive",
    "name",
    "preserveAsyncOrder",
    "protocol",
    "resolveDns",
    "setlib",
    "sslProtocols",
    "tiebreaker",
    "version",
    "writeBuffer",
];

/// Reads a `redis://` or `rediss://` URL, or `host:port,password=…,ssl=True`.
pub(super) fn redis(text: &str) -> Result<RedisAddress, &'static str> {
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match text.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => redis_url(text),
        _ => stack_exchange(text),
    }
}

/// Reads one or several `nats://` or `tls://` URLs.
pub(super) fn nats(text: &str) -> Result<NatsAddress, &'static str> {
    let url = parse(text, 4222)?;
    let tls = scheme(&url, "nats", "tls", "must begin with nats:// or tls://")?;
    if !url.path.is_empty() || !url.query.is_empty() {
        return Err("must end after the host and port");
    }
    // A login without a colon is a token.
    let (user, token) = match (&url.password, url.user) {
        (None, token) => (None, token.map(Secret::new)),
        (Some(_), user) => (user, None),
    };
    Ok(NatsAddress {
        addresses: url.addresses,
        tls,
        user,
        password: url.password,
        token,
    })
}

/// Reads an `amqp://` or `amqps://` URL; its path is the virtual host.
pub(super) fn amqp(text: &str) -> Result<AmqpAddress, &'static str> {
    const SCHEMES: &str = "must begin with amqp:// or amqps://";
    let default_port = if text.starts_with("amqps") {
        5671
    } else {
        5672
    };
    let url = parse(text, default_port)?;
    let tls = scheme(&url, "amqp", "amqps", SCHEMES)?;
    if !url.query.is_empty() {
        return Err("must not have a query");
    }
    let virtual_host = match url.path.as_str() {
        "" => "/".to_owned(),
        path => decode(path)?,
    };
    Ok(AmqpAddress {
        addresses: url.addresses,
        tls,
        user: url.user,
        password: url.password,
        virtual_host,
    })
}

fn redis_url(text: &str) -> Result<RedisAddress, &'static str> {
    let url = parse(text, 6379)?;
    let tls = scheme(
        &url,
        "redis",
        "rediss",
        "must begin with redis:// or rediss://",
    )?;
    if !url.query.is_empty() && !url.query.starts_with("protocol=") {
        return Err("must not have a query");
    }
    let database = match url.path.as_str() {
        "" => 0,
        number => number
            .parse()
            .map_err(|_| "must end with the number of a database, or with nothing")?,
    };
    Ok(RedisAddress {
        addresses: url.addresses,
        tls: Some(tls),
        user: url.user,
        password: url.password.filter(|password| !password.is_empty()),
        database,
        ..RedisAddress::default()
    })
}

fn stack_exchange(text: &str) -> Result<RedisAddress, &'static str> {
    const UNKNOWN: &str = "holds an unknown option; known are host:port, user=, password=, ssl=, defaultDatabase=, channelPrefix=, serviceName=, connectTimeout= and syncTimeout=";
    let mut found = RedisAddress::default();
    let mut servers = Vec::new();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let Some((name, value)) = part.split_once('=') else {
            servers.push(part);
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
        if is("password") {
            found.password = text().map(Secret::new);
        } else if is("user") {
            found.user = text();
        } else if is("channelPrefix") {
            found.channel_prefix = text();
        } else if is("ssl") {
            let flag = value.to_ascii_lowercase().parse();
            found.tls = Some(flag.map_err(|_| "must have ssl=True or ssl=False")?);
        } else if is("defaultDatabase") {
            let number = value.parse();
            found.database = number.map_err(|_| "must have a number after defaultDatabase=")?;
        } else if is("serviceName") {
            found.service = text();
        } else if is("connectTimeout") {
            found.connect_timeout = Some(milliseconds(value)?);
        } else if is("syncTimeout") || is("asyncTimeout") || is("responseTimeout") {
            found.response_timeout = Some(milliseconds(value)?);
        } else if is("sslHost") || is("proxy") || is("tunnel") {
            return Err("asks for a proxy or another TLS host name, which are not supported");
        } else if !TUNING.iter().any(|known| is(known)) {
            return Err(UNKNOWN);
        }
    }
    let default_port = match found.tls {
        _ if found.service.is_some() => 26_379,
        Some(true) => 6380,
        _ => 6379,
    };
    for server in servers {
        found.addresses.push(address(server, default_port)?);
    }
    if found.addresses.is_empty() {
        return Err("must name a host");
    }
    Ok(found)
}

fn milliseconds(text: &str) -> Result<Duration, &'static str> {
    let number = text.parse().ok();
    let number = number.filter(|number| (1..=600_000).contains(number));
    let wrong = "must have a time from 1 to 600000 milliseconds after Timeout=";
    number.map(Duration::from_millis).ok_or(wrong)
}

/// Whether the scheme is the one with TLS.
fn scheme(
    url: &ServerUrl,
    plain: &str,
    tls: &str,
    wrong: &'static str,
) -> Result<bool, &'static str> {
    match url.scheme.as_str() {
        scheme if scheme == tls => Ok(true),
        scheme if scheme == plain => Ok(false),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::{amqp, nats, redis};
    use crate::config::Secret;

    #[test]
    fn the_form_of_stack_exchange_is_read() {
        let text = "a.redis.cache.windows.net:6380,password=k3y+/=,ssl=True,abortConnect=False,channelPrefix=p";

        let found = redis(text).unwrap();

        assert_eq!(
            found.addresses[0].to_string(),
            "a.redis.cache.windows.net:6380"
        );
        assert_eq!(found.password, Some(Secret::new("k3y+/=")));
        assert_eq!(found.tls, Some(true));
        assert_eq!(found.channel_prefix.as_deref(), Some("p"));
    }

    #[test]
    fn the_port_of_stack_exchange_follows_its_tls() {
        assert_eq!(redis("a,ssl=true").unwrap().addresses[0].port, 6380);
        assert_eq!(redis("a,b:7").unwrap().addresses[0].port, 6379);
    }

    #[test]
    fn sentinels_and_times_of_stack_exchange_are_read() {
        let text = "a,b:7,serviceName=kitchen,connectTimeout=1500,syncTimeout=2500,user=u";
        let found = redis(text).unwrap();

        let addresses: Vec<_> = found.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["a:26379", "b:7"]);
        assert_eq!(found.service.as_deref(), Some("kitchen"));
        assert_eq!(found.user.as_deref(), Some("u"));
        assert_eq!(found.connect_timeout, Some(Duration::from_millis(1500)));
        assert_eq!(found.response_timeout, Some(Duration::from_millis(2500)));
        for wrong in [
            "a,connectTimeout=0",
            "a,syncTimeout=x",
            "a,asyncTimeout=600001",
        ] {
            assert!(redis(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_redis_url_is_read() {
        let found = redis("rediss://default:pw@host:7000/2").unwrap();

        assert_eq!(found.addresses[0].to_string(), "host:7000");
        assert_eq!((found.tls, found.database), (Some(true), 2));
        assert_eq!(found.user.as_deref(), Some("default"));
    }

    #[test]
    fn a_login_without_a_colon_is_a_nats_token() {
        assert_eq!(
            nats("nats://t0ken@a").unwrap().token,
            Some(Secret::new("t0ken"))
        );
        assert_eq!(nats("tls://u:p@a").unwrap().user.as_deref(), Some("u"));
    }

    #[test]
    fn the_path_of_amqp_is_the_virtual_host() {
        assert_eq!(amqp("amqp://a").unwrap().virtual_host, "/");
        assert_eq!(amqp("amqp://a/%2f").unwrap().virtual_host, "/");
        let found = amqp("amqps://a/mesa").unwrap();
        assert_eq!(
            (found.virtual_host.as_str(), found.addresses[0].port),
            ("mesa", 5671)
        );
    }

    #[test]
    fn an_error_shows_nothing_of_the_text() {
        for text in [
            "http://hunter2@a",
            "a,hunter2=b",
            "a,ssl=hunter2",
            "redis://a/hunter2",
            ",",
            "a,sslHost=hunter2",
        ] {
            let error = redis(text).unwrap_err();

            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
