//! The two liberties that settings files of ASP.NET Core take with JSON.

/// Blanks out comments (`//`, `/* */`), trailing commas and a byte order mark, so that what is left
/// is JSON with every character at its old line and column.
pub(super) fn strip(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut out = String::with_capacity(text.len());
    // The place of a comma with nothing but space after it, and whether a value stands before here.
    let (mut comma, mut after_value) = (None, false);
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '"' => {
                (comma, after_value) = (None, true);
                out.push('"');
                copy_string(&mut rest, &mut out);
            }
            '/' if rest.peek() == Some(&'/') => {
                out.push(' ');
                while let Some(letter) = rest.next_if(|letter| *letter != '\n') {
                    blank(letter, &mut out);
                }
            }
            '/' if rest.peek() == Some(&'*') => {
                rest.next();
                out.push_str("  ");
                let mut last = ' ';
                for letter in rest.by_ref() {
                    blank(letter, &mut out);
                    if last == '*' && letter == '/' {
                        break;
                    }
                    last = letter;
                }
            }
            '}' | ']' => {
                if let Some(at) = comma.take() {
                    out.replace_range(at..=at, " ");
                }
                after_value = true;
                out.push(letter);
            }
            ',' => {
                comma = after_value.then_some(out.len());
                after_value = false;
                out.push(',');
            }
            letter if letter.is_whitespace() => out.push(letter),
            letter => {
                (comma, after_value) = (None, !matches!(letter, '{' | '[' | ':'));
                out.push(letter);
            }
        }
    }
    out
}

fn copy_string(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let mut escaped = false;
    for letter in rest.by_ref() {
        out.push(letter);
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return,
            _ => {}
        }
    }
}

fn blank(letter: char, out: &mut String) {
    out.push(if letter == '\n' { '\n' } else { ' ' });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::strip;

    fn read(text: &str) -> Value {
        serde_json::from_str(&strip(text)).unwrap()
    }

    #[test]
    fn comments_and_trailing_commas_are_allowed() {
        let text = "\u{feff}// head\n{\n  \"a\": [1, 2, /* three */ ], // tail\n  \"b\": {},\n}\n";

        assert_eq!(read(text), json!({"a": [1, 2], "b": {}}));
    }

    #[test]
    fn text_that_looks_like_a_comment_is_left_alone() {
        let text = r#"{"url": "https://a/*b*/,}", "quote": "\"//" }"#;

        assert_eq!(
            read(text),
            json!({"url": "https://a/*b*/,}", "quote": "\"//"})
        );
    }

    #[test]
    fn positions_stay_where_they_were() {
        let error =
            serde_json::from_str::<Value>(&strip("/* a\n b */ {\n  \"x\": y }")).unwrap_err();

        assert_eq!((error.line(), error.column()), (3, 8));
    }

    #[test]
    fn a_star_opens_a_comment_and_does_not_close_it_too() {
        assert_eq!(read("/*/ [9] */ [1]"), json!([1]));
    }

    #[test]
    fn a_comma_without_a_value_before_it_is_not_forgiven() {
        for text in ["[1,,2]", "[1,,]", "[,]", "{,}", "{\"a\":,}"] {
            assert!(
                serde_json::from_str::<Value>(&strip(text)).is_err(),
                "{text}"
            );
        }
    }
}
