//! Which settings files there are.

use std::path::{Path, PathBuf};

use super::{
    environment::{Environment, is_plain_name},
    error::ConfigError,
    origin::Place,
    sources::Sources,
    suggestion::expectation,
};

/// The names of `CLOUD_PROVIDER` that need no file.
const CLOUDS: &[&str] = &["Local", "OnPrem", "Azure", "AWS", "GCP", "Upstash"];

/// The settings files that exist, in order.
pub(super) fn files(
    sources: &Sources,
    environment: &Environment,
    cloud_provider: Option<&str>,
) -> Result<Vec<PathBuf>, ConfigError> {
    let existing = match &sources.dir {
        Some(folder) => file_names(folder)?,
        None => Vec::new(),
    };
    let named = |name: &str| {
        let exact = existing.iter().find(|(existing, _)| existing == name);
        let alike = || {
            let mut existing = existing.iter();
            existing.find(|(existing, _)| existing.eq_ignore_ascii_case(name))
        };
        exact.or_else(alike).map(|(_, path)| path.clone())
    };
    let of_cloud = match cloud_provider {
        Some(cloud) if is_plain_name(cloud) => named(&format!("appsettings.{cloud}.json")),
        _ => None,
    };
    if let Some(cloud) = cloud_provider {
        let is_known = CLOUDS.iter().any(|known| known.eq_ignore_ascii_case(cloud));
        if !is_known && of_cloud.is_none() {
            return Err(ConfigError::CloudProvider {
                name: cloud.to_owned(),
                expected: expectation(cloud, CLOUDS),
            });
        }
    }
    let of_environment = named(&format!("appsettings.{environment}.json"));
    let all = [named("appsettings.json"), of_environment, of_cloud];
    let mut files: Vec<_> = all.into_iter().flatten().collect();
    files.dedup();
    Ok(files)
}

fn file_names(folder: &Path) -> Result<Vec<(String, PathBuf)>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        place: Place::File(folder.to_owned()),
        source,
    };
    let mut names = Vec::new();
    for entry in folder.read_dir().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if let Ok(name) = entry.file_name().into_string() {
            names.push((name, entry.path()));
        }
    }
    names.sort();
    Ok(names)
}
