//! From arguments to the command, and from its result to the exit code.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use mesahub::config::{Sources, load};

use super::arguments::{Arguments, Command};
use super::{configuration, dead_letters, doctor, health, load as load_run, serve, token};

/// Runs the command line of this process.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match execute(arguments) {
        Ok(code) => code,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

fn execute(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let sources = Sources::from_process(arguments.configuration.into_flags()?)?;
    match arguments.command {
        Command::Serve { address } => serve::serve(load(&sources)?, address)?,
        Command::Token(wanted) => token::print(&load(&sources)?, &wanted)?,
        Command::Config(command) => configuration::run(&command, &sources)?,
        Command::DeadLetters(wanted) => dead_letters::run(&load(&sources)?, &wanted)?,
        Command::Health(wanted) => health::run(|| Ok(load(&sources)?), &wanted)?,
        Command::Load(wanted) => return load_run::run(|| Ok(load(&sources)?), *wanted),
        Command::Doctor { json } => return doctor::run(&sources, json),
    }
    Ok(ExitCode::SUCCESS)
}

/// The error and its causes, on standard error.
fn report(error: &dyn Error) {
    let mut out = std::io::stderr().lock();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    // Nothing is left to do for a process whose standard error is closed.
    let _ = writeln!(out, "mesahub: {text}");
}
