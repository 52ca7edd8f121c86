//! The page, out of sections and defaults.

use serde_json::Value;

use super::source::{Field, Sources};
use crate::error::TaskError;

/// The struct that holds everything.
const TOP: &str = "Settings";

const HEAD: &str = "\
# Configuration

Every key with its default and its bounds. `cargo xtask docs` writes this page from the settings
themselves; do not edit it.

Values come from these places; what comes later wins, key by key:

1. the defaults below, which are `config/appsettings.json` as it was when the program was compiled;
2. `appsettings.json` in the folder of `--config-dir` or `MESAHUB_CONFIG_DIR`, else in `config`;
3. `appsettings.{Environment}.json`, where `--environment`, `MESAHUB_ENVIRONMENT` or
   `ASPNETCORE_ENVIRONMENT` names the environment, `Production` by default;
4. `appsettings.{CloudProvider}.json`, where `--cloud-provider` or `CLOUD_PROVIDER` names it;
5. secret files in the folder of `--secrets-dir` or `MESAHUB_SECRETS_DIR`, else in `/run/secrets`,
   each named after its key: `Mesahub__Authentication__SigningKey`;
6. environment variables of the same names: `Mesahub__Server__Address`; items of lists have
   numbers, `Mesahub__Cors__AllowedOrigins__0`;
7. `--set Mesahub:Server:Address=127.0.0.1:5080`, as often as wanted.

Keys match without case. A key that is not known, a wrong type and a value out of its bounds stop the
start, with the place and what was expected. `#{NAME}#` inside a value is replaced by the environment
variable or the secret file of that name. `mesahub config check` looks at all of it without a server;
`mesahub config print` shows what is in force, and with `--sources` where it comes from.
";

/// Writes the page. Every key of the defaults must be documented, and the other way round.
pub(super) fn page(sources: &Sources, defaults: &Value) -> Result<String, TaskError> {
    let mut text = HEAD.to_owned();
    section(sources, TOP, "", "", defaults, &mut text)?;
    Ok(text)
}

/// A section with its keys, then the sections in it.
fn section(
    sources: &Sources,
    name: &str,
    path: &str,
    docs: &str,
    defaults: &Value,
    text: &mut String,
) -> Result<(), TaskError> {
    let fields = sources.structs.get(name).map_or(&[][..], Vec::as_slice);
    let known = defaults.as_object().map_or(0, serde_json::Map::len);
    if known != fields.len() {
        return Err(TaskError::Unexpected(format!(
            "`{path}` has {known} keys in config/appsettings.json and {} in `{name}`",
            fields.len()
        )));
    }
    let (inner, keys): (Vec<&Field>, Vec<&Field>) = fields
        .iter()
        .partition(|field| sources.structs.contains_key(&field.kind));
    if !keys.is_empty() {
        *text += &format!("\n## `{path}`\n\n{docs}\n\n| key | default | |\n| --- | --- | --- |\n");
    }
    for field in keys {
        *text += &row(sources, field, default(defaults, path, field)?);
    }
    for field in inner {
        let path = match path {
            "" => field.key.clone(),
            path => format!("{path}:{}", field.key),
        };
        let inside = default(defaults, &path, field)?;
        section(sources, &field.kind, &path, &field.docs, inside, text)?;
    }
    Ok(())
}

fn default<'a>(defaults: &'a Value, path: &str, field: &Field) -> Result<&'a Value, TaskError> {
    defaults.get(&field.key).ok_or_else(|| {
        let key = &field.key;
        TaskError::Unexpected(format!(
            "config/appsettings.json has no `{key}` at `{path}`"
        ))
    })
}

fn row(sources: &Sources, field: &Field, default: &Value) -> String {
    let mut said = field.docs.clone();
    let kind = field.kind.trim_start_matches("Vec<").trim_end_matches('>');
    for (name, docs) in sources.choices.get(kind).into_iter().flatten() {
        said += &format!("<br>`{name}`");
        if !docs.is_empty() {
            said += &format!(": {docs}");
        }
    }
    if field.kind == "Secret" {
        said += " A secret: it is never shown.";
    }
    let default = match default {
        Value::String(text) if text.is_empty() => String::new(),
        value => format!("`{value}`"),
    };
    let said = said.replace('|', "\\|");
    format!("| `{}` | {default} | {said} |\n", field.key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sources() -> Sources {
        let mut sources = Sources::default();
        sources.read(
            "pub struct Settings {\n    /// The hub.\n    pub hub: HubSettings,\n}\n\
             pub struct HubSettings {\n    /// Its key.\n    pub signing_key: Secret,\n    \
             /// Its colour.\n    pub colour: Colour,\n}\n\
             choice! {\n    Colour {\n        /// Warm.\n        Red = \"Red\",\n    }\n}\n",
        );
        sources
    }

    #[test]
    fn a_key_stands_with_its_default_and_what_may_be_chosen() {
        let defaults = json!({"Hub": {"SigningKey": "", "Colour": "Red"}});
        let text = page(&sources(), &defaults).unwrap();
        for line in [
            "## `Hub`\n\nThe hub.\n",
            "| `SigningKey` |  | Its key. A secret: it is never shown. |\n",
            "| `Colour` | `\"Red\"` | Its colour.<br>`Red`: Warm. |\n",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn a_key_that_only_one_side_knows_is_refused() {
        for defaults in [
            json!({"Hub": {"SigningKey": ""}}),
            json!({"Hub": {"SigningKey": "", "Color": "Red"}}),
        ] {
            assert!(page(&sources(), &defaults).is_err());
        }
    }
}
