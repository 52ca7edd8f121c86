//! What can be wrong with a configuration.

use std::{error::Error as StdError, fmt, io};

use super::origin::{Origin, Place};

/// One reason, or all reasons, why a configuration is refused. No text of it holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file or folder is missing or cannot be read.
    #[error("{place}: cannot be read")]
    Unreadable {
        /// The file or folder.
        place: Place,
        /// What the system answered.
        source: io::Error,
    },
    /// A settings file is not JSON. Comments and trailing commas are allowed.
    #[error("{place}: is not valid JSON")]
    Syntax {
        /// The file.
        place: Place,
        /// What and where.
        source: serde_json::Error,
    },
    /// A key that does not exist.
    #[error("{origin}: {key} is not a known key; expected {expected}")]
    UnknownKey {
        /// Who set it.
        origin: Box<Origin>,
        /// The key as written, its levels joined by `:`.
        key: String,
        /// The keys that exist there, and the one that was probably meant.
        expected: String,
    },
    /// The same key twice in one place.
    #[error("{origin}: {key} is set twice; expected it once")]
    DuplicateKey {
        /// Who set it.
        origin: Box<Origin>,
        /// The key.
        key: String,
    },
    /// A value of the wrong type, out of bounds or not among the choices.
    #[error("{origin}: {key} is {found}; expected {expected}")]
    WrongValue {
        /// Who set it.
        origin: Box<Origin>,
        /// The key.
        key: String,
        /// What stands there; never the value of a secret.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// A `#{NAME}#` that neither an environment variable nor a secret file fills.
    #[error(
        "{origin}: {key} holds #{{{name}}}#, which nothing fills; expected an environment variable or a secret file named {name}"
    )]
    Unfilled {
        /// Who set it.
        origin: Box<Origin>,
        /// The key.
        key: String,
        /// The name between the braces.
        name: String,
    },
    /// Values that are each well-formed and do not fit together, or one that is missing.
    #[error("{origin}: {key} {problem}")]
    Impossible {
        /// Who set it.
        origin: Box<Origin>,
        /// The key to change.
        key: String,
        /// What is wrong and what would be right, written to follow the key.
        problem: String,
    },
    /// The name of an environment cannot be part of a file name.
    #[error(
        "environment name {name:?}: expected 1 to 64 letters, digits, '-' or '_', such as Production"
    )]
    EnvironmentName {
        /// The name as given.
        name: String,
    },
    /// `CLOUD_PROVIDER` names neither a known provider nor an existing file.
    #[error("CLOUD_PROVIDER {name:?}: expected {expected}")]
    CloudProvider {
        /// The name as given.
        name: String,
        /// The known ones.
        expected: String,
    },
    /// A command-line override without a key or without `=`.
    #[error("--set {text:?}: expected Key:SubKey=value")]
    Override {
        /// The part before `=`, or all of it when there is none.
        text: String,
    },
    /// A value that must be text is not UTF-8.
    #[error("{place}: is not UTF-8 text")]
    NotUnicode {
        /// The variable or file.
        place: Place,
    },
    /// Everything that [`load`](super::load) found, in the order of the layers.
    #[error("{0}")]
    Several(Problems),
}

impl ConfigError {
    /// The single problems, one for each thing to mend.
    #[must_use]
    pub fn problems(&self) -> &[Self] {
        match self {
            Self::Several(Problems(problems)) => problems,
            single => std::slice::from_ref(single),
        }
    }

    /// The key to mend, where the problem has one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::UnknownKey { key, .. }
            | Self::DuplicateKey { key, .. }
            | Self::WrongValue { key, .. }
            | Self::Unfilled { key, .. }
            | Self::Impossible { key, .. } => Some(key),
            _ => None,
        }
    }
}

/// A list of problems; prints one line for each, causes included.
#[derive(Debug)]
pub struct Problems(pub(super) Vec<ConfigError>);

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(
            out,
            "the configuration has {} problem{plural}:",
            self.0.len()
        )?;
        for problem in &self.0 {
            write!(out, "\n  - {problem}")?;
            let mut cause = problem.source();
            while let Some(error) = cause {
                write!(out, ": {error}")?;
                cause = error.source();
            }
        }
        Ok(())
    }
}
