//! What stops the start, and what it says.

use mesahub::auth::SigningAlgorithm;
use mesahub::config::{Sources, load};

use crate::{
    restaurant::AZURE,
    support::{
        DEVELOPMENT, Folders, KEY, assert_contains, development, only_problem, problems, sources,
    },
};

#[test]
fn an_unknown_key_fails_with_file_and_key_and_a_guess() {
    let folders = Folders::new("unknown-key").file(
        "appsettings.json",
        r#"{"RealTimeConfiguration": {"SignalR": {"KeepAliveIntervall": 15}}}"#,
    );

    let problem = only_problem(&folders.sources(&[DEVELOPMENT]));

    assert_contains(
        &problem,
        "config/appsettings.json: RealTimeConfiguration:SignalR:KeepAliveIntervall is not a known key",
    );
    assert_contains(&problem, "did you mean KeepAliveInterval?");
}

#[test]
fn a_section_fails_unless_it_is_ours_or_of_asp_net() {
    let folders = Folders::new("sections").file(
        "appsettings.json",
        r#"{
            "Logging": {"LogLevel": {"Default": "Information"}},
            "AllowedHosts": "*",
            "Mesahubb": {}
        }"#,
    );

    let problem = only_problem(&folders.sources(&[DEVELOPMENT]));

    assert_contains(&problem, "Mesahubb is not a known key");
    assert_contains(&problem, "did you mean Mesahub?");
}

#[test]
fn a_variable_in_our_sections_must_name_a_key() {
    let problem = only_problem(&development(&[
        ("Mesahub__Hub__Pat", "/x"),
        ("MESAHUB_PORT_5080_TCP", "tcp://10.0.0.1:5080"),
        ("Other__Thing", "1"),
    ]));

    assert_contains(&problem, "environment variable Mesahub__Hub__Pat: ");
    assert_contains(&problem, "did you mean Path?");
}

#[test]
fn a_secret_file_in_our_sections_must_name_a_key() {
    let folders = Folders::new("unknown-secret")
        .secret("Mesahub__Authentication__SigningKy", KEY)
        .secret("database_password", "of no concern")
        .secret(".hidden__file", "of no concern");

    let problem = only_problem(&folders.sources(&[DEVELOPMENT]));

    assert_contains(&problem, "secrets/Mesahub__Authentication__SigningKy: ");
    assert_contains(&problem, "did you mean SigningKey?");
}

#[test]
fn a_value_of_the_wrong_type_says_where_it_is_and_what_was_expected() {
    let folders = Folders::new("wrong-type").file(
        "appsettings.json",
        r#"{"RealTimeConfiguration": {
            "Redis": 5,
            "Provider": {},
            "SignalR": {"KeepAliveInterval": true}
        }}"#,
    );

    let problems = problems(&folders.sources(&[
        DEVELOPMENT,
        (
            "RealTimeConfiguration__ProviderSpecific__Local__Port",
            "70000",
        ),
    ]));

    let expected = [
        "RealTimeConfiguration:Redis is 5; expected a section with Wire, ChannelPrefix, HubTypeName, Deployment, ServiceName, AuthoritiesFile, ConnectTimeout, ResponseTimeout, MinBackoff, MaxBackoff",
        "RealTimeConfiguration:Provider is a section; expected a value",
        "RealTimeConfiguration:SignalR:KeepAliveInterval is true; expected a whole number from 1 to 3600 seconds",
        "RealTimeConfiguration:ProviderSpecific:Local:Port is \"70000\"; expected a whole number from 1 to 65535",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.ends_with(expected), "{problem}");
    }
    assert!(problems[0].contains("config/appsettings.json: "));
    assert!(problems[3].starts_with("environment variable RealTimeConfiguration__"));
}

#[test]
fn a_key_that_is_set_twice_in_one_place_fails() {
    let folders = Folders::new("twice").file(
        "appsettings.json",
        r#"{"Mesahub": {"Hub": {"Path": "/a", "path": "/b"}}}"#,
    );

    let problem = only_problem(&folders.sources(&[DEVELOPMENT]));

    assert_contains(&problem, "Mesahub:Hub:path is set twice; expected it once");
}

#[test]
fn a_file_that_is_not_json_says_where() {
    let folders = Folders::new("syntax").file("appsettings.json", "{\n  \"Mesahub\": {,}\n}");

    let text = load(&folders.sources(&[DEVELOPMENT]))
        .unwrap_err()
        .to_string();

    assert_contains(&text, "appsettings.json: is not valid JSON: ");
    assert_contains(&text, "line 2 column 15");
}

