//! What wins over what.

use std::path::Path;

use mesahub::config::{ConfigError, Environment, Flags, Place, Sources, check, load};

use crate::support::{
    DEVELOPMENT, Folders, KEY, assert_contains, development, only_problem, sources,
};

#[test]
fn every_layer_wins_over_the_ones_before_it() {
    const BATCH: &str = "RealTimeConfiguration:Notifications:BatchSize";
    let batch = |size: usize| {
        format!(r#"{{"realtimeCONFIGURATION": {{"notifications": {{"batchsize": {size}}}}}}}"#)
    };
    let read = |sources: &Sources| {
        let loaded = load(sources).unwrap();
        let origin = loaded.origin(BATCH).unwrap().to_string();
        (loaded.settings.real_time.notifications.batch_size, origin)
    };
    let mut folders = Folders::new("layers");
    let mut environment = vec![DEVELOPMENT, ("CLOUD_PROVIDER", "GCP")];

    assert_eq!(
        read(&folders.sources(&environment)),
        (100, "built-in default".to_owned())
    );
    for (size, name) in [
        (2, "appsettings.json"),
        (3, "appsettings.Development.json"),
        (4, "appsettings.GCP.json"),
    ] {
        folders = folders.file(name, &batch(size));
        let (found, origin) = read(&folders.sources(&environment));
        assert_eq!(found, size);
        assert!(origin.ends_with(name), "{origin}");
    }

    folders = folders.secret("RealTimeConfiguration__Notifications__BatchSize", "5\n");
    let (found, origin) = read(&folders.sources(&environment));
    assert_eq!(found, 5);
    assert!(origin.starts_with("secret file "), "{origin}");

    environment.push(("REALTIMECONFIGURATION__NOTIFICATIONS__BATCHSIZE", "6"));
    assert_eq!(
        read(&folders.sources(&environment)),
        (
            6,
            "environment variable REALTIMECONFIGURATION__NOTIFICATIONS__BATCHSIZE".to_owned()
        )
    );

    let mut with_flags = folders.sources(&environment);
    with_flags.overrides = vec![
        (BATCH.to_owned(), "7".to_owned()),
        (BATCH.to_lowercase().replace(':', "__"), "8".to_owned()),
    ];
    assert_eq!(read(&with_flags), (8, "command line".to_owned()));
}

#[test]
fn a_placeholder_may_fill_a_number_or_a_list() {
    let folders = Folders::new("typed-placeholder").file(
        "appsettings.json",
        r##"{"Mesahub": {
            "Log": {"MaxCount": "#{COUNT}#"},
            "Cors": {"AllowedOrigins": "#{ORIGINS}#"}
        }}"##,
    );

    let loaded = load(&folders.sources(&[
        DEVELOPMENT,
        ("COUNT", "12"),
        ("ORIGINS", "https://a.example, https://b.example"),
    ]))
    .unwrap();

    assert_eq!(loaded.settings.mesahub.log.max_count, 12);
    let origins = &loaded.settings.mesahub.cors.allowed_origins;
    assert_eq!(origins[1].as_str(), "https://b.example");
    let origin = loaded.origin("mesahub:log:maxcount").unwrap();
    assert_eq!(
        origin.filled,
        [("COUNT".to_owned(), Place::Variable("COUNT".to_owned()))]
    );
}

#[test]
fn the_items_of_a_list_make_up_a_new_list() {
    let folders = Folders::new("list").file(
        "appsettings.json",
        r#"{"Mesahub": {"Cors": {"AllowedOrigins": ["https://a.example", "https://b.example"]}}}"#,
    );
    let with = |name: &str| folders.sources(&[DEVELOPMENT, (name, "https://c.example")]);

    let loaded = load(&with("Mesahub__Cors__AllowedOrigins__0")).unwrap();

    let origins = &loaded.settings.mesahub.cors.allowed_origins;
    assert_eq!(origins.len(), 1);
    assert_eq!(origins[0].as_str(), "https://c.example");
    assert_contains(
        &only_problem(&with("Mesahub__Cors__AllowedOrigins__1")),
        "numbered from 0 without a gap",
    );
}

