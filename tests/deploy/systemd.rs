//! The unit, held against the program and examined by systemd.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::settings::{Given, port, shutdown_timeout};
use crate::tree::{scratch, text};

const UNIT: &str = "deploy/systemd/mesahub.service";

/// What the unit says, by name; a name may stand there several times.
fn said(name: &str) -> Vec<String> {
    let unit = text(UNIT);
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(found, _)| *found == name)
        .map(|(_, said)| said.to_owned())
        .collect()
}

fn only(name: &str) -> String {
    let mut said = said(name);
    assert_eq!(said.len(), 1, "{name}: {said:?}");
    said.remove(0)
}

/// Has systemd look at the unit with the program of this build in the place of the installed one.
fn systemd_analyze(test: &str, words: &[&str]) -> Output {
    let unit: PathBuf = scratch(test).join("mesahub.service");
    let here = text(UNIT).replace("/usr/bin/mesahub", env!("CARGO_BIN_EXE_mesahub"));
    fs::write(&unit, here).unwrap();
    Command::new("systemd-analyze")
        .args(words)
        .arg(unit)
        .output()
        .expect("systemd-analyze runs: apt-get install systemd, or MESAHUB_TEST_SKIP=systemd")
}

#[test]
fn systemd_understands_every_line() {
    let output = systemd_analyze("systemd-verify", &["verify", "--man=no"]);
    let told = String::from_utf8_lossy(&output.stderr);
    let about: Vec<&str> = told.lines().filter(|it| it.contains("mesahub")).collect();
    assert!(output.status.success() && about.is_empty(), "{told}");
}

#[test]
fn systemd_finds_little_that_the_sandbox_leaves_open() {
    let words = ["security", "--offline=true", "--threshold=15", "--no-pager"];
    let output = systemd_analyze("systemd-security", &words);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
}

#[test]
fn the_unit_gives_the_program_settings_that_are_good() {
    let variables: BTreeMap<String, String> = said("Environment")
        .iter()
        .map(|pair| pair.split_once('=').expect("NAME=value"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    // %d is where the credentials are.
    assert_eq!(variables["MESAHUB_SECRETS_DIR"], "%d");
    let mut given = Given {
        variables,
        ..Given::default()
    };
    for credential in said("LoadCredential") {
        let (name, path) = credential.split_once(':').expect("a name and a file");
        assert!(path.starts_with("/etc/mesahub/secrets/"), "{path}");
        given = given.secret(name);
    }
    let loaded = given.loaded("systemd");
    assert_eq!(loaded.settings.mesahub.server.address.port(), port());
    let journal = &loaded.settings.real_time.notifications.journal;
    assert!(journal.enabled && journal.path.is_relative());
    assert_eq!(
        only("WorkingDirectory"),
        format!("%S/{}", only("StateDirectory"))
    );
}

#[test]
fn the_unit_lets_the_program_drain_and_starts_it_again() {
    let patience: u64 = only("TimeoutStopSec").parse().unwrap();
    assert!(patience > shutdown_timeout());
    assert_eq!(only("Restart"), "always");
    assert_eq!(only("KillSignal"), "SIGTERM");
    assert_eq!(only("ExecStart"), "/usr/bin/mesahub serve");
    assert!(only("LimitNOFILE").parse::<u64>().unwrap() >= 65_536);
}