#[test]
fn a_placeholder_left_over_stops_the_start_with_its_key() {
    let folders = Folders::new("left-over")
        .file("appsettings.Azure.json", AZURE)
        .secret("AZURE_REDIS_NAME", "mesa");

    let problem = only_problem(&folders.sources(&[DEVELOPMENT, ("CLOUD_PROVIDER", "Azure")]));

    assert_contains(
        &problem,
        "appsettings.Azure.json: RealTimeConfiguration:ProviderSpecific:Azure:AccessKey holds #{AZURE_REDIS_KEY}#, which nothing fills",
    );
}

#[test]
fn a_wildcard_origin_is_refused_with_the_reason() {
    let problem = only_problem(&development(&[("Mesahub__Cors__AllowedOrigins__0", "*")]));

    assert_contains(
        &problem,
        r#"Mesahub:Cors:AllowedOrigins:0 is "*"; expected each origin by its full name"#,
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let error = load(&sources(&[
        ("Mesahub__Server__Address", "somewhere"),
        ("Mesahub__Hub__Path", "hubs"),
        ("Mesahub__Log__MaxAge", "0"),
        ("Mesahub__Server__Drain__Notice", "16"),
        ("Mesahub__Cluster__Lease", "1"),
        ("Mesahub__Nothing", "1"),
        ("RealTimeConfiguration__Provider", "Azure"),
        (
            "RealTimeConfiguration__SignalR__ClientTimeoutInterval",
            "20",
        ),
    ]))
    .unwrap_err();

    let text = error.to_string();
    for part in [
        "the configuration has 9 problems:\n  - ",
        "Mesahub:Server:Address is \"somewhere\"; expected an IP address and a port",
        "Drain:Notice is 16 s; expected at most half of Mesahub:Server:ShutdownTimeout, which is 30 s",
        "Mesahub:Hub:Path is \"hubs\"; expected a path such as /hubs/notifications",
        "Mesahub:Log:MaxAge is \"0\"; expected a whole number from 1 to 2592000 seconds",
        "Mesahub:Cluster:Lease is \"1\"; expected a whole number from 2 to 3600 seconds",
        "Mesahub:Nothing is not a known key",
        "Azure:ServiceName is empty; the chosen Provider needs it",
        "ClientTimeoutInterval is 20 s; expected at least twice KeepAliveInterval, which is 15 s",
        "Mesahub:Authentication:SigningKey is not set; expected at least 32 bytes for HS256 in the environment Production",
    ] {
        assert_contains(&text, part);
    }
}

#[test]
fn a_short_key_stops_the_start_outside_development_only() {
    let short = [
        ("Mesahub__Authentication__SigningKey", "short"),
        ("Mesahub__Authentication__Algorithms__0", "hs512"),
    ];

    let problem = only_problem(&sources(&short));
    let loaded = load(&development(&short)).unwrap();

    assert_contains(
        &problem,
        "is 5 bytes long; expected at least 64 bytes for HS512",
    );
    assert_eq!(
        loaded.settings.mesahub.authentication.algorithms,
        [SigningAlgorithm::Hs512]
    );
}

#[test]
fn a_folder_that_was_asked_for_must_exist() {
    let missing = Sources {
        dir: Some("no-such-config".into()),
        secrets_dir: Some("no-such-secrets".into()),
        ..development(&[])
    };

    assert_eq!(
        problems(&missing),
        [
            "no-such-config: cannot be read",
            "secret file no-such-secrets: cannot be read"
        ]
    );
}

#[test]
fn an_unknown_cloud_needs_a_file_of_its_own() {
    let folders = Folders::new("clouds").file("appsettings.Hetzner.json", "{}");
    let with = |cloud| folders.sources(&[DEVELOPMENT, ("CLOUD_PROVIDER", cloud)]);

    assert_eq!(load(&with("hetzner")).unwrap().files.len(), 1);
    assert_contains(&only_problem(&with("Azuer")), "did you mean Azure?");
    assert_contains(&only_problem(&with("../x")), "CLOUD_PROVIDER \"../x\"");
}

#[test]
fn a_trusted_proxy_must_be_a_network() {
    let problem = only_problem(&development(&[(
        "Mesahub__Server__TrustedProxies",
        "10.0.0.0/8, 10.0.0.0/33",
    )]));

    assert_contains(&problem, "Mesahub:Server:TrustedProxies:1");
    assert_contains(&problem, "a network such as 10.0.0.0/8");
}

#[test]
fn a_limit_must_be_a_number_of_its_range() {
    let problem = only_problem(&development(&[(
        "Mesahub__Limits__Calls__Algorithm",
        "SlidingWindow",
    )]));
    assert_contains(&problem, "FixedWindow, TokenBucket");
    let problem = only_problem(&development(&[("Mesahub__Limits__Publishes__Burst", "0")]));
    assert_contains(&problem, "a whole number from 1 to 10000000 notifications");
}
