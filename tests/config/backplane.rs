//! Which settings give which address.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use mesahub::config::{Backplane, Loaded, RedisBackplane, Sources, load};

use crate::support::{assert_contains, development, only_problem, redis};

#[test]
fn a_connection_string_wins_over_the_provider_specific_address() {
    let loaded = load(&development(&[
        ("RealTimeConfiguration__Provider", "Azure"),
        (
            "RealTimeConfiguration__ConnectionString",
            "other:6390,password=pw,ssl=True,abortConnect=False",
        ),
    ]))
    .unwrap();

    assert_eq!(
        redis(&loaded).urls()[0].reveal(),
        "rediss://:pw@other:6390/0"
    );
}

/// A provider, its keys below `ProviderSpecific`, and the address they give.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn every_provider_has_its_address() {
    let cases: &[Case] = &[
        ("memory", &[], "memory"),
        ("Redis", &[("Local__Host", "r")], "redis r:6379 without TLS"),
        (
            "Azure",
            &[("Azure__ServiceName", "a"), ("Azure__AccessKey", "k")],
            "redis a.redis.cache.windows.net:6380 with TLS",
        ),
        (
            "aws",
            &[("AWS__CacheClusterId", "b.cache.amazonaws.com")],
            "redis b.cache.amazonaws.com:6379 with TLS",
        ),
        (
            "GCP",
            &[("GCP__InstanceId", "c"), ("GCP__Region", "eu")],
            "redis c.redis.eu.gcp.cloud:6379 without TLS",
        ),
        (
            "Upstash",
            &[
                ("Upstash__RedisUrl", "d.example"),
                ("Upstash__RestToken", "t"),
            ],
            "redis d.example:6379 with TLS",
        ),
        (
            "Upstash",
            &[
                ("Upstash__RestUrl", "https://e.upstash.io"),
                ("Upstash__RestToken", "t"),
            ],
            "redis e.upstash.io:6379 with TLS",
        ),
        (
            "Upstash",
            &[("Upstash__RedisUrl", "redis://default:pw@f.upstash.io:7000")],
            "redis f.upstash.io:7000 with TLS",
        ),
        (
            "Nats",
            &[("Nats__Ssl", "true")],
            "nats localhost:4222 with TLS",
        ),
        (
            "Nats",
            &[("Nats__Addresses", "n1, n2:4223, [::1]")],
            "nats n1:4222, n2:4223, [::1]:4222 without TLS",
        ),
        ("Amqp", &[("Amqp__Host", "g")], "amqp g:5672 without TLS"),
        (
            "Amqp",
            &[("Amqp__Host", "h, i:5673,[::1]"), ("Amqp__Ssl", "true")],
            "amqp h:5672, i:5673, [::1]:5672 with TLS",
        ),
    ];
    for (provider, keys, address) in cases {
        let loaded = load(&chosen(provider, keys)).unwrap();

        assert_eq!(loaded.settings.backplane().unwrap().to_string(), *address);
    }
}

#[test]
fn every_provider_of_redis_has_its_tls_and_its_login() {
    let cases: &[Case] = &[
        ("Redis", &[("Local__Host", "r")], "redis://r:6379/0"),
        (
            "Local",
            &[("Local__Port", "7000"), ("Local__Ssl", "true")],
            "rediss://localhost:7000/0",
        ),
        (
            "Azure",
            &[("Azure__ServiceName", "a"), ("Azure__AccessKey", "k=")],
            "rediss://:k%3D@a.redis.cache.windows.net:6380/0",
        ),
        (
            "AWS",
            &[("AWS__CacheClusterId", "b")],
            "rediss://b.cache.amazonaws.com:6379/0",
        ),
        (
            "GCP",
            &[("GCP__InstanceId", "c"), ("GCP__Region", "eu")],
            "redis://c.redis.eu.gcp.cloud:6379/0",
        ),
        (
            "Upstash",
            &[
                ("Upstash__RestUrl", "https://e.upstash.io"),
                ("Upstash__RestToken", "t"),
            ],
            "rediss://:t@e.upstash.io:6379/0",
        ),
        (
            "Upstash",
            &[("Upstash__RedisUrl", "redis://default:pw@f.upstash.io:7000")],
            "rediss://default:pw@f.upstash.io:7000/0",
        ),
    ];
    for (provider, keys, url) in cases {
        let loaded = load(&chosen(provider, keys)).unwrap();

        assert_eq!(redis(&loaded).urls()[0].reveal(), *url);
    }
}

/// A provider with its keys below `ProviderSpecific`.
fn chosen(provider: &str, keys: &[(&str, &str)]) -> Sources {
    let mut sources = development(&[("RealTimeConfiguration__Provider", provider)]);
    for (key, value) in keys {
        let key = format!("RealTimeConfiguration__ProviderSpecific__{key}");
        sources.environment.insert(key, (*value).to_owned());
    }
    sources
}

