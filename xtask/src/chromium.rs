//! The browser that the official client is tested in: finding or bringing it.

use std::env;
use std::path::{Path, PathBuf};

use crate::apt;
use crate::cargo;
use crate::error::TaskError;

/// The variable that names a Chromium, for us and for the tests.
pub(crate) const VARIABLE: &str = "MESAHUB_TEST_CHROMIUM";

/// What it is called on Debian, on others, and where Google's own is installed.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Finds a Chromium that runs: the one that [`VARIABLE`] names, else one in the search path.
///
/// On Debian and its kin, as root, a missing one is installed; anywhere else the error says what
/// to do.
pub(crate) fn bring() -> Result<PathBuf, TaskError> {
    if let Some(named) = env::var_os(VARIABLE) {
        let named = PathBuf::from(named);
        return match runs(&named) {
            true => Ok(named),
            false => Err(missing(&format!("what {VARIABLE} names does not run"))),
        };
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    if !apt::is_allowed() {
        return Err(missing("none of the usual names is in the search path"));
    }
    println!("   chromium is missing: installing it with apt-get");
    apt::install(&["chromium"])?;
    find().ok_or_else(|| missing("apt-get brought none that runs"))
}

fn find() -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    NAMES
        .iter()
        .flat_map(|name| env::split_paths(&folders).map(move |folder| folder.join(name)))
        .find(|candidate| candidate.is_file() && runs(candidate))
}

fn runs(program: &Path) -> bool {
    match cargo::output_of(cargo::command(program, &["--version"])) {
        Ok(version) => {
            println!("   {}", version.trim());
            true
        }
        Err(_) => false,
    }
}

fn missing(why: &str) -> TaskError {
    TaskError::Missing {
        tool: "Chromium".to_owned(),
        remedy: format!(
            "{why}. Install it with `sudo apt-get install chromium`, `brew install chromium` or \
             from https://www.chromium.org, name one with {VARIABLE}, or leave these tests out \
             with MESAHUB_TEST_SKIP=browser"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_does_not_run() {
        assert!(!runs(Path::new("no-such-chromium")));
    }

    #[test]
    fn the_remedy_names_every_way_out() {
        let text = missing("none").to_string();
        for way in ["apt-get install chromium", VARIABLE, "SKIP=browser"] {
            assert!(text.contains(way), "{text}");
        }
    }
}
