//! What the sources of the configuration say: sections, their keys, and the names to choose from.

use std::collections::BTreeMap;

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Structs by name: their fields in order.
    pub(super) structs: BTreeMap<String, Vec<Field>>,
    /// Choices by name: the names to choose from, with what each means.
    pub(super) choices: BTreeMap<String, Vec<(String, String)>>,
}

/// A field of a struct of settings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name in settings files.
    pub(super) key: String,
    /// Its type, as it is written.
    pub(super) kind: String,
    /// What is said of it.
    pub(super) docs: String,
}

/// Where the reader is.
enum Place {
    Outside,
    Struct(String),
    Choices,
    Choice(String),
}

impl Sources {
    /// Reads a source file, formatted as rustfmt does, up to its tests.
    pub(super) fn read(&mut self, text: &str) {
        let mut place = Place::Outside;
        let (mut docs, mut rename) = (Vec::new(), None);
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if line == "#[cfg(test)]" {
                return;
            }
            if let Some(text) = line.strip_prefix("///") {
                docs.push(text.trim());
                continue;
            }
            if line.starts_with("#[") {
                let mut attribute = line.to_owned();
                while !attribute.ends_with(']') {
                    let Some(more) = lines.next() else { return };
                    attribute.push_str(more);
                }
                rename = quoted_after(&attribute, "rename = ").or(rename);
                continue;
            }
            let said = plain(&std::mem::take(&mut docs).join(" "));
            let rename = rename.take();
            place = match place {
                Place::Outside => match line.strip_prefix("pub struct ") {
                    Some(name) if name.ends_with(" {") => {
                        let name = name.trim_end_matches(" {").to_owned();
                        self.structs.insert(name.clone(), Vec::new());
                        Place::Struct(name)
                    }
                    _ if line == "choice! {" => Place::Choices,
                    _ => Place::Outside,
                },
                Place::Struct(_) | Place::Choices if line == "}" => Place::Outside,
                Place::Choice(_) if line == "}" => Place::Choices,
                Place::Struct(name) => {
                    if let Some((field, kind)) = line
                        .strip_prefix("pub ")
                        .and_then(|line| line.strip_suffix(',')?.split_once(": "))
                    {
                        let fields = self.structs.entry(name.clone()).or_default();
                        fields.push(Field {
                            key: rename.unwrap_or_else(|| pascal(field)),
                            kind: kind.to_owned(),
                            docs: said,
                        });
                    }
                    Place::Struct(name)
                }
                Place::Choices => match line.strip_suffix(" {") {
                    Some(name) => Place::Choice(name.to_owned()),
                    None => Place::Choices,
                },
                Place::Choice(name) => {
                    if let Some(text) = quoted_after(line, "= ") {
                        let names = self.choices.entry(name.clone()).or_default();
                        names.push((text, said));
                    }
                    Place::Choice(name)
                }
            };
        }
    }
}

/// What stands in quotes behind a mark.
fn quoted_after(line: &str, mark: &str) -> Option<String> {
    let (_, rest) = line.split_once(mark)?;
    let (text, _) = rest.strip_prefix('"')?.split_once('"')?;
    Some(text.to_owned())
}

/// `keep_alive_interval` as `KeepAliveInterval`.
fn pascal(name: &str) -> String {
    let mut text = String::new();
    for word in name.split('_') {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

/// Documentation without the links of rustdoc: what they lead to has the name that it has in
/// settings files.
fn plain(docs: &str) -> String {
    let mut text = String::new();
    let mut rest = docs;
    while let Some((before, after)) = rest.split_once("[`") {
        text.push_str(before);
        let Some((name, tail)) = after.split_once("`]") else {
            return text + "[`" + after;
        };
        let (target, tail) = match tail.strip_prefix('(').and_then(|it| it.split_once(')')) {
            Some((target, tail)) => (target, tail),
            None => (name, tail),
        };
        let last = target.rsplit("::").next().unwrap_or(target);
        text.push_str(&format!("`{}`", pascal(last)));
        rest = tail;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
/// A section.
#[derive(Debug)]
#[serde(
    rename_all = "PascalCase",
    default
)]
pub struct RedSettings {
    /// How long it may be silent,
    /// at least twice [`keep_alive`](Self::keep_alive).
    #[serde(deserialize_with = "seconds")]
    pub client_timeout: Duration,
    /// A name.
    #[serde(rename = "AWS")]
    pub aws: AwsSettings,
}

choice! {
    /// A colour.
    Colour {
        /// Warm.
        Red = "Red",
        Blue = "Blue",
    }
}

#[cfg(test)]
mod tests {
    pub struct Other {
        pub one: u8,
    }
}
"#;

    #[test]
    fn fields_come_with_their_keys_and_their_docs() {
        let mut sources = Sources::default();
        sources.read(TEXT);
        let field = |key: &str, kind: &str, docs: &str| Field {
            key: key.to_owned(),
            kind: kind.to_owned(),
            docs: docs.to_owned(),
        };
        let timeout = "How long it may be silent, at least twice `KeepAlive`.";
        assert_eq!(
            sources.structs["RedSettings"],
            [
                field("ClientTimeout", "Duration", timeout),
                field("AWS", "AwsSettings", "A name."),
            ]
        );
        assert_eq!(sources.structs.len(), 1);
    }

    #[test]
    fn choices_come_with_their_names() {
        let mut sources = Sources::default();
        sources.read(TEXT);
        let name = |name: &str, docs: &str| (name.to_owned(), docs.to_owned());
        assert_eq!(
            sources.choices["Colour"],
            [name("Red", "Warm."), name("Blue", "")]
        );
    }
}
