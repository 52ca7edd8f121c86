//! From a flat list of keys to nested sections.

use serde_json::{Map, Value};

/// Builds nested sections out of keys whose levels are joined by `:`.
pub(super) fn nest<'a>(leaves: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let mut root = Map::new();
    for (path, value) in leaves {
        put(&mut root, path, value);
    }
    Value::Object(root)
}

fn put(section: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((name, rest)) = path.split_once(':') else {
        section.insert(path.to_owned(), value);
        return;
    };
    let below = section
        .entry(name)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(below) = below {
        put(below, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::nest;

    #[test]
    fn keys_of_one_section_meet_in_it() {
        assert_eq!(
            nest([("a:b:c", json!(1)), ("a:b:d", json!(2)), ("e", json!(3))]),
            json!({"a": {"b": {"c": 1, "d": 2}}, "e": 3})
        );
    }
}
