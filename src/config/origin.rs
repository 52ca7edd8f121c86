//! Where a value came from.

use std::{fmt, path::PathBuf};

/// One place that values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The defaults compiled into the program.
    Defaults,
    /// A settings file.
    File(PathBuf),
    /// A file of the secrets folder.
    SecretFile(PathBuf),
    /// An environment variable, by its name as written.
    Variable(String),
    /// The command line.
    CommandLine,
}

/// The place that set a key, and the places that filled the `#{NAME}#` inside its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Who set the key.
    pub place: Place,
    /// The name and the place of each placeholder that was filled, in order.
    pub filled: Vec<(String, Place)>,
}

impl Origin {
    /// Whether any part of the value came out of the secrets folder.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        std::iter::once(&self.place)
            .chain(self.filled.iter().map(|(_, place)| place))
            .any(|place| matches!(place, Place::SecretFile(_)))
    }
}

impl From<Place> for Origin {
    fn from(place: Place) -> Self {
        Self {
            place,
            filled: Vec::new(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => out.write_str("built-in default"),
            Self::File(path) => write!(out, "{}", path.display()),
            Self::SecretFile(path) => write!(out, "secret file {}", path.display()),
            Self::Variable(name) => write!(out, "environment variable {name}"),
            Self::CommandLine => out.write_str("command line"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.place)?;
        for (name, place) in &self.filled {
            write!(out, ", #{{{name}}}# from {place}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, Place};

    #[test]
    fn an_origin_names_who_filled_its_placeholders() {
        let origin = Origin {
            place: Place::File("config/appsettings.Azure.json".into()),
            filled: vec![(
                "KEY".to_owned(),
                Place::SecretFile("/run/secrets/KEY".into()),
            )],
        };

        assert_eq!(
            origin.to_string(),
            "config/appsettings.Azure.json, #{KEY}# from secret file /run/secrets/KEY"
        );
        assert!(origin.is_secret());
    }
}
