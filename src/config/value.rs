//! Brings a value to the type of its key.

use serde_json::Value;

use super::{key::Kind, suggestion::expectation};

/// The value in the type of its key, or what was expected.
///
/// Text is converted, from any place: variables and secret files hold nothing else, and a
/// `#{PORT}#` in a settings file must be text too. A list may be one text with commas.
pub(super) fn convert(kind: &Kind, value: Value) -> Result<Value, String> {
    match (kind, value) {
        (Kind::Text | Kind::Secret, Value::Null) => Ok(Value::String(String::new())),
        (Kind::Text | Kind::Secret, value @ Value::String(_))
        | (Kind::Flag, value @ Value::Bool(_)) => Ok(value),
        (Kind::Flag, Value::String(text)) if text.trim().eq_ignore_ascii_case("true") => {
            Ok(Value::Bool(true))
        }
        (Kind::Flag, Value::String(text)) if text.trim().eq_ignore_ascii_case("false") => {
            Ok(Value::Bool(false))
        }
        (Kind::Number { least, most, .. }, Value::Number(number)) => number
            .as_u64()
            .filter(|number| (least..=most).contains(&number))
            .map(Value::from)
            .ok_or_else(|| expected(kind)),
        (Kind::Number { least, most, .. }, Value::String(text)) => text
            .trim()
            .parse::<u64>()
            .ok()
            .filter(|number| (least..=most).contains(&number))
            .map(Value::from)
            .ok_or_else(|| expected(kind)),
        (Kind::Choice(names), Value::String(text)) => choose(names, text.trim()),
        (Kind::List(names), Value::Array(items)) => items
            .into_iter()
            .map(|item| convert(&item_kind(*names), item))
            .collect(),
        (Kind::Numbers { least, most, unit }, Value::Array(items)) => items
            .into_iter()
            .map(|item| convert(&number(*least, *most, unit), item))
            .collect(),
        (Kind::List(_) | Kind::Numbers { .. }, Value::String(text)) => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            convert(kind, items.map(Value::from).collect())
        }
        (kind, _) => Err(expected(kind)),
    }
}

/// A value in words, for an error.
pub(super) fn describe(value: &Value) -> String {
    const SHOWN: usize = 60;
    match value {
        Value::Null => "null".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a section".to_owned(),
        Value::String(text) if text.chars().count() > SHOWN => {
            let start: String = text.chars().take(SHOWN).collect();
            format!("{start:?}…")
        }
        value => value.to_string(),
    }
}

fn choose(names: &[&str], text: &str) -> Result<Value, String> {
    names
        .iter()
        .find(|name| name.eq_ignore_ascii_case(text))
        .map(|name| Value::from(*name))
        .ok_or_else(|| expectation(text, names))
}

fn number(least: u64, most: u64, unit: &'static str) -> Kind {
    Kind::Number { least, most, unit }
}

fn item_kind(names: Option<&'static [&'static str]>) -> Kind {
    names.map_or(Kind::Text, Kind::Choice)
}

fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Text | Kind::Secret => "a text".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Number { least, most, unit } => {
            format!("a whole number from {least} to {most} {unit}")
                .trim_end()
                .to_owned()
        }
        Kind::Choice(names) => expectation("", names),
        Kind::List(_) => "a list of texts".to_owned(),
        Kind::Numbers { least, most, unit } => {
            format!("a list of whole numbers from {least} to {most} {unit}")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Kind, convert, describe};

    const PORT: Kind = Kind::Number {
        least: 1,
        most: 65_535,
        unit: "",
    };

    #[test]
    fn text_becomes_the_type_of_its_key() {
        assert_eq!(convert(&PORT, json!(" 6380 ")), Ok(json!(6380)));
        assert_eq!(convert(&Kind::Flag, json!("True")), Ok(json!(true)));
        assert_eq!(
            convert(&Kind::Choice(&["Azure", "AWS"]), json!("aws")),
            Ok(json!("AWS"))
        );
        assert_eq!(
            convert(&Kind::List(None), json!("a, b,")),
            Ok(json!(["a", "b"]))
        );
        assert_eq!(convert(&Kind::List(None), json!("")), Ok(json!([])));
        let minutes = Kind::Numbers {
            least: 1,
            most: 60,
            unit: "minutes",
        };
        assert_eq!(convert(&minutes, json!("5, 1")), Ok(json!([5, 1])));
        assert_eq!(convert(&minutes, json!([5])), Ok(json!([5])));
        let refused = "a whole number from 1 to 60 minutes".to_owned();
        assert_eq!(convert(&minutes, json!([61])), Err(refused));
    }

    #[test]
    fn null_clears_a_text_and_nothing_else() {
        assert_eq!(convert(&Kind::Text, Value::Null), Ok(json!("")));
        assert!(convert(&PORT, Value::Null).is_err());
    }

    #[test]
    fn a_wrong_value_says_what_was_expected() {
        let expected = Err("a whole number from 1 to 65535".to_owned());

        for wrong in [
            json!(0),
            json!(65_536),
            json!(-1),
            json!(1.5),
            json!("x"),
            json!(""),
        ] {
            assert_eq!(convert(&PORT, wrong), expected);
        }
        assert_eq!(
            convert(&Kind::Choice(&["Azure", "AWS"]), json!("Azur")),
            Err("one of Azure, AWS; did you mean Azure?".to_owned())
        );
        assert_eq!(convert(&Kind::Text, json!(5)), Err("a text".to_owned()));
        assert_eq!(
            convert(&Kind::Flag, json!("yes")),
            Err("true or false".to_owned())
        );
    }

    #[test]
    fn a_long_text_is_cut_in_an_error() {
        assert!(describe(&json!("x".repeat(5000))).len() < 100);
    }
}
