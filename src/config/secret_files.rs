//! The secrets folder.

use std::path::{Path, PathBuf};

use super::{error::ConfigError, origin::Place};

/// A folder with one secret in each file, as Docker and Kubernetes mount them. Files are named
/// `Mesahub__Authentication__SigningKey` to set a key, or `NAME` to fill `#{NAME}#`.
#[derive(Debug, Default)]
pub(super) struct SecretFiles {
    folder: PathBuf,
    names: Vec<String>,
}

impl SecretFiles {
    /// Lists a folder. Folders inside it and names that begin with a dot, where Kubernetes keeps its
    /// versions, are left out.
    pub(super) fn open(folder: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable {
            place: Place::SecretFile(folder.to_owned()),
            source,
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if !name.starts_with('.') && entry.path().is_file() {
                names.push(name);
            }
        }
        names.sort();
        Ok(Self {
            folder: folder.to_owned(),
            names,
        })
    }

    /// The names of the files, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Where a file is.
    pub(super) fn place(&self, name: &str) -> Place {
        Place::SecretFile(self.folder.join(name))
    }

    /// What a file holds, without the line break that editors leave at its end.
    pub(super) fn read(&self, name: &str) -> Result<String, ConfigError> {
        let place = self.place(name);
        match std::fs::read(self.folder.join(name)) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(_) => Err(ConfigError::NotUnicode { place }),
            },
            Err(source) => Err(ConfigError::Unreadable { place, source }),
        }
    }
}
