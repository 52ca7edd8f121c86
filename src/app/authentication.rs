//! Who checks tokens, and with which keys.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::app::error::AppError;
use crate::app::options;
use crate::app::signing::{self, SigningError};
use crate::auth::jwks::{RemoteKeys, RemoteOptions};
use crate::auth::{JwtAuthenticator, JwtOptions, KeyError, Keys, SecretKey, SigningAlgorithm};
use crate::config::{JwksSettings, Loaded};

/// Who checks tokens, and the keys that somebody has to keep fresh, if there are such. Files are
/// read here and not again.
///
/// # Errors
/// When a file is not good, or an allowed algorithm has no key.
pub(super) fn authentication(
    loaded: &Loaded,
) -> Result<(JwtAuthenticator, Option<Arc<RemoteKeys>>), AppError> {
    let settings = &loaded.settings.mesahub.authentication;
    let mut keys = Keys::none();
    if let Some(secret) = secret(loaded)? {
        keys = keys.secret(secret);
    }
    for path in &settings.public_key_files {
        let name = "Mesahub:Authentication:PublicKeyFiles";
        keys = read(name, path, |text| keys.pem(&String::from_utf8_lossy(text)))?;
    }
    if let Some(path) = &settings.jwks.file {
        let name = "Mesahub:Authentication:Jwks:File";
        keys = read(name, path, |text| keys.set(text))?;
    }
    let remote = remote_keys(&settings.jwks)?;
    if let Some(remote) = &remote {
        keys = keys.remote(Arc::clone(remote));
    }
    let authenticator = JwtAuthenticator::new(JwtOptions {
        issuers: settings.issuer.clone(),
        audiences: settings.audience.clone(),
        leeway: settings.clock_skew,
        claims: options::claim_names(&settings.claims),
        ..JwtOptions::with(algorithms(loaded, &keys), keys)
    })?;
    Ok((authenticator, remote))
}

/// The secret, where an algorithm takes one and a file need not hold it.
fn secret(loaded: &Loaded) -> Result<Option<SecretKey>, SigningError> {
    let has_file = loaded.settings.mesahub.authentication.jwks.file.is_some();
    match signing::key(loaded) {
        Ok((secret, _)) => Ok(Some(secret)),
        Err(SigningError::NoAlgorithm) => Ok(None),
        Err(SigningError::Missing) if has_file => Ok(None),
        Err(error) => Err(error),
    }
}

/// The allowed algorithms. In development those for which there is no public key are left out, as
/// long as others are left.
fn algorithms(loaded: &Loaded, keys: &Keys) -> Vec<SigningAlgorithm> {
    let allowed = &loaded.settings.mesahub.authentication.algorithms;
    let is_of_use =
        |algorithm: &SigningAlgorithm| algorithm.is_symmetric() || keys.may_check(*algorithm);
    let (of_use, idle): (Vec<_>, Vec<_>) = allowed.iter().copied().partition(is_of_use);
    if !loaded.environment.is_development() || of_use.is_empty() {
        return allowed.clone();
    }
    for algorithm in idle {
        tracing::warn!(%algorithm, "tokens signed so are refused: there is no key for them");
    }
    of_use
}

fn remote_keys(settings: &JwksSettings) -> Result<Option<Arc<RemoteKeys>>, AppError> {
    let Some(url) = settings.url.clone() else {
        return Ok(None);
    };
    Ok(Some(RemoteKeys::new(RemoteOptions {
        url,
        refresh_interval: settings.refresh_interval,
        refetch_interval: settings.refetch_interval,
        stale_for: settings.stale_for,
        timeout: settings.timeout,
    })?))
}

/// Takes the keys out of a file.
fn read(
    key: &'static str,
    path: &Path,
    take: impl FnOnce(&[u8]) -> Result<Keys, KeyError>,
) -> Result<Keys, AppError> {
    let text = fs::read(path).map_err(|source| AppError::UnreadableKeys {
        key,
        path: path.to_owned(),
        source,
    })?;
    take(&text).map_err(|source| AppError::KeyFile {
        key,
        path: path.to_owned(),
        source,
    })
}
