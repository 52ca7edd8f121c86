//! Repository tasks: `cargo xtask demo`, `watch`, `test`, `fuzz`, `docs`, `licences` and `sizes`.

#![allow(clippy::print_stdout, reason = "a task talks to the person who ran it")]

mod apt;
mod cargo;
mod chromium;
mod clients;
mod demo;
mod docs;
mod error;
mod fuzz;
mod licences;
mod promtool;
mod servers;
mod sizes;
mod step;
mod systemd;
mod tally;
mod test;

use std::process::ExitCode;

use crate::error::TaskError;

const USAGE: &str = "\
usage: cargo xtask <task>

  demo [--once] [--release]  build mesahub, start it on loopback, print commands to paste;
                             --once publishes one order by itself, sees it arrive and stops
  watch <url> <token>        print every notification that the token's owner receives
  test                       run everything: unit, integration, documentation, official clients
  fuzz [--seconds <n>] [<target>…]
                             run every decoder under libFuzzer, each for 5 seconds or n
  docs                       write docs/configuration.md from the settings
  licences                   compare the licences of all dependencies with deny.toml
  sizes                      build every set of features from nothing, print times and sizes";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // The first word is this program.
    match run(words.get(1..).unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error::with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), TaskError> {
    match words {
        ["demo", flags @ ..] => demo::run(&demo::Options::parse(flags)?),
        ["watch", url, token] => demo::watch(url, token),
        ["test"] => test::run(),
        ["fuzz", words @ ..] => fuzz::run(&fuzz::Options::parse(words)?),
        ["docs"] => docs::run(),
        ["licences"] => licences::run(),
        ["sizes"] => sizes::run(),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(TaskError::Usage(format!(
            "`{}` is no task\n\n{USAGE}",
            other.join(" ")
        ))),
    }
}
