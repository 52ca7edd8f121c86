//! The settings as a whole.

use serde::Deserialize;

use super::{
    backplane::Backplane,
    environment::Environment,
    error::{ConfigError, Problems},
    mesahub::MesahubSettings,
    origin::{Origin, Place},
    real_time::RealTimeSettings,
    resolve,
    validate::{Finding, findings},
};

/// Every setting, in the types that the rest of the program uses. `Settings::default()` holds the
/// same values as `config/appsettings.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct Settings {
    /// The section `RealTimeConfiguration`, shared with ASP.NET Core applications.
    #[serde(rename = "RealTimeConfiguration")]
    pub real_time: RealTimeSettings,
    /// The section `Mesahub`.
    pub mesahub: MesahubSettings,
}

impl Settings {
    /// Works out what joins the nodes and where it is. Whether this build has the backend is not
    /// looked at.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Impossible`] with the key that is missing, malformed or in the way. Settings
    /// that came from [`load`](super::load) never fail here.
    pub fn backplane(&self) -> Result<Backplane, ConfigError> {
        resolve::backplane(&self.real_time)
            .map_err(|finding| impossible(finding, Place::Defaults.into()))
    }

    /// Checks that the values fit together, for settings that were made in code; [`load`](super::load)
    /// has done it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Several`] with one [`ConfigError::Impossible`] for each pair that cannot be,
    /// such as a short signing key outside development.
    pub fn validate(&self, environment: &Environment) -> Result<(), ConfigError> {
        let problems: Vec<_> = findings(self, environment)
            .into_iter()
            .map(|finding| impossible(finding, Place::Defaults.into()))
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Several(Problems(problems)))
        }
    }
}

/// Tells a finding as an error.
pub(super) fn impossible(finding: Finding, origin: Origin) -> ConfigError {
    ConfigError::Impossible {
        origin: Box::new(origin),
        key: finding.key.to_owned(),
        problem: finding.problem,
    }
}
