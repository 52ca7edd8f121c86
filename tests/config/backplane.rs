//! Which settings give which address.

use mesahub::config::load;

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
        ("Amqp", &[("Amqp__Host", "g")], "amqp g:5672 without TLS"),
    ];
    for (provider, keys, address) in cases {
        let mut sources = development(&[("RealTimeConfiguration__Provider", provider)]);
        for (key, value) in *keys {
            let key = format!("RealTimeConfiguration__ProviderSpecific__{key}");
            sources.environment.insert(key, (*value).to_owned());
        }

        let loaded = load(&sources).unwrap();

        assert_eq!(loaded.settings.backplane().unwrap().to_string(), *address);
    }
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
