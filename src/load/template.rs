//! Filling in the placeholders of arguments and bodies.

use serde_json::Value;
use uuid::Uuid;

/// A copy of a value with the placeholders in its texts filled in.
pub(super) fn filled(value: &Value, channel: &str, message: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text_filled(text, channel, message)),
        Value::Array(items) => {
            let items = items.iter().map(|item| filled(item, channel, message));
            Value::Array(items.collect())
        }
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, &Value)| (name.clone(), filled(value, channel, message));
            Value::Object(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

fn text_filled(text: &str, channel: &str, message: &str) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    let mut text = text.replace("{channel}", channel);
    while text.contains("{uuid}") {
        text = text.replacen("{uuid}", &Uuid::new_v4().to_string(), 1);
    }
    // Last, so that nothing in the message is taken for a placeholder.
    text.replace("{message}", message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::filled;

    #[test]
    fn texts_are_filled_wherever_they_stand_and_nothing_else_is_changed() {
        let value = json!({"to": "{channel}", "all": [1, "<{message}>", {"x": null}]});
        assert_eq!(
            filled(&value, "a", "{uuid}"),
            json!({"to": "a", "all": [1, "<{uuid}>", {"x": null}]})
        );
    }

    #[test]
    fn every_guid_is_a_new_one() {
        let value = filled(&json!("{uuid} {uuid}"), "", "");
        let (first, second) = value.as_str().unwrap().split_once(' ').unwrap();
        assert_eq!(first.len(), 36);
        assert_ne!(first, second);
    }
}
