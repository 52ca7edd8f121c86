//! `#{NAME}#` inside a value.

use super::{error::ConfigError, origin::Place};

/// The first `#{NAME}#` of a text: what stands before it, its name, and what stands after it.
/// An opening without a closing is ordinary text.
fn first(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("#{")?;
    let (name, after) = rest.split_once("}#")?;
    Some((before, name.trim(), after))
}

/// Whether a text holds a placeholder.
pub(super) fn is_present(text: &str) -> bool {
    first(text).is_some()
}

/// Why a text could not be filled.
#[derive(Debug)]
pub(super) enum Unfilled {
    /// Nothing has this name, or what has it is itself an unfilled placeholder.
    Name(String),
    /// The place that has it cannot be read.
    Place(ConfigError),
}

/// Replaces every placeholder by what `lookup` knows under its name, and notes where that came from.
/// What is put in is not searched again.
pub(super) fn fill(
    text: &str,
    mut lookup: impl FnMut(&str) -> Result<Option<(String, Place)>, ConfigError>,
    filled: &mut Vec<(String, Place)>,
) -> Result<String, Unfilled> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = first(rest) {
        let (value, place) = lookup(name)
            .map_err(Unfilled::Place)?
            .filter(|(value, _)| !is_present(value))
            .ok_or_else(|| Unfilled::Name(name.to_owned()))?;
        out.push_str(before);
        out.push_str(&value);
        filled.push((name.to_owned(), place));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Unfilled, fill};
    use crate::config::{ConfigError, Place};

    fn lookup(name: &str) -> Result<Option<(String, Place)>, ConfigError> {
        let value = match name {
            "NAME" => "mesa",
            "NUMBER" => "7",
            "LOOP" => "#{LOOP}#",
            _ => return Ok(None),
        };
        Ok(Some((value.to_owned(), Place::Variable(name.to_owned()))))
    }

    #[test]
    fn every_placeholder_of_a_text_is_filled() {
        let mut filled = Vec::new();

        let text = fill("a-#{NAME}#-#{ NUMBER }#-#{b", lookup, &mut filled).unwrap();

        assert_eq!(text, "a-mesa-7-#{b");
        assert_eq!(filled[1].0, "NUMBER");
    }

    #[test]
    fn a_name_that_nothing_fills_is_given_back() {
        for (text, missing) in [("#{X}#", "X"), ("#{}#", ""), ("#{NAME}##{LOOP}#", "LOOP")] {
            let error = fill(text, lookup, &mut Vec::new()).unwrap_err();

            assert!(
                matches!(error, Unfilled::Name(name) if name == missing),
                "{text}"
            );
        }
    }
}
