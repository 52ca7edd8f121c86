//! The program with which systemd examines a unit.

use std::process::{Command, Stdio};

use crate::apt;
use crate::error::TaskError;

/// Makes sure that it is there. On Debian and its kin, as root, it is installed; anywhere else the
/// error says what to do.
pub(crate) fn bring() -> Result<(), TaskError> {
    if !is_there() && apt::is_allowed() {
        println!("   installing systemd with apt-get");
        apt::install(&["systemd"])?;
    }
    if is_there() {
        return Ok(());
    }
    Err(TaskError::Missing {
        tool: "systemd-analyze".to_owned(),
        remedy: "Install systemd, or leave out what needs it with MESAHUB_TEST_SKIP=systemd"
            .to_owned(),
    })
}

fn is_there() -> bool {
    let version = Command::new("systemd-analyze")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}
