//! From the sources to the settings.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    document::{parse, read},
    environment::Environment,
    error::{ConfigError, Problems},
    files::files,
    key::is_ours,
    layers::{Entry, Layers},
    origin::{Origin, Place},
    secret_files::SecretFiles,
    settings::{Settings, impossible},
    sources::{Flags, Sources},
    typed::settings,
    validate::findings,
};

/// `config/appsettings.json` as it was when this was compiled: every key with its default.
pub(super) const DEFAULTS: &str = include_str!("../../config/appsettings.json");

/// What cannot be judged without a provider.
const CONNECTION: &str = "RealTimeConfiguration:ConnectionString";

/// A configuration that holds together.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The environment that chose the files and the strictness.
    pub environment: Environment,
    /// The cloud provider that chose a file, if any.
    pub cloud_provider: Option<String>,
    /// The settings files that were read, in order.
    pub files: Vec<PathBuf>,
    /// Top-level sections of other software that were not read.
    pub ignored: Vec<(String, Place)>,
    pub(super) entries: BTreeMap<&'static str, Entry>,
}

/// Loads, merges, fills, converts and checks. Reads files and nothing else of the outside world.
///
/// # Errors
///
/// [`ConfigError::Several`] with every problem that was found; its text has a line for each.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut problems = Vec::new();
    let environment = environment(sources).unwrap_or_else(|problem| {
        problems.push(problem);
        Environment::Production
    });
    let mut layers = Layers::default();
    let defaults = parse(DEFAULTS, &Place::Defaults)?;
    layers.add_document(defaults, &Place::Defaults);

    let cloud_provider = named(sources, &sources.cloud_provider, &["CLOUD_PROVIDER"]);
    let found = files(sources, &environment, cloud_provider.as_deref());
    let files = found.unwrap_or_else(|problem| {
        problems.push(problem);
        Vec::new()
    });
    for file in &files {
        match read(file) {
            Ok(document) => layers.add_document(document, &Place::File(file.clone())),
            Err(problem) => problems.push(problem),
        }
    }

    let secrets = sources.secrets_dir.as_deref().map(SecretFiles::open);
    let secrets = secrets.transpose().unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    let secrets = secrets.unwrap_or_default();
    layers.add_texts(secret_texts(&secrets, &mut problems));
    layers.add_texts(variables(sources));
    layers.add_texts(overrides(sources));
    layers.fill(|name| look_up(name, sources, &secrets));

    problems.append(&mut layers.problems);
    let settings = settings(&layers.entries, &mut problems);
    for finding in findings(&settings, &environment) {
        let reported = |problem: &ConfigError| match problem.key() {
            Some("RealTimeConfiguration:Provider") => finding.key.starts_with(CONNECTION),
            key => key == Some(finding.key),
        };
        if !problems.iter().any(reported) {
            let origin = layers.entries.get(finding.key);
            let origin = origin.map_or(Place::Defaults.into(), |entry| entry.origin.clone());
            problems.push(impossible(finding, origin));
        }
    }
    if !problems.is_empty() {
        return Err(ConfigError::Several(Problems(problems)));
    }
    Ok(Loaded {
        settings,
        environment,
        cloud_provider,
        files,
        ignored: layers.ignored,
        entries: layers.entries,
    })
}

impl Loaded {
    /// Where the value of a key came from; the key's levels are joined by `:`, case does not matter.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.entries
            .values()
            .find(|entry| entry.key.path.eq_ignore_ascii_case(key))
            .map(|entry| &entry.origin)
    }
}

impl Sources {
    /// The sources of this process: its environment, the flags, and the folders they name.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NotUnicode`] when a variable with one of our names is not UTF-8. Other such
    /// variables are left out.
    pub fn from_process(flags: Flags) -> Result<Self, ConfigError> {
        let mut environment = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    environment.insert(name, value);
                }
                Err(_) if is_ours(&name.replace("__", ":")) => {
                    let place = Place::Variable(name);
                    return Err(ConfigError::NotUnicode { place });
                }
                Err(_) => {}
            }
        }
        let folder = |name: &str| {
            let folder = environment.get(name).filter(|folder| !folder.is_empty());
            folder.map(PathBuf::from)
        };
        let usual = |folder: &str| Some(PathBuf::from(folder)).filter(|it| it.read_dir().is_ok());
        let dir = flags.config_dir.or_else(|| folder("MESAHUB_CONFIG_DIR"));
        let secrets_dir = flags.secrets_dir.or_else(|| folder("MESAHUB_SECRETS_DIR"));
        Ok(Self {
            dir: dir.or_else(|| usual("config")),
            secrets_dir: secrets_dir.or_else(|| usual("/run/secrets")),
            environment,
            overrides: flags.overrides,
            environment_name: flags.environment,
            cloud_provider: flags.cloud_provider,
        })
    }
}

fn environment(sources: &Sources) -> Result<Environment, ConfigError> {
    let variables = ["MESAHUB_ENVIRONMENT", "ASPNETCORE_ENVIRONMENT"];
    match named(sources, &sources.environment_name, &variables) {
        Some(name) => name.parse(),
        None => Ok(Environment::Production),
    }
}

/// The flag, else the first of the variables that is not empty.
fn named(sources: &Sources, flag: &Option<String>, variables: &[&str]) -> Option<String> {
    let variable = |name: &&str| sources.environment.get(*name).cloned();
    flag.iter()
        .cloned()
        .chain(variables.iter().filter_map(variable))
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty())
}

/// The secret files that set keys.
fn secret_texts(
    secrets: &SecretFiles,
    problems: &mut Vec<ConfigError>,
) -> Vec<(String, String, Place)> {
    let mut texts = Vec::new();
    for name in secrets.names() {
        let path = name.replace("__", ":");
        if !sets_a_key(&path) {
            continue;
        }
        match secrets.read(name) {
            Ok(text) => texts.push((path, text, secrets.place(name))),
            Err(problem) => problems.push(problem),
        }
    }
    texts
}

/// The environment variables that set keys.
fn variables(sources: &Sources) -> Vec<(String, String, Place)> {
    sources
        .environment
        .iter()
        .map(|(name, value)| (name.replace("__", ":"), value, name))
        .filter(|(path, ..)| sets_a_key(path))
        .map(|(path, value, name)| (path, value.clone(), Place::Variable(name.clone())))
        .collect()
}

/// The command line's keys; of several for one key only the last.
fn overrides(sources: &Sources) -> Vec<(String, String, Place)> {
    let mut texts: Vec<(String, String, Place)> = Vec::new();
    for (key, value) in &sources.overrides {
        let path = key.replace("__", ":");
        texts.retain(|(earlier, ..)| !earlier.eq_ignore_ascii_case(&path));
        texts.push((path, value.clone(), Place::CommandLine));
    }
    texts
}

fn sets_a_key(path: &str) -> bool {
    path.contains(':') && is_ours(path)
}

/// What fills `#{name}#`: an environment variable, else a secret file.
fn look_up(
    name: &str,
    sources: &Sources,
    secrets: &SecretFiles,
) -> Result<Option<(String, Place)>, ConfigError> {
    if let Some(value) = sources.environment.get(name) {
        let place = Place::Variable(name.to_owned());
        return Ok(Some((value.clone(), place)));
    }
    match secrets.names().find(|file| *file == name) {
        Some(file) => Ok(Some((secrets.read(file)?, secrets.place(file)))),
        None => Ok(None),
    }
}
