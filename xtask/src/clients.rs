//! The official-client tests: finding or bringing Node, installing the client, running the files.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::apt;
use crate::cargo;
use crate::chromium;
use crate::error::TaskError;
use crate::tally::Tally;

/// The oldest Node whose test runner has everything the tests use.
const OLDEST_NODE: (u32, u32) = (18, 19);

/// Where the tests lie, from the root of the workspace.
const FOLDER: &str = "tests/clients";

/// How the files end that need a browser.
const FOR_BROWSER: &str = "_chromium.test.mjs";

/// Makes sure that `node` and `npm` can be run and are new enough.
///
/// On Debian and its kin, as root, what is missing is installed; anywhere else the error names the
/// command to run.
pub(crate) fn bring_node() -> Result<(), TaskError> {
    if version_of("node").is_none() || version_of("npm").is_none() {
        if !apt::is_allowed() {
            return Err(TaskError::Missing {
                tool: "Node with npm".to_owned(),
                remedy: "Install it with `sudo apt-get install nodejs npm`, `brew install node` \
                         or from https://nodejs.org; or leave these tests out with \
                         MESAHUB_TEST_SKIP=clients"
                    .to_owned(),
            });
        }
        println!("   node or npm is missing: installing it with apt-get");
        apt::install(&["nodejs", "npm", "ca-certificates"])?;
    }
    let node = version_of("node").unwrap_or_default();
    let npm = version_of("npm").unwrap_or_default();
    println!("   node {node}, npm {npm}");
    if is_new_enough(&node) {
        return Ok(());
    }
    let (major, minor) = OLDEST_NODE;
    Err(TaskError::Missing {
        tool: format!("Node {major}.{minor} or later"),
        remedy: format!("`node --version` says {node:?}; https://nodejs.org has newer ones"),
    })
}

/// Installs exactly what the lock file names.
pub(crate) fn install_client() -> Result<(), TaskError> {
    cargo::succeed(cargo::command(
        "npm",
        &["ci", "--prefix", FOLDER, "--no-audit", "--no-fund"],
    ))
}

/// The programs that the tests drive.
pub(crate) struct Programs {
    pub(crate) mesahub: PathBuf,
    /// `examples/everything`.
    pub(crate) everything: PathBuf,
    /// A browser; without one its tests are left out.
    pub(crate) chromium: Option<PathBuf>,
}

/// Runs every test file against the programs, and counts.
pub(crate) fn run(programs: &Programs) -> Result<(Tally, bool), TaskError> {
    let mut node = cargo::command("node", &["--test", "--test-reporter=spec"]);
    node.args(test_files(programs.chromium.is_some())?)
        .env("MESAHUB_BIN", &programs.mesahub)
        .env("MESAHUB_EVERYTHING_BIN", &programs.everything);
    if let Some(chromium) = &programs.chromium {
        node.env(chromium::VARIABLE, chromium);
    }
    let mut tally = Tally::default();
    let succeeded = cargo::follow(node, |line| {
        println!("{line}");
        tally.read_node_line(line);
    })?;
    Ok((tally, succeeded))
}

/// The files are named one by one: what `node --test` makes of a folder differs between versions.
fn test_files(with_browser: bool) -> Result<Vec<PathBuf>, TaskError> {
    let folder = cargo::workspace_root().join(FOLDER);
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(TaskError::io(format!("listing {FOLDER}")))? {
        let path = entry
            .map_err(TaskError::io(format!("listing {FOLDER}")))?
            .path();
        let name = path.to_string_lossy();
        if name.ends_with(".test.mjs") && (with_browser || !name.ends_with(FOR_BROWSER)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `None` when the program is not there or does not run.
fn version_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output
        .status
        .success()
        .then(|| text.trim().trim_start_matches('v').to_owned())
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= OLDEST_NODE,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number_and_not_by_letter() {
        assert!(is_new_enough("18.19.0"));
        assert!(is_new_enough("20.2.1"));
        assert!(is_new_enough("100.0.0"));
        assert!(!is_new_enough("18.3.0"));
        assert!(!is_new_enough("9.99.0"));
        assert!(!is_new_enough(""));
    }

    #[test]
    fn there_are_tests_to_run_with_a_browser_and_without() {
        let (all, without) = (test_files(true).unwrap(), test_files(false).unwrap());
        assert!(!without.is_empty());
        assert!(all.len() > without.len());
    }
}
