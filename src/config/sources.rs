//! What a configuration is loaded from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::error::ConfigError;

/// Everything that [`load`](super::load) looks at. [`Sources::from_process`] gathers the real ones; a
/// test fills in what it needs.
///
/// `Debug` shows the names of variables and overrides, not their values.
#[derive(Clone, Default)]
pub struct Sources {
    /// The folder of the settings files; with `None` only the compiled-in defaults are there.
    pub dir: Option<PathBuf>,
    /// The folder of the secret files, if there is one.
    pub secrets_dir: Option<PathBuf>,
    /// The environment variables.
    pub environment: BTreeMap<String, String>,
    /// Keys and values from the command line, levels joined by `:` or `__`; a later one wins.
    pub overrides: Vec<(String, String)>,
    /// The environment's name from the command line. Otherwise it is `MESAHUB_ENVIRONMENT`, else
    /// `ASPNETCORE_ENVIRONMENT`, else `Production`.
    pub environment_name: Option<String>,
    /// The cloud provider's name from the command line. Otherwise it is `CLOUD_PROVIDER`, else none.
    pub cloud_provider: Option<String>,
}

/// What the command line may say about the configuration.
#[derive(Clone, Default)]
pub struct Flags {
    /// The folder of the settings files. Otherwise it is `MESAHUB_CONFIG_DIR`, else `config` below
    /// the working folder where that exists.
    pub config_dir: Option<PathBuf>,
    /// The folder of the secret files. Otherwise it is `MESAHUB_SECRETS_DIR`, else `/run/secrets`
    /// where that can be read.
    pub secrets_dir: Option<PathBuf>,
    /// As [`Sources::environment_name`].
    pub environment: Option<String>,
    /// As [`Sources::cloud_provider`].
    pub cloud_provider: Option<String>,
    /// As [`Sources::overrides`].
    pub overrides: Vec<(String, String)>,
}

impl Flags {
    /// Reads one `--set` of the form `Key:SubKey=value`. The value may be empty and may hold `=`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Override`] without `=` or without a key.
    pub fn parse_override(text: &str) -> Result<(String, String), ConfigError> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok((key.trim().to_owned(), value.to_owned()))
            }
            Some((key, _)) => Err(ConfigError::Override {
                text: key.to_owned(),
            }),
            None => Err(ConfigError::Override {
                text: text.to_owned(),
            }),
        }
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sources")
            .field("dir", &self.dir)
            .field("secrets_dir", &self.secrets_dir)
            .field("environment", &self.environment.keys())
            .field("overrides", &names(&self.overrides))
            .field("environment_name", &self.environment_name)
            .field("cloud_provider", &self.cloud_provider)
            .finish()
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Flags")
            .field("config_dir", &self.config_dir)
            .field("secrets_dir", &self.secrets_dir)
            .field("environment", &self.environment)
            .field("cloud_provider", &self.cloud_provider)
            .field("overrides", &names(&self.overrides))
            .finish()
    }
}

fn names(overrides: &[(String, String)]) -> Vec<&str> {
    overrides.iter().map(|(name, _)| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Flags, Sources};

    #[test]
    fn an_override_is_split_at_its_first_equals_sign() {
        assert_eq!(
            Flags::parse_override("A:B=c=d").unwrap(),
            ("A:B".to_owned(), "c=d".to_owned())
        );
        assert!(Flags::parse_override("A:B").is_err());
        assert!(Flags::parse_override("=c").is_err());
    }

    #[test]
    fn debug_shows_names_and_no_values() {
        let pair = ("NAME".to_owned(), "hunter2".to_owned());
        let sources = Sources {
            environment: [pair.clone()].into(),
            overrides: vec![pair],
            ..Sources::default()
        };

        let shown = format!("{sources:?}");

        assert!(
            shown.contains("NAME") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
