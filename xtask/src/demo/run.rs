//! The two tasks.

use std::sync::mpsc;

use super::commands;
use super::http::Address;
use super::hub_client::HubClient;
use super::proof;
use super::server::{Ending, Server};
use super::tokens::Tokens;
use crate::cargo;
use crate::error::TaskError;
use crate::step::step;

/// What the command line asks of the demo.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    once: bool,
    release: bool,
}

impl Options {
    /// Reads the flags after `demo`.
    pub(crate) fn parse(flags: &[&str]) -> Result<Self, TaskError> {
        let mut options = Self::default();
        for flag in flags {
            match *flag {
                "--once" => options.once = true,
                "--release" => options.release = true,
                other => {
                    return Err(TaskError::Usage(format!(
                        "`demo` knows --once and --release, not `{other}`"
                    )));
                }
            }
        }
        Ok(options)
    }
}

/// Builds, starts and shows a hub; runs until Ctrl-C, or with `--once` until one order arrived.
///
/// The debug build is what a first visitor waits for least.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    let profile: &[&str] = if options.release { &["--release"] } else { &[] };
    let mesahub = step(
        "building mesahub (the first time takes a minute or two)",
        || cargo::build_mesahub(profile),
    )?;

    // Room for both endings: neither the signal handler nor the reader ever waits.
    let (ended, ending) = mpsc::sync_channel(2);
    let interrupted = ended.clone();
    ctrlc::set_handler(move || {
        // A full queue already holds what matters: the demo is ending.
        let _ = interrupted.try_send(Ending::Interrupted);
    })
    .map_err(|error| TaskError::Unexpected(format!("Ctrl-C cannot be caught: {error}")))?;

    let server = step("starting it on loopback", || Server::start(&mesahub, ended))?;
    let tokens = step("minting tokens", || Tokens::mint(&mesahub))?;
    if options.once {
        step("publishing one order and waiting for it", || {
            proof::run(server.address(), &tokens)
        })?;
        return server.stop();
    }

    println!("{}", commands::to_paste(server.address(), &tokens));
    match ending.recv() {
        Ok(Ending::Interrupted) => server.stop(),
        Ok(Ending::ServerEnded) | Err(_) => Err(TaskError::Unexpected(
            "mesahub ended by itself; its log above says why".to_owned(),
        )),
    }
}

/// Prints what a token's owner receives, one line each, until the hub or Ctrl-C ends it.
pub(crate) fn watch(url: &str, token: &str) -> Result<(), TaskError> {
    let address = Address::parse(url)?;
    let mut client = HubClient::connect(&address, token, None)?;
    println!("watching {address}; Ctrl-C ends it");
    while let Some(event) = client.next_event()? {
        println!("{} {}", event.target, event.arguments);
    }
    println!("the hub closed the connection");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_that_the_demo_does_not_know_is_refused() {
        let both = Options::parse(&["--once", "--release"]).unwrap();
        assert!(both.once && both.release);
        assert!(Options::parse(&["--twice"]).is_err());
    }
}
