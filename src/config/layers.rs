//! Lays one source over another, key by key.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::{
    document::Node,
    error::ConfigError,
    key::{Key, Match, find, is_ours, names_below},
    keys::FOREIGN,
    origin::{Origin, Place},
    placeholder::{Unfilled, fill, is_present},
    secret::REDACTED,
    suggestion::expectation,
    value::{convert, describe},
};

/// One value and where it came from.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: &'static Key,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// The values so far, and everything that was wrong with the sources.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) entries: BTreeMap<&'static str, Entry>,
    /// Top-level sections that belong to someone else.
    pub(super) ignored: Vec<(String, Place)>,
    pub(super) problems: Vec<ConfigError>,
}

/// One source, before it is laid over the others.
#[derive(Default)]
struct Layer {
    set: BTreeMap<&'static str, Entry>,
    items: BTreeMap<(&'static str, usize), Entry>,
}

impl Layers {
    /// Lays a settings file on top.
    pub(super) fn add_document(&mut self, document: Node, place: &Place) {
        let mut layer = Layer::default();
        let sections = match document {
            Node::Section(sections) => sections,
            Node::Leaf(value) => {
                return self.wrong(
                    "the whole file",
                    &value,
                    "a section in braces",
                    place,
                    false,
                );
            }
        };
        for (name, node) in sections {
            if is_ours(&name) {
                self.walk(&mut layer, &name, node, place);
            } else if FOREIGN
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&name))
            {
                self.ignored.push((name, place.clone()));
            } else {
                let expected = expectation(&name, &names_below(""));
                self.unknown(
                    &name,
                    format!("{expected} (or a section known from ASP.NET Core)"),
                    place,
                );
            }
        }
        self.add(layer);
    }

    /// Lays texts on top: name, levels joined by `:`, value, and the place of each.
    pub(super) fn add_texts(&mut self, texts: impl IntoIterator<Item = (String, String, Place)>) {
        let mut layer = Layer::default();
        for (path, text, place) in texts {
            self.set(&mut layer, &path, &Value::String(text), &place);
        }
        self.add(layer);
    }

    /// Fills every placeholder that is still there.
    pub(super) fn fill(
        &mut self,
        mut lookup: impl FnMut(&str) -> Result<Option<(String, Place)>, ConfigError>,
    ) {
        for entry in self.entries.values_mut() {
            if !has_placeholder(&entry.value) {
                continue;
            }
            let texts = match &mut entry.value {
                Value::Array(items) => items.iter_mut().collect(),
                single => vec![single],
            };
            let mut failed = None;
            for text in texts {
                let Value::String(text) = text else { continue };
                match fill(text, &mut lookup, &mut entry.origin.filled) {
                    Ok(filled) => *text = filled,
                    Err(unfilled) => failed = failed.or(Some(unfilled)),
                }
            }
            let problem = match failed {
                None => entry.convert().err(),
                Some(Unfilled::Place(error)) => Some(error),
                Some(Unfilled::Name(name)) => Some(ConfigError::Unfilled {
                    origin: Box::new(entry.origin.clone()),
                    key: entry.key.path.to_owned(),
                    name,
                }),
            };
            self.problems.extend(problem);
        }
    }

    fn walk(&mut self, layer: &mut Layer, path: &str, node: Node, place: &Place) {
        let entries = match (node, find(path)) {
            (Node::Leaf(value), _) => return self.set(layer, path, &value, place),
            (Node::Section(entries), Match::Section(_)) => entries,
            (Node::Section(_), Match::Unknown { part, names }) => {
                return self.unknown(path, expectation(&part, &names), place);
            }
            (Node::Section(_), Match::Key(_) | Match::Item(..)) => {
                let section = Value::Object(serde_json::Map::new());
                return self.wrong(path, &section, "a value", place, false);
            }
        };
        for (name, node) in entries {
            self.walk(layer, &format!("{path}:{name}"), node, place);
        }
    }

    fn set(&mut self, layer: &mut Layer, path: &str, value: &Value, place: &Place) {
        let entry = |key| Entry {
            key,
            value: value.clone(),
            origin: place.clone().into(),
        };
        let before = match find(path) {
            Match::Key(key) => layer.set.insert(key.path, entry(key)),
            Match::Item(key, index) => layer.items.insert((key.path, index), entry(key)),
            Match::Section(names) => {
                let expected = format!("a section with {}", names.join(", "));
                let may_be_secret = value.is_string();
                return self.wrong(path, value, &expected, place, may_be_secret);
            }
            Match::Unknown { part, names } => {
                return self.unknown(path, expectation(&part, &names), place);
            }
        };
        if before.is_some() {
            self.problems.push(ConfigError::DuplicateKey {
                origin: Box::new(place.clone().into()),
                key: path.to_owned(),
            });
        }
    }

    /// Lays a whole source on top. Items of a list make up a new list.
    fn add(&mut self, mut layer: Layer) {
        for ((path, index), item) in std::mem::take(&mut layer.items) {
            let list = layer.set.entry(path).or_insert_with(|| Entry {
                value: Value::Array(Vec::new()),
                ..item.clone()
            });
            match &mut list.value {
                Value::Array(items) if items.len() == index => items.push(item.value),
                _ => self.wrong(
                    &format!("{path}:{index}"),
                    &item.value,
                    "the items of a list numbered from 0 without a gap, and no other value beside them",
                    &item.origin.place,
                    false,
                ),
            }
        }
        for (path, mut entry) in layer.set {
            if !has_placeholder(&entry.value)
                && let Err(error) = entry.convert()
            {
                self.problems.push(error);
                continue;
            }
            self.entries.insert(path, entry);
        }
    }

    fn unknown(&mut self, key: &str, expected: String, place: &Place) {
        self.problems.push(ConfigError::UnknownKey {
            origin: Box::new(place.clone().into()),
            key: key.to_owned(),
            expected,
        });
    }

    fn wrong(&mut self, key: &str, found: &Value, expected: &str, place: &Place, hide: bool) {
        let origin = Origin::from(place.clone());
        let found = if hide || origin.is_secret() {
            HIDDEN.to_owned()
        } else {
            describe(found)
        };
        self.problems.push(ConfigError::WrongValue {
            origin: Box::new(origin),
            key: key.to_owned(),
            found,
            expected: expected.to_owned(),
        });
    }
}

const HIDDEN: &str = "a value that is not shown";

impl Entry {
    /// Whether the value must not be seen.
    pub(super) fn is_secret(&self) -> bool {
        self.key.is_secret() || self.origin.is_secret()
    }

    /// Brings the value to the type of its key.
    fn convert(&mut self) -> Result<(), ConfigError> {
        let value = self.value.take();
        match convert(&self.key.kind, value.clone()) {
            Ok(value) => {
                self.value = value;
                Ok(())
            }
            Err(expected) => Err(self.wrong(self.key.path.to_owned(), &value, expected)),
        }
    }

    /// A problem with the value, or with the part of it that was found.
    pub(super) fn wrong(&self, key: String, found: &Value, expected: String) -> ConfigError {
        let found = if self.is_secret() {
            HIDDEN.to_owned()
        } else {
            describe(found)
        };
        ConfigError::WrongValue {
            origin: Box::new(self.origin.clone()),
            key,
            found,
            expected,
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.is_secret() {
            REDACTED.to_owned()
        } else {
            self.value.to_string()
        };
        write!(out, "{value} ({})", self.origin)
    }
}

fn has_placeholder(value: &Value) -> bool {
    match value {
        Value::String(text) => is_present(text),
        Value::Array(items) => items.iter().any(has_placeholder),
        _ => false,
    }
}
