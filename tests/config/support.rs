//! Folders and sources for the tests, and short ways to what they look at.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mesahub::config::{Backplane, Loaded, RedisBackplane, Sources, load};

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const DEVELOPMENT: (&str, &str) = ("MESAHUB_ENVIRONMENT", "Development");

/// A folder of settings files and one of secret files, of one test alone.
pub(crate) struct Folders(pub(crate) PathBuf);

impl Folders {
    pub(crate) fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("mesahub-config")
            .join(test);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(folder.join("config")).unwrap();
        fs::create_dir_all(folder.join("secrets")).unwrap();
        Self(folder)
    }

    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.0.join("config").join(name), text).unwrap();
        self
    }

    pub(crate) fn secret(self, name: &str, text: &str) -> Self {
        fs::write(self.0.join("secrets").join(name), text).unwrap();
        self
    }

    pub(crate) fn sources(&self, environment: &[(&str, &str)]) -> Sources {
        Sources {
            dir: Some(self.0.join("config")),
            secrets_dir: Some(self.0.join("secrets")),
            ..sources(environment)
        }
    }
}

/// Variables and nothing else.
pub(crate) fn sources(environment: &[(&str, &str)]) -> Sources {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Sources {
        environment: environment.iter().map(own).collect(),
        ..Sources::default()
    }
}

/// Variables on a developer's machine.
pub(crate) fn development(environment: &[(&str, &str)]) -> Sources {
    Sources {
        environment_name: Some("Development".to_owned()),
        ..sources(environment)
    }
}

pub(crate) fn redis(loaded: &Loaded) -> RedisBackplane {
    match loaded.settings.backplane().unwrap() {
        Backplane::Redis(redis) => redis,
        other => panic!("not Redis: {other}"),
    }
}

/// The problems of sources that must be refused, as their texts.
pub(crate) fn problems(sources: &Sources) -> Vec<String> {
    let error = load(sources).unwrap_err();
    error.problems().iter().map(ToString::to_string).collect()
}

pub(crate) fn only_problem(sources: &Sources) -> String {
    let problems = problems(sources);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.into_iter().next().unwrap()
}

#[track_caller]
pub(crate) fn assert_contains(text: &str, part: &str) {
    assert!(text.contains(part), "expected {part:?} in:\n{text}");
}
