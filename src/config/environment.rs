//! Which environment a node runs in.

use std::{fmt, str::FromStr};

use super::error::ConfigError;

/// The environment a node runs in. It chooses `appsettings.{Environment}.json` and how strict the
/// checks are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine: a signing key may be missing, the server makes its own.
    Development,
    /// A rehearsal of production, with the same checks.
    Staging,
    /// The default.
    Production,
    /// Any other name of 1 to 64 letters, digits, `-` or `_`; checked like production.
    Other(Box<str>),
}

impl Environment {
    /// The name as it stands in file names.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Development => "Development",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Other(name) => name,
        }
    }

    /// Whether this is a developer's machine.
    #[must_use]
    pub fn is_development(&self) -> bool {
        *self == Self::Development
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Environment {
    type Err = ConfigError;

    /// The three known names match without case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = [Self::Development, Self::Staging, Self::Production];
        if let Some(known) = known
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
        {
            return Ok(known);
        }
        if is_plain_name(name) {
            return Ok(Self::Other(name.into()));
        }
        Err(ConfigError::EnvironmentName {
            name: name.to_owned(),
        })
    }
}

/// Whether a name is safe as a part of a file name.
pub(super) fn is_plain_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Environment;

    #[test]
    fn known_environments_match_without_case() {
        assert_eq!(
            "development".parse::<Environment>().unwrap(),
            Environment::Development
        );
        assert_eq!("QA-2".parse::<Environment>().unwrap().name(), "QA-2");
    }

    #[test]
    fn an_environment_name_cannot_climb_out_of_the_folder() {
        for name in ["../secret", "", "a/b", "a.b"] {
            assert!(name.parse::<Environment>().is_err(), "{name:?}");
        }
    }
}
