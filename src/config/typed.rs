//! From JSON values to the types of the settings.

use std::collections::BTreeMap;

use serde_path_to_error::Segment;

use super::{error::ConfigError, layers::Entry, settings::Settings, tree::nest};

/// The settings; a value that does not fit its type is reported and left at its default.
pub(super) fn settings(
    entries: &BTreeMap<&'static str, Entry>,
    problems: &mut Vec<ConfigError>,
) -> Settings {
    let mut good: BTreeMap<_, _> = entries
        .iter()
        .map(|(path, entry)| (*path, entry))
        .filter(|(path, _)| !problems.iter().any(|problem| problem.key() == Some(path)))
        .collect();
    loop {
        let leaves = good
            .iter()
            .map(|(path, entry)| (*path, entry.value.clone()));
        let error = match serde_path_to_error::deserialize(nest(leaves)) {
            Ok(settings) => return settings,
            Err(error) => error,
        };
        let mut names = Vec::new();
        let mut item = None;
        for segment in error.path() {
            match segment {
                Segment::Map { key } => names.push(key.as_str()),
                Segment::Seq { index } => item = Some(*index),
                _ => {}
            }
        }
        let name = names.join(":");
        let entry = good
            .remove(name.as_str())
            .expect("keys.rs and the settings agree, as a test proves");
        let (key, found) = match item {
            Some(index) => (format!("{}:{index}", entry.key.path), &entry.value[index]),
            None => (entry.key.path.to_owned(), &entry.value),
        };
        problems.push(entry.wrong(key, found, error.inner().to_string()));
    }
}
