//! `cargo xtask fuzz`: every decoder under libFuzzer, for a bounded time.
//!
//! The stable compiler's own coverage counters drive it, so no other toolchain is needed. Builds go
//! to a target folder of their own, where the corpora grow from one run to the next.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::apt;
use crate::cargo;
use crate::error::TaskError;
use crate::step;

/// The package, its program and its profile.
const PROGRAM: &str = "mesahub-fuzz";
const PROFILE: &str = "fuzz";

/// Where everything lies, from the root of the workspace.
const FOLDER: &str = "target/fuzz";

/// How long each target runs unless told otherwise.
const SECONDS: u64 = 5;

/// Counters at every edge and comparison, where libFuzzer looks for them.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    each: Duration,
    /// All of them, if none is named.
    targets: Vec<String>,
}

impl Options {
    /// Reads what stands behind `cargo xtask fuzz`.
    pub(crate) fn parse(words: &[&str]) -> Result<Self, TaskError> {
        let mut options = Self {
            each: Duration::from_secs(SECONDS),
            targets: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--seconds" => {
                    let seconds = words.next().and_then(|number| number.parse().ok());
                    let seconds = seconds.filter(|seconds| *seconds > 0).ok_or_else(|| {
                        TaskError::Usage("--seconds wants a number above 0".to_owned())
                    })?;
                    options.each = Duration::from_secs(seconds);
                }
                flag if flag.starts_with('-') => {
                    let text = format!("`{flag}` is no flag of fuzz; --seconds <number> is");
                    return Err(TaskError::Usage(text));
                }
                target => options.targets.push(target.to_owned()),
            }
        }
        Ok(options)
    }
}

/// Runs the targets one after the other, also after one has failed, and fails if any did.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    let program = step::step("building the fuzz targets", || {
        bring_compiler()?;
        build()
    })?;
    // Without a target it names them all.
    let known = Command::new(&program)
        .stderr(Stdio::null())
        .output()
        .map_err(started(&program))?;
    let known = String::from_utf8_lossy(&known.stdout);
    let known: Vec<&str> = known.lines().collect();
    if let Some(unknown) = options
        .targets
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        let known = known.join(", ");
        return Err(TaskError::Usage(format!(
            "`{unknown}` is no target; there are {known}"
        )));
    }
    let mut failed = 0;
    for name in known {
        if options.targets.is_empty() || options.targets.iter().any(|wanted| wanted == name) {
            let fuzzed = step::step(&format!("fuzzing {name}"), || fuzz(&program, name, options));
            if let Err(error) = fuzzed {
                println!("{error}");
                failed += 1;
            }
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(TaskError::TestsFailed { failed }),
    }
}

/// libFuzzer is C++.
fn bring_compiler() -> Result<(), TaskError> {
    let is_there = || Command::new("c++").arg("--version").output().is_ok();
    if is_there() {
        return Ok(());
    }
    if !apt::is_allowed() {
        return Err(TaskError::Missing {
            tool: "A C++ compiler".to_owned(),
            remedy: "Install one with `sudo apt-get install g++` or `xcode-select --install`"
                .to_owned(),
        });
    }
    println!("   c++ is missing: installing it with apt-get");
    apt::install(&["g++"])
}

/// Builds the program and says where it lies.
fn build() -> Result<PathBuf, TaskError> {
    let version = cargo::output_of(cargo::command("rustc", &["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or_else(|| TaskError::Unexpected("rustc names no host".to_owned()))?;
    // With a target named, build scripts and macros are compiled without the counters.
    let mut build = cargo::cargo(&["build", "--quiet", "--package", PROGRAM]);
    build.args([
        "--profile",
        PROFILE,
        "--target",
        host,
        "--target-dir",
        FOLDER,
    ]);
    build
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", FLAGS);
    cargo::succeed(build)?;
    let folder = cargo::workspace_root().join(FOLDER);
    Ok(folder.join(host).join(PROFILE).join(PROGRAM))
}

/// Runs one target, and shows what the fuzzer said if it found something.
fn fuzz(program: &Path, name: &str, options: &Options) -> Result<(), TaskError> {
    let folder = cargo::workspace_root().join(FOLDER);
    let corpus = folder.join("corpus").join(name);
    fs::create_dir_all(&corpus).map_err(TaskError::io(format!("making {}", corpus.display())))?;
    let found = folder.join(format!("found-{name}-"));
    let output = Command::new(program)
        .arg(format!("-max_total_time={}", options.each.as_secs()))
        .arg(format!("-artifact_prefix={}", found.display()))
        .args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"])
        .arg(&corpus)
        .env("MESAHUB_FUZZ_TARGET", name)
        .env("MESAHUB_FUZZ_CORPUS", &corpus)
        .stdin(Stdio::null())
        .output()
        .map_err(started(program))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        println!("{said}");
        return Err(TaskError::Unexpected(format!(
            "{name} failed; the input lies in {}*",
            found.display()
        )));
    }
    let inputs = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let Some(inputs) = inputs.map(str::trim) else {
        return Err(TaskError::Unexpected(format!("{name} ran nothing")));
    };
    println!("   {inputs} inputs");
    Ok(())
}

fn started(program: &Path) -> impl FnOnce(io::Error) -> TaskError {
    let program = program.display().to_string();
    move |source| TaskError::Start { program, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_and_targets_may_be_named() {
        let options = Options::parse(&["websocket", "--seconds", "60", "envelope"]).unwrap();
        assert_eq!(options.each, Duration::from_secs(60));
        assert_eq!(options.targets, ["websocket", "envelope"]);
        assert!(Options::parse(&[]).unwrap().targets.is_empty());
        for words in [&["--seconds"][..], &["--seconds", "0"], &["--forever"]] {
            assert!(Options::parse(words).is_err(), "{words:?}");
        }
    }
}