#[test]
fn an_address_that_misses_a_part_names_the_key() {
    for (provider, key) in [
        ("Azure", "Azure:ServiceName"),
        ("AWS", "AWS:CacheClusterId"),
        ("GCP", "GCP:InstanceId"),
        ("Upstash", "Upstash:RedisUrl"),
    ] {
        let problem = only_problem(&development(&[(
            "RealTimeConfiguration__Provider",
            provider,
        )]));

        assert_contains(&problem, &format!("ProviderSpecific:{key} is empty"));
    }
}

#[test]
fn the_servers_of_redis_follow_from_what_is_named_or_from_the_deployment() {
    let cases = [
        ("a,ssl=true", "Auto", "", "redis a:6380 with TLS"),
        (
            "a,b",
            "Auto",
            "",
            "redis cluster a:6379, b:6379 without TLS",
        ),
        (
            "redis://a,b:7",
            "Auto",
            "",
            "redis cluster a:6379, b:7 without TLS",
        ),
        ("a", "Cluster", "", "redis cluster a:6379 without TLS"),
        (
            "a,b,serviceName=kitchen",
            "auto",
            "",
            "redis sentinel a:26379, b:26379 without TLS",
        ),
        (
            "a:1",
            "Sentinel",
            "kitchen",
            "redis sentinel a:1 without TLS",
        ),
    ];
    for (address, deployment, service, expected) in cases {
        let loaded = load(&on_redis(&[
            ("ConnectionString", address),
            ("Redis__Deployment", deployment),
            ("Redis__ServiceName", service),
        ]))
        .unwrap();

        assert_eq!(redis_of(&loaded).to_string(), expected);
    }
}

#[test]
fn what_a_connection_string_says_wins_over_the_keys_for_redis() {
    let keys = [
        ("Redis__ChannelPrefix", "key"),
        ("Redis__ConnectTimeout", "1000"),
        ("Redis__ResponseTimeout", "2000"),
        ("Redis__MinBackoff", "10"),
        ("Redis__MaxBackoff", "20"),
        ("Redis__AuthoritiesFile", "ca.pem"),
    ];
    let with = |address| {
        let keys = [&keys[..], &[("ConnectionString", address)]].concat();
        redis(&load(&on_redis(&keys)).unwrap())
    };

    let own = with("a,ssl=true");
    let milliseconds = |redis: &RedisBackplane| {
        let times = [
            redis.connect_timeout,
            redis.response_timeout,
            redis.min_backoff,
            redis.max_backoff,
        ];
        times.map(|time| time.as_millis())
    };
    assert_eq!(milliseconds(&own), [1000, 2000, 10, 20]);
    assert_eq!(own.channel_prefix, "key");
    assert_eq!(own.authorities_file.as_deref(), Some(Path::new("ca.pem")));

    let theirs =
        with("a,ssl=true,connectTimeout=3000,syncTimeout=4000,channelPrefix=p,user=u,password=w");
    assert_eq!(milliseconds(&theirs), [3000, 4000, 10, 20]);
    assert_eq!(theirs.channel_prefix, "p");
    assert_eq!(theirs.urls()[0].reveal(), "rediss://u:w@a:6380/0");
}

#[test]
fn what_does_not_fit_a_redis_names_the_key() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("Redis__Deployment", "Sentinel")],
            "Redis:ServiceName is empty",
        ),
        (
            &[
                ("Redis__ServiceName", "k"),
                ("Redis__Deployment", "Cluster"),
            ],
            "Redis:ServiceName is set, here or in the connection string, while Deployment is Cluster",
        ),
        (
            &[("ConnectionString", "a,b"), ("Redis__Deployment", "Single")],
            "Redis:Deployment is Single while several servers are named",
        ),
        (
            &[("ConnectionString", "a,b,defaultDatabase=2")],
            "ConnectionString names a database",
        ),
        (
            &[("ConnectionString", "a,b,channelPrefix={x}")],
            "Redis:ChannelPrefix holds a brace",
        ),
        (
            &[("Redis__AuthoritiesFile", "ca.pem")],
            "Redis:AuthoritiesFile is set while TLS is off",
        ),
        (
            &[("Redis__MinBackoff", "2000")],
            "Redis:MaxBackoff is shorter than MinBackoff",
        ),
        (
            &[("ConnectionString", "a,connectTimeout=x")],
            "ConnectionString must have a time",
        ),
    ];
    for (keys, problem) in cases {
        assert_contains(&only_problem(&on_redis(keys)), problem);
    }
}

/// Redis, with these keys below `RealTimeConfiguration`.
fn on_redis(keys: &[(&str, &str)]) -> Sources {
    let mut sources = development(&[("RealTimeConfiguration__Provider", "Redis")]);
    for (key, value) in keys {
        let key = format!("RealTimeConfiguration__{key}");
        sources.environment.insert(key, (*value).to_owned());
    }
    sources
}

