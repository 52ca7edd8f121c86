//! Installing what is missing, on Debian and its kin, as root.

use std::path::Path;
use std::process::Command;

use crate::cargo;
use crate::error::TaskError;

/// Whether packages can be installed here without asking anybody.
pub(crate) fn is_allowed() -> bool {
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    is_root && Path::new("/etc/debian_version").exists()
}

/// Installs packages, without those that they only recommend.
pub(crate) fn install(packages: &[&str]) -> Result<(), TaskError> {
    cargo::succeed(apt_get(&["update", "--quiet"]))?;
    let mut install = apt_get(&["install", "--quiet", "--yes", "--no-install-recommends"]);
    install.args(packages);
    cargo::succeed(install)
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = cargo::command("apt-get", arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
