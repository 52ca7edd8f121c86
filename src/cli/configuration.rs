//! `mesahub config check` and `mesahub config print`.

use std::error::Error;
use std::io::Write;

use mesahub::config::{Sources, check, load};

use super::arguments::ConfigCommand;

pub(super) fn run(command: &ConfigCommand, sources: &Sources) -> Result<(), Box<dyn Error>> {
    let text = match command {
        ConfigCommand::Check => check(sources)?,
        ConfigCommand::Print { sources: false } => pretty(&load(sources)?.effective())?,
        ConfigCommand::Print { sources: true } => pretty(&load(sources)?.sources())?,
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn pretty(value: &serde_json::Value) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
