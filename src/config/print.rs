//! What `mesahub config check` and `mesahub config print` say.

use std::fmt::Write;

use serde_json::Value;

use super::{
    error::ConfigError,
    layers::Entry,
    load::{Loaded, load},
    secret::REDACTED,
    sources::Sources,
    tree::nest,
};

/// Loads the configuration and tells in a few lines what it amounts to.
///
/// # Errors
///
/// Those of [`load`].
pub fn check(sources: &Sources) -> Result<String, ConfigError> {
    let loaded = load(sources)?;
    let backplane = loaded.settings.backplane()?;
    let cloud = loaded.cloud_provider.as_deref().unwrap_or("none");
    let mut text = format!(
        "environment: {}\ncloud provider: {cloud}\n",
        loaded.environment
    );
    for file in &loaded.files {
        line(&mut text, "read", &file.display().to_string());
    }
    for (section, place) in &loaded.ignored {
        line(
            &mut text,
            "not ours, left alone",
            &format!("{section} in {place}"),
        );
    }
    line(&mut text, "backplane", &backplane.to_string());
    text.push_str("the configuration is good\n");
    Ok(text)
}

impl Loaded {
    /// The effective configuration as nested JSON, in the form of a settings file. Secrets that are
    /// set, and whatever came out of a secret file, are `"***"`.
    #[must_use]
    pub fn effective(&self) -> Value {
        nest(
            self.entries
                .iter()
                .map(|(path, entry)| (*path, shown(entry))),
        )
    }

    /// JSON of the same shape as [`effective`](Self::effective) that holds, in the place of each
    /// value, where it came from.
    #[must_use]
    pub fn sources(&self) -> Value {
        let origin = |entry: &Entry| Value::String(entry.origin.to_string());
        nest(
            self.entries
                .iter()
                .map(|(path, entry)| (*path, origin(entry))),
        )
    }
}

fn shown(entry: &Entry) -> Value {
    match &entry.value {
        Value::String(text) if text.is_empty() => Value::String(String::new()),
        _ if entry.is_secret() => Value::String(REDACTED.to_owned()),
        value => value.clone(),
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    writeln!(text, "{name}: {value}").expect("a String takes every write");
}
