//! Installing what is missing, on Debian and its kin, as root.

use std::path::Path;
use std::process::Command;

use crate::cargo;
use crate::error::TaskError;

/// Installs its arguments while `policy-rc.d` has nothing started, unless the machine has such a
/// policy of its own. The policy is gone when the shell ends, also when it is interrupted.
const INSTALL_QUIETLY: &str = r#"
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\n# Only while a package is installed for tests: it may start nothing.\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
apt-get install --quiet --yes --no-install-recommends "$@"
"#;

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
    cargo::succeed(debian("apt-get", &["update", "--quiet"]))?;
    let mut install = debian("sh", &["-c", INSTALL_QUIETLY, "install"]);
    install.args(packages);
    cargo::succeed(install)
}

/// Installs packages of services for their programs alone: the services are not started, neither
/// now nor when the machine starts.
pub(crate) fn install_services(packages: &[&str], units: &[&str]) -> Result<(), TaskError> {
    install(packages)?;
    if !Path::new("/run/systemd/system").exists() {
        return Ok(());
    }
    let mut disable = debian("systemctl", &["disable", "--now", "--quiet"]);
    disable.args(units);
    cargo::succeed(disable)
}

fn debian(program: &str, arguments: &[&str]) -> Command {
    let mut command = cargo::command(program, arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
