//! Running cargo and other programs from the root of the workspace.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::error::TaskError;

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the xtask crate lies in a folder of the workspace")
}

/// A command for the cargo that runs this task, in the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    command(program, arguments)
}

/// A command in the root of the workspace.
pub(crate) fn command(program: impl Into<OsString>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program.into());
    command.args(arguments).current_dir(workspace_root());
    command
}

/// Runs to the end; its output goes to the terminal.
pub(crate) fn succeed(mut command: Command) -> Result<(), TaskError> {
    let program = spell(&command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|source| TaskError::Start {
            program: program.clone(),
            source,
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(TaskError::Ended { program, status })
    }
}

/// Runs to the end and gives what it printed on standard output.
pub(crate) fn output_of(mut command: Command) -> Result<String, TaskError> {
    let program = spell(&command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| TaskError::Start {
            program: program.clone(),
            source,
        })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(TaskError::Ended {
            program,
            status: output.status,
        })
    }
}

/// Runs to the end, shows each line of standard output to `see` as it comes, and says whether
/// the program succeeded.
pub(crate) fn follow(mut command: Command, mut see: impl FnMut(&str)) -> Result<bool, TaskError> {
    let program = spell(&command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| TaskError::Start {
            program: program.clone(),
            source,
        })?;
    let stdout = child
        .stdout
        .take()
        .expect("standard output was asked for as a pipe");
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.map_err(TaskError::io(format!("reading the output of `{program}`")))?;
        see(&String::from_utf8_lossy(&line));
    }
    let status = child
        .wait()
        .map_err(TaskError::io(format!("waiting for `{program}`")))?;
    Ok(status.success())
}

/// Builds the `mesahub` binary and says where it lies, wherever the target folder is.
pub(crate) fn build_mesahub(flags: &[&str]) -> Result<PathBuf, TaskError> {
    build_program(&["--package", "mesahub", "--bin", "mesahub"], flags)
}

/// Builds an example of the `mesahub` package and says where it lies.
pub(crate) fn build_example(name: &str, flags: &[&str]) -> Result<PathBuf, TaskError> {
    build_program(&["--package", "mesahub", "--example", name], flags)
}

/// Builds an example of any package from the dependencies that the tests are built from, so that
/// none is built twice, and says where it lies.
pub(crate) fn build_beside_tests(name: &str) -> Result<PathBuf, TaskError> {
    build_program(&["--workspace", "--example", name], &["--all-features"])
}

/// What is built ends with the name of the program.
fn build_program(what: &[&str], flags: &[&str]) -> Result<PathBuf, TaskError> {
    let mut build = cargo(&["build", "--message-format", "json-render-diagnostics"]);
    build.args(what).args(flags);
    let name = what.last().copied().unwrap_or_default();
    let program = spell(&build);
    output_of(build)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| TaskError::Unexpected(format!("`{program}` made no binary")))
}

/// The command as a person would type it.
fn spell(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_spelled_without_the_folder_of_its_program() {
        assert_eq!(
            spell(&command("/usr/bin/npm", &["ci", "--quiet"])),
            "npm ci --quiet"
        );
    }

    #[test]
    fn the_workspace_root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(workspace_root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }
}
