//! Prometheus' own tool, which checks the rules: finding or bringing it.

use crate::apt;
use crate::cargo;
use crate::error::TaskError;

/// The name under which its tests can be left out, and of their module.
pub(crate) const NAME: &str = "promtool";

/// Its package on Debian.
const PACKAGE: &str = "prometheus";

/// Makes sure that the tool is in the search path.
///
/// On Debian and its kin, as root, a missing one is installed, and the server that comes with it is
/// not started; anywhere else the error says what to do.
pub(crate) fn bring() -> Result<(), TaskError> {
    if runs() {
        return Ok(());
    }
    if !apt::is_allowed() {
        return Err(missing());
    }
    println!("   promtool is missing: installing {PACKAGE} with apt-get");
    apt::install_services(&[PACKAGE], &["prometheus.service"])?;
    if runs() { Ok(()) } else { Err(missing()) }
}

fn runs() -> bool {
    match cargo::output_of(cargo::command(NAME, &["--version"])) {
        Ok(version) => {
            println!("   {}", version.lines().next().unwrap_or_default());
            true
        }
        Err(_) => false,
    }
}

fn missing() -> TaskError {
    TaskError::Missing {
        tool: NAME.to_owned(),
        remedy: format!(
            "Install it with `sudo apt-get install {PACKAGE}`, `brew install prometheus` or from \
             https://prometheus.io, or leave its tests out with MESAHUB_TEST_SKIP={NAME}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_names_every_way_out() {
        let text = missing().to_string();
        for way in ["apt-get install prometheus", "SKIP=promtool"] {
            assert!(text.contains(way), "{text}");
        }
    }
}
