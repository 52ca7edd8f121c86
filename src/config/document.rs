//! Reads one settings file.

use std::{fmt, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::{comments::strip, error::ConfigError, origin::Place};

/// A settings file as it is written: keys in order, duplicates kept.
#[derive(Debug, PartialEq)]
pub(super) enum Node {
    Section(Vec<(String, Self)>),
    Leaf(Value),
}

/// Reads a file. Comments, trailing commas and a byte order mark are allowed, as in ASP.NET Core.
pub(super) fn read(path: &Path) -> Result<Node, ConfigError> {
    let place = Place::File(path.to_owned());
    match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => parse(&text, &place),
            Err(_) => Err(ConfigError::NotUnicode { place }),
        },
        Err(source) => Err(ConfigError::Unreadable { place, source }),
    }
}

/// Reads a text that came from a place.
pub(super) fn parse(text: &str, place: &Place) -> Result<Node, ConfigError> {
    serde_json::from_str(&strip(text)).map_err(|source| ConfigError::Syntax {
        place: place.clone(),
        source,
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Section(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Value>()? {
            list.push(item);
        }
        Ok(Node::Leaf(list.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Leaf(text.into()))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Leaf(flag.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Leaf(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Leaf(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Node::Leaf(number.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::{Node, parse};
    use crate::config::Place;

    #[test]
    fn duplicates_and_order_survive() {
        let text = r#"{ "b": 1, "a": [true, null], "b": {} }"#;

        assert_eq!(
            parse(text, &Place::Defaults).unwrap(),
            Node::Section(vec![
                ("b".to_owned(), Node::Leaf(json!(1))),
                ("a".to_owned(), Node::Leaf(json!([true, null]))),
                ("b".to_owned(), Node::Section(vec![])),
            ])
        );
    }
}
