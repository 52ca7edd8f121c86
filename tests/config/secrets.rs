//! What must never be seen.

#[cfg(unix)]
use std::os::unix::fs::symlink;

use mesahub::config::{check, load};
use serde_json::json;

use crate::support::{DEVELOPMENT, Folders, assert_contains, redis};

#[test]
fn no_secret_is_ever_shown() {
    let folders = Folders::new("redacted")
        .secret(
            "Mesahub__Authentication__SigningKey",
            "hunter2-hunter2-hunter2-hunter2-",
        )
        .secret("PREFIX", "mesa-prefix");
    let sources = folders.sources(&[
        ("RealTimeConfiguration__Provider", "Redis"),
        (
            "RealTimeConfiguration__ConnectionString",
            "redis://:hunter2@host",
        ),
        ("RealTimeConfiguration__Redis__ChannelPrefix", "#{PREFIX}#"),
    ]);

    let loaded = load(&sources).unwrap();

    let effective = loaded.effective();
    let real_time = &effective["RealTimeConfiguration"];
    let authentication = &effective["Mesahub"]["Authentication"];
    assert_eq!(authentication["SigningKey"], "***");
    assert_eq!(authentication["Algorithms"], json!(["HS256"]));
    assert_eq!(real_time["ConnectionString"], "***");
    assert_eq!(real_time["Redis"]["ChannelPrefix"], "***");
    assert_eq!(real_time["ProviderSpecific"]["Azure"]["AccessKey"], "");
    assert_eq!(redis(&loaded).channel_prefix, "mesa-prefix");
    let origins = loaded.sources();
    assert_contains(
        &origins["Mesahub"]["Authentication"]["SigningKey"].to_string(),
        "secret file ",
    );
    let backplane = loaded.settings.backplane().unwrap();
    let summary = check(&sources).unwrap();
    let shown = format!("{effective}{origins}{summary}{loaded:?}{backplane:?}{sources:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn no_error_shows_a_secret() {
    let folders = Folders::new("redacted-errors")
        .secret("Mesahub__Log__MaxAge", "hunter2")
        .secret("Mesahub__Hub__Path", "hunter2")
        .secret("Mesahub__Authentication__SigningKey", "hunter2");
    let sources = folders.sources(&[
        ("RealTimeConfiguration__Provider", "Redis"),
        ("RealTimeConfiguration__ConnectionString", "http://hunter2"),
        ("RealTimeConfiguration__ProviderSpecific", "hunter2"),
    ]);

    let error = load(&sources).unwrap_err();

    assert_eq!(error.problems().len(), 5, "{error}");
    let shown = format!("{error}{error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[cfg(unix)]
#[test]
fn secrets_that_kubernetes_mounts_as_links_are_read() {
    let folders = Folders::new("kubernetes");
    let secrets = folders.0.join("secrets");
    let version = secrets.join("..2026_11_23");
    std::fs::create_dir(&version).unwrap();
    std::fs::write(version.join("Mesahub__Log__MaxCount"), "33\n").unwrap();
    symlink("..2026_11_23", secrets.join("..data")).unwrap();
    symlink(
        "..data/Mesahub__Log__MaxCount",
        secrets.join("Mesahub__Log__MaxCount"),
    )
    .unwrap();

    let loaded = load(&folders.sources(&[DEVELOPMENT])).unwrap();

    assert_eq!(loaded.settings.mesahub.log.max_count, 33);
}