#[test]
fn overrides_may_number_the_items_of_a_list() {
    let mut sources = development(&[]);
    sources.overrides = ["0=https://a.example", "1=https://b.example"]
        .map(|item| Flags::parse_override(&format!("Mesahub:Cors:AllowedOrigins:{item}")).unwrap())
        .into();

    let loaded = load(&sources).unwrap();

    assert_eq!(loaded.settings.mesahub.cors.allowed_origins.len(), 2);
}

#[test]
fn the_environment_comes_from_the_flag_then_ours_then_asp_nets() {
    let mut sources = sources(&[
        ("MESAHUB_ENVIRONMENT", "Staging"),
        ("ASPNETCORE_ENVIRONMENT", "Development"),
        ("Mesahub__Authentication__SigningKey", KEY),
    ]);
    assert_eq!(load(&sources).unwrap().environment, Environment::Staging);

    sources.environment_name = Some("QA".to_owned());
    assert_eq!(load(&sources).unwrap().environment.name(), "QA");

    sources.environment_name = Some("../etc".to_owned());
    assert!(matches!(
        load(&sources).unwrap_err().problems(),
        [ConfigError::EnvironmentName { .. }]
    ));
}

#[test]
fn every_shipped_file_loads_in_its_place() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let fill = [
        ("REDIS_CONNECTION_STRING", "redis.internal,password=pw"),
        ("AZURE_REDIS_NAME", "mesa"),
        ("AZURE_REDIS_KEY", "key"),
        ("AWS_ELASTICACHE_CLUSTER", "mesa"),
        ("AWS_REGION", "us-east-1"),
        ("GCP_REDIS_INSTANCE", "mesa"),
        ("GCP_REGION", "us-central1"),
        ("UPSTASH_REDIS_URL", "mesa.upstash.io:6379"),
        ("UPSTASH_REDIS_REST_TOKEN", "token"),
        ("Mesahub__Authentication__SigningKey", KEY),
    ];
    for environment in ["Development", "Staging", "Production"] {
        for cloud in ["Local", "OnPrem", "Azure", "AWS", "GCP", "Upstash"] {
            let loaded = load(&Sources {
                dir: Some(shipped.clone()),
                environment_name: Some(environment.to_owned()),
                cloud_provider: Some(cloud.to_owned()),
                ..sources(&fill)
            })
            .unwrap();

            assert_eq!(loaded.files.len(), 3, "{environment} on {cloud}");
            let backplane = loaded.settings.backplane().unwrap();
            assert_eq!(backplane.feature(), "redis", "{environment} on {cloud}");
        }
    }
}

#[test]
fn the_effective_configuration_is_itself_a_settings_file() {
    let first = load(&development(&[("Mesahub__Log__MaxCount", "9")])).unwrap();
    let folders =
        Folders::new("round-trip").file("appsettings.json", &first.effective().to_string());

    let second = load(&folders.sources(&[DEVELOPMENT])).unwrap();

    assert_eq!(second.settings, first.settings);
    assert_eq!(second.settings.mesahub.log.max_count, 9);
}

#[test]
fn a_check_tells_what_was_read_and_what_was_left_alone() {
    let folders = Folders::new("check").file("appsettings.json", r#"{"AllowedHosts": "*"}"#);

    let text = check(&folders.sources(&[DEVELOPMENT])).unwrap();

    assert!(
        text.starts_with("environment: Development\ncloud provider: none\nread: "),
        "{text}"
    );
    assert_contains(&text, "not ours, left alone: AllowedHosts in ");
    assert_contains(&text, "backplane: memory\n");
}

#[test]
fn flags_choose_the_folders_and_the_process_gives_its_variables() {
    let folders = Folders::new("flags").file(
        "appsettings.json",
        r#"{"Mesahub": {"Hub": {"Path": "/from-the-flag"}}}"#,
    );

    let mut sources = Sources::from_process(Flags {
        config_dir: Some(folders.0.join("config")),
        secrets_dir: Some(folders.0.join("secrets")),
        environment: Some("Development".to_owned()),
        ..Flags::default()
    })
    .unwrap();

    assert!(sources.environment.contains_key("CARGO_MANIFEST_DIR"));
    sources.environment.clear();
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.settings.mesahub.hub.path.as_str(), "/from-the-flag");
}