fn redis_of(loaded: &Loaded) -> Backplane {
    Backplane::Redis(redis(loaded))
}

#[test]
fn an_unknown_provider_lists_the_choices() {
    let problem = only_problem(&development(&[
        ("RealTimeConfiguration__Provider", "Kafka"),
        ("RealTimeConfiguration__ConnectionString", "redis://host"),
    ]));

    assert_contains(
        &problem,
        "expected one of Memory, Redis, Local, Azure, AWS, GCP, Upstash, Nats, Amqp",
    );
}

#[test]
fn a_connection_string_for_nats_keeps_what_it_does_not_speak_of() {
    let loaded = load(&development(&[
        ("RealTimeConfiguration__Provider", "Nats"),
        (
            "RealTimeConfiguration__ConnectionString",
            "tls://a,tls://b:1",
        ),
        (
            "RealTimeConfiguration__ProviderSpecific__Nats__NkeySeed",
            "SUA",
        ),
        (
            "RealTimeConfiguration__ProviderSpecific__Nats__Replicas",
            "3",
        ),
    ]))
    .unwrap();

    let backplane = loaded.settings.backplane().unwrap();
    assert_eq!(backplane.to_string(), "nats a:4222, b:1 with TLS");
    let Backplane::Nats(nats) = backplane else {
        panic!("{backplane} is not NATS");
    };
    assert_eq!(nats.nkey_seed.unwrap().reveal(), "SUA");
    assert_eq!(nats.replicas, 3);
    assert!(nats.jet_stream);
}

#[test]
fn what_does_not_fit_together_for_nats_names_the_key() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("User", "u"), ("Token", "t")],
            "Token is set beside another login",
        ),
        (
            &[("NkeySeed", "SUA"), ("CredentialsFile", "c")],
            "CredentialsFile is set beside another login",
        ),
        (&[("Password", "p")], "Password is set without User"),
        (
            &[("CertificateAuthority", "ca.pem")],
            "CertificateAuthority is set while TLS is off",
        ),
        (
            &[("SubjectPrefix", "a.b")],
            "SubjectPrefix is no prefix of subjects",
        ),
        (
            &[("Addresses", "a:0")],
            "Addresses must have a port from 1 to 65535",
        ),
    ];
    for (keys, expected) in cases {
        let mut sources = development(&[("RealTimeConfiguration__Provider", "Nats")]);
        for (key, value) in *keys {
            let key = format!("RealTimeConfiguration__ProviderSpecific__Nats__{key}");
            sources.environment.insert(key, (*value).to_owned());
        }

        assert_contains(&only_problem(&sources), expected);
    }
}

#[test]
fn rabbitmq_is_used_as_configured_whatever_gives_its_address() {
    for connection in ["", "amqps://u:p@a/kitchen"] {
        let loaded = load(&development(&[
            ("RealTimeConfiguration__Provider", "Amqp"),
            ("RealTimeConfiguration__ConnectionString", connection),
            ("RealTimeConfiguration__ProviderSpecific__Amqp__Ssl", "true"),
            (
                "RealTimeConfiguration__ProviderSpecific__Amqp__Prefix",
                "mesa",
            ),
            (
                "RealTimeConfiguration__ProviderSpecific__Amqp__AuthoritiesFile",
                "/ca.pem",
            ),
            (
                "RealTimeConfiguration__ProviderSpecific__Amqp__Heartbeat",
                "3",
            ),
        ]))
        .unwrap();

        let Backplane::Amqp(amqp) = loaded.settings.backplane().unwrap() else {
            panic!("the provider is Amqp");
        };
        assert_eq!(amqp.prefix, "mesa");
        assert_eq!(amqp.authorities_file, Some(PathBuf::from("/ca.pem")));
        assert_eq!(amqp.heartbeat, Duration::from_secs(3));
    }
}

#[test]
fn what_does_not_fit_a_rabbitmq_names_the_key() {
    let long = "x".repeat(101);
    for (key, value, problem) in [
        ("Prefix", "", "has 0 bytes; expected 1 to 100"),
        ("Prefix", &long, "has 101 bytes; expected 1 to 100"),
        (
            "AuthoritiesFile",
            "/ca.pem",
            "is set while the address is without TLS",
        ),
        ("Host", "a,b c", "must name a host"),
        ("Host", "a,", "must name a host"),
        ("VirtualHost", " ", "is empty"),
    ] {
        let name = format!("RealTimeConfiguration__ProviderSpecific__Amqp__{key}");
        let problem_found = only_problem(&development(&[
            ("RealTimeConfiguration__Provider", "Amqp"),
            (&name, value),
        ]));

        assert_contains(&problem_found, &format!("Amqp:{key} {problem}"));
    }
}
