//! Files of the repository, and what is read from several of them.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// A path in the repository.
pub(crate) fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A file in YAML or JSON, as a type that knows every key that may stand in it.
#[track_caller]
pub(crate) fn parsed<T: DeserializeOwned>(path: &str) -> T {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a folder whose names end in one of these, as paths in the repository, sorted.
pub(crate) fn below(folder: &str, endings: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(at(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if at(&path).is_dir() {
            found.extend(below(&path, endings));
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// An empty folder of one test alone.
pub(crate) fn scratch(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("deploy")
        .join(test);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Seconds out of `40s`.
pub(crate) fn seconds(text: &str) -> u64 {
    let number = text
        .strip_suffix('s')
        .and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("{text} is no number of seconds"))
}
