//! `cargo xtask test`: everything there is to run, and one count at the end.

use std::process::Command;
use std::time::Instant;

use crate::cargo;
use crate::chromium;
use crate::clients;
use crate::error::{self, TaskError};
use crate::promtool;
use crate::servers;
use crate::step;
use crate::systemd;
use crate::tally::Tally;

/// The variable that leaves parts out, on purpose and in print.
const SKIP: &str = "MESAHUB_TEST_SKIP";

/// What the names of Rust tests hold that drive an official client.
const OF_CLIENTS: &str = "official_client";

/// What the names of Rust tests hold that ask systemd.
const OF_SYSTEMD: &str = "systemd::systemd_";

/// The parts that may be left out.
const PARTS: [&str; 4] = ["browser", "clients", promtool::NAME, "systemd"];

/// Runs every part, also after one has failed, and fails if any did.
pub(crate) fn run() -> Result<(), TaskError> {
    let started = Instant::now();
    let skip = std::env::var(SKIP).unwrap_or_default();
    let left_out = parts_to_leave_out(&skip)?;
    let servers: Vec<&str> = servers::NAMES
        .into_iter()
        .filter(|name| left_out.contains(name))
        .collect();
    for server in &servers {
        println!("── left out because of {SKIP}: the tests that need a server for {server}");
    }
    let with_promtool = !left_out.contains(&promtool::NAME);
    if !with_promtool {
        println!("── left out because of {SKIP}: what promtool says of rules and metrics");
    }
    let with_clients = !left_out.contains(&"clients");
    let with_systemd = !left_out.contains(&"systemd");
    if !with_systemd {
        println!("── left out because of {SKIP}: systemd's opinion of the unit in deploy/systemd");
    }
    let mut tally = run_part("the Rust tests", |tally| {
        rust_tests(tally, &servers, with_clients, with_promtool, with_systemd)
    });
    if with_clients {
        let with_browser = !left_out.contains(&"browser");
        if !with_browser {
            println!("── left out because of {SKIP}: the official client in a browser");
        }
        tally += run_part("the official-client tests", |tally| {
            client_tests(tally, with_browser)
        });
    } else {
        println!(
            "── left out because of {SKIP}: the official-client tests in tests/clients, and the \
             kitchen's tablets in tests/kitchen"
        );
    }

    println!("── everything, after {}", step::spell(started.elapsed()));
    if tally.left_out > 0 {
        println!("{} ignored by their own marks", tally.left_out);
    }
    if tally.excluded > 0 {
        println!(
            "{} cells of the client matrix excluded, each with its reason above",
            tally.excluded
        );
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    match tally.failed {
        0 => Ok(()),
        failed => Err(TaskError::TestsFailed { failed }),
    }
}

fn parts_to_leave_out(value: &str) -> Result<Vec<&str>, TaskError> {
    let parts: Vec<&str> = value
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let known = || PARTS.into_iter().chain(servers::NAMES);
    match parts
        .iter()
        .find(|part| !known().any(|name| name == **part))
    {
        Some(unknown) => Err(TaskError::Usage(format!(
            "{SKIP} names {unknown:?}; it may name {}",
            known().collect::<Vec<_>>().join(", ")
        ))),
        None => Ok(parts),
    }
}

/// A part that could not run to its end, or ran no test at all, counts as one failure more.
fn run_part(name: &str, part: impl FnOnce(&mut Tally) -> Result<bool, TaskError>) -> Tally {
    let mut tally = Tally::default();
    match part(&mut tally) {
        Ok(true) if tally.total() == 0 => {
            println!("   {name} ran nothing");
            tally.failed += 1;
        }
        Ok(false) if tally.failed == 0 => {
            println!("   {name} ended badly before they could be counted");
            tally.failed += 1;
        }
        Ok(_) => {}
        Err(error) => {
            println!("   {name} could not be run: {}", error::with_causes(&error));
            tally.failed += 1;
        }
    }
    tally
}

/// The tests that need a server are those of its backend's package, but for its units, and those
/// of others in a module that is named after the backend.
fn rust_tests(
    tally: &mut Tally,
    without: &[&str],
    with_clients: bool,
    with_promtool: bool,
    with_systemd: bool,
) -> Result<bool, TaskError> {
    if with_systemd {
        step::step("looking for systemd-analyze", systemd::bring)?;
    }
    step::step("looking for the servers of the tests", || {
        servers::bring(without)
    })?;
    if with_clients {
        step::step("looking for node and npm", clients::bring_node)?;
        step::step("installing the official client", clients::install_client)?;
    }
    if with_promtool {
        step::step("looking for promtool", promtool::bring)?;
    }
    let features = ["--workspace", "--all-features"];
    step::step("building the Rust tests and the examples", || {
        let mut build = cargo::cargo(&["test", "--no-run", "--quiet"]);
        build.args(features);
        cargo::succeed(build)
    })?;
    let mut all = cargo::cargo(&["test", "--no-fail-fast"]);
    all.args(features);
    for server in without {
        all.args(["--exclude", &package(server)]);
    }
    all.arg("--");
    for server in without {
        all.args(["--skip", &format!("{server}::")]);
    }
    if !with_clients {
        all.args(["--skip", OF_CLIENTS]);
    }
    if !with_promtool {
        all.args(["--skip", &format!("{}::", promtool::NAME)]);
    }
    if !with_systemd {
        all.args(["--skip", OF_SYSTEMD]);
    }
    let mut succeeded = step::step("running the Rust tests, documentation included", || {
        counted(all, tally)
    })?;
    if !without.is_empty() {
        let mut units = cargo::cargo(&["test", "--no-fail-fast", "--lib"]);
        for server in without {
            units.args(["--package", &package(server)]);
        }
        succeeded &= step::step("running units that need no server", || {
            counted(units, tally)
        })?;
    }
    // With all features there is no backplane that could be missing.
    let mut bare = cargo::cargo(&["test", "--package", "mesahub", "--test", "command_line"]);
    bare.arg("not_built_in");
    succeeded &= step::step("running what a build without backplanes says", || {
        counted(bare, tally)
    })?;
    Ok(succeeded)
}

/// The package of a backend.
fn package(backend: &str) -> String {
    format!("mesahub-{backend}")
}

fn counted(test: Command, tally: &mut Tally) -> Result<bool, TaskError> {
    cargo::follow(test, |line| {
        println!("{line}");
        tally.read_cargo_line(line);
    })
}

fn client_tests(tally: &mut Tally, with_browser: bool) -> Result<bool, TaskError> {
    let chromium = if with_browser {
        Some(step::step("looking for a browser", chromium::bring)?)
    } else {
        None
    };
    let features = ["--all-features"];
    let programs = step::step("building mesahub and the hub of everything", || {
        Ok(clients::Programs {
            mesahub: cargo::build_mesahub(&features)?,
            everything: cargo::build_example("everything", &features)?,
            chromium,
        })
    })?;
    let (counted, succeeded) = step::step("running the official-client tests", || {
        clients::run(&programs)
    })?;
    *tally = counted;
    Ok(succeeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_parts_can_be_left_out() {
        assert_eq!(parts_to_leave_out(" clients ,").unwrap(), ["clients"]);
        assert_eq!(
            parts_to_leave_out("browser,clients").unwrap(),
            ["browser", "clients"]
        );
        assert_eq!(parts_to_leave_out("redis").unwrap(), ["redis"]);
        assert_eq!(parts_to_leave_out("promtool").unwrap(), ["promtool"]);
        assert!(parts_to_leave_out("").unwrap().is_empty());
        assert!(parts_to_leave_out("clients,client").is_err());
    }

    #[test]
    fn a_part_that_runs_nothing_or_breaks_is_a_failure() {
        let counted = |passed| {
            move |tally: &mut Tally| {
                tally.passed = passed;
                Ok(true)
            }
        };
        assert_eq!(run_part("a part", counted(0)).failed, 1);
        assert_eq!(run_part("a part", counted(2)).failed, 0);
        assert_eq!(run_part("a part", |_| Ok(false)).failed, 1);
        let missing = |_: &mut Tally| Err(TaskError::Unexpected("no server".to_owned()));
        assert_eq!(run_part("a part", missing).failed, 1);
    }
}
