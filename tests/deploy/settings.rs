//! Settings as a deployment gives them: variables and secret files, over the files in `config/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use mesahub::config::{Loaded, Sources, load};
use serde_json::Value;

use crate::tree::{at, below, scratch, text};

/// Stands for a secret; long enough to sign with.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The folders whose texts may name settings.
const FOLDERS: [&str; 2] = ["deploy", "docs"];

/// What a deployment hands to the program.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) variables: BTreeMap<String, String>,
    /// The names of the files in the folder of secrets.
    pub(crate) secrets: BTreeSet<String>,
}

impl Given {
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn secret(mut self, name: &str) -> Self {
        self.secrets.insert(name.to_owned());
        self
    }

    /// Loads it as the program does. It must be good.
    #[track_caller]
    pub(crate) fn loaded(&self, test: &str) -> Loaded {
        // Without secrets there is no folder, and several tests may look at the same settings.
        let folder = (!self.secrets.is_empty()).then(|| scratch(test));
        for (name, folder) in self.secrets.iter().zip(folder.iter().cycle()) {
            let value = match name.as_str() {
                "RealTimeConfiguration__ConnectionString" => "redis://redis.example.com:6379",
                _ => SECRET,
            };
            fs::write(folder.join(name), value).unwrap();
        }
        let sources = Sources {
            dir: Some(at("config")),
            secrets_dir: folder,
            environment: self.variables.clone(),
            cloud_provider: self.variables.get("CLOUD_PROVIDER").cloned(),
            ..Sources::default()
        };
        load(&sources).unwrap_or_else(|error| panic!("{test}: {error}"))
    }
}

/// The defaults.
pub(crate) fn defaults() -> Loaded {
    Given::default()
        .variable("MESAHUB_ENVIRONMENT", "Development")
        .loaded("defaults")
}

/// How long the program may take to end, in seconds, unless it is told otherwise.
pub(crate) fn shutdown_timeout() -> u64 {
    let settings = defaults().settings;
    settings.mesahub.server.shutdown_timeout.as_secs()
}

/// The port that it listens on.
pub(crate) fn port() -> u16 {
    defaults().settings.mesahub.server.address.port()
}

/// Every key, its levels joined by `:`.
fn keys() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    leaves("", &defaults().effective(), &mut found);
    found
}

fn leaves(path: &str, value: &Value, found: &mut BTreeSet<String>) {
    let Value::Object(section) = value else {
        found.insert(path.trim_start_matches(':').to_owned());
        return;
    };
    for (name, value) in section {
        leaves(&format!("{path}:{name}"), value, found);
    }
}

/// Words that are made of letters, digits, `_` and `:`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && !"_:".contains(letter))
}

#[test]
fn every_variable_and_secret_file_that_is_named_sets_a_known_key() {
    let keys = keys();
    let mut count = 0;
    for file in FOLDERS.iter().flat_map(|folder| below(folder, &[""])) {
        let text = text(&file);
        for word in words(&text) {
            let word = word.trim_matches(':');
            let is_ours = ["Mesahub__", "RealTimeConfiguration__"]
                .iter()
                .any(|section| word.starts_with(section));
            if !is_ours {
                continue;
            }
            count += 1;
            let path = word.replace("__", ":");
            let path =
                path.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == ':');
            assert!(keys.contains(path), "{file}: {word} is no key");
        }
    }
    assert!(count > 20, "only {count} were found");
}

#[test]
fn every_key_that_is_spoken_of_is_a_key_or_a_part_of_one() {
    let keys = keys();
    let is_level = |level: &str| {
        level.starts_with(|letter: char| letter.is_ascii_uppercase())
            && level.chars().all(|letter| letter.is_ascii_alphanumeric())
    };
    let mut count = 0;
    let documents = FOLDERS.iter().flat_map(|folder| below(folder, &[".md"]));
    for file in documents.chain(["README.md".to_owned()]) {
        let text = text(&file);
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.split('=').next().unwrap_or(quoted);
            if !path.contains(':') || !path.split(':').all(is_level) {
                continue;
            }
            count += 1;
            let part = format!(":{path}:");
            let is_known = keys.iter().any(|key| format!(":{key}:").contains(&part));
            assert!(is_known, "{file}: `{path}` is no key");
        }
    }
    assert!(count > 20, "only {count} were found");
}
