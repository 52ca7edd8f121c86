//! The secret that signs tokens and checks them. In development the server makes its own.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

use crate::auth::{SecretKey, SigningAlgorithm};
use crate::config::Loaded;

/// Bytes of randomness in a development key: enough for every algorithm.
const DEVELOPMENT_KEY_BYTES: usize = 64;

/// There is no usable signing key.
#[derive(Debug, Error)]
pub enum SigningError {
    /// Outside development a key has to be configured.
    #[error(
        "Mesahub:Authentication:SigningKey is not set; only in Development does the server make its own"
    )]
    Missing,
    /// No algorithm is allowed that takes a secret.
    #[error(
        "Mesahub:Authentication:Algorithms allows none of HS256, HS384 and HS512: tokens come from \
         the owner of the private keys alone"
    )]
    NoAlgorithm,
    /// The development key cannot be kept.
    #[error("cannot keep the development key in {path}")]
    Store {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

/// The configured secret, or in development the one that this machine keeps for the purpose, and the
/// algorithm to sign with.
///
/// # Errors
/// When no algorithm takes a secret, none is configured outside development, or the development key
/// cannot be kept.
pub fn key(loaded: &Loaded) -> Result<(SecretKey, SigningAlgorithm), SigningError> {
    let authentication = &loaded.settings.mesahub.authentication;
    let algorithm = *authentication
        .algorithms
        .iter()
        .find(|algorithm| algorithm.is_symmetric())
        .ok_or(SigningError::NoAlgorithm)?;
    let configured = &authentication.signing_key;
    if !configured.is_empty() {
        return Ok((SecretKey::new(configured.reveal().as_bytes()), algorithm));
    }
    if !loaded.environment.is_development() {
        return Err(SigningError::Missing);
    }
    let path = std::env::temp_dir().join("mesahub-development.key");
    let text = kept(&path).map_err(|source| SigningError::Store { path, source })?;
    Ok((SecretKey::new(text.into_bytes()), algorithm))
}

/// The key in the file, which is made on first use and readable by its owner alone.
fn kept(path: &Path) -> io::Result<String> {
    match create(path) {
        Ok(mut file) => {
            let mut bytes = [0; DEVELOPMENT_KEY_BYTES];
            getrandom::fill(&mut bytes).map_err(io::Error::other)?;
            let text = URL_SAFE_NO_PAD.encode(bytes);
            file.write_all(text.as_bytes())?;
            Ok(text)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(path)?;
            if text.len() < DEVELOPMENT_KEY_BYTES {
                return Err(io::Error::other(
                    "it holds no key; delete it to have a new one made",
                ));
            }
            check_private(path)?;
            Ok(text)
        }
        Err(error) => Err(error),
    }
}

fn create(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn check_private(path: &Path) -> io::Result<()> {
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(path)?);
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::other(
        "others can read or write it; delete it to have a new one made",
    ))
}

#[cfg(not(unix))]
fn check_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn a_development_key_is_made_once_and_then_kept() {
        let folder = std::env::temp_dir().join(format!("mesahub-key-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("key");
        let first = kept(&path).unwrap();
        assert_eq!(kept(&path).unwrap(), first);
        std::fs::write(&path, "").unwrap();
        assert!(kept(&path).is_err(), "an empty file is no key");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("mesahub-open-key-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("key");
        kept(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(kept(&path).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
