//! The `mesahub` process of the demo.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

use super::http::{self, Address};
use crate::cargo;
use crate::error::TaskError;

/// How long a start may take.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The beginning of the line that the server prints once it listens.
const LISTENING: &str = "listening on ";

/// Why the demo is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Ctrl-C or SIGTERM came.
    Interrupted,
    /// The server's output ended, so the server did.
    ServerEnded,
}

/// A running server. Dropping it kills the process; [`Server::stop`] asks it to end by itself.
pub(crate) struct Server {
    child: Child,
    address: Address,
}

impl Server {
    /// Starts the server in `Development`, on a free port of the loopback, with the memory
    /// backplane, and waits until it is ready for traffic.
    pub(crate) fn start(mesahub: &Path, ended: SyncSender<Ending>) -> Result<Self, TaskError> {
        let mut command = cargo::command(mesahub, &SERVE);
        let_ctrl_c_reach_only_us(&mut command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| TaskError::Start {
                program: "mesahub serve".to_owned(),
                source,
            })?;
        let stdout = child
            .stdout
            .take()
            .expect("standard output was asked for as a pipe");

        let (found, address) = mpsc::sync_channel(1);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                match line.strip_prefix(LISTENING) {
                    // Only the first such line has a reader; later ones change nothing.
                    Some(url) => drop(found.try_send(url.trim().to_owned())),
                    None => println!("{line}"),
                }
            }
            // A full queue already holds what matters: the demo is ending.
            let _ = ended.try_send(Ending::ServerEnded);
        });

        let mut server = Self {
            child,
            address: Address::default(),
        };
        let url = address.recv_timeout(START_LIMIT).map_err(|_| {
            TaskError::Unexpected(format!(
                "mesahub ended, or did not say `{LISTENING}…` within {} s; its log is above",
                START_LIMIT.as_secs()
            ))
        })?;
        server.address = Address::parse(&url)?;
        let ready = http::fetch(&server.address, "/health/ready")?;
        if ready.status != 200 {
            return Err(TaskError::Unexpected(format!(
                "mesahub listens but is not ready: {} {}",
                ready.status, ready.body
            )));
        }
        println!("   {} is ready", server.address);
        Ok(server)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Asks the server to drain and end, and waits for it.
    pub(crate) fn stop(mut self) -> Result<(), TaskError> {
        ask_to_end(&mut self.child)?;
        let status = self
            .child
            .wait()
            .map_err(TaskError::io("waiting for mesahub"))?;
        if status.success() {
            return Ok(());
        }
        Err(TaskError::Ended {
            program: "mesahub serve".to_owned(),
            status,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if the process has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SERVE: [&str; 9] = [
    "serve",
    "--environment",
    "Development",
    "--config-dir",
    "config",
    "--address",
    "127.0.0.1:0",
    "--set",
    "RealTimeConfiguration:Provider=Memory",
];

/// A terminal sends Ctrl-C to the whole process group. The server gets one of its own, so that it
/// is told to end once, by us.
#[cfg(unix)]
fn let_ctrl_c_reach_only_us(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn let_ctrl_c_reach_only_us(_command: &mut Command) {}

#[cfg(unix)]
fn ask_to_end(child: &mut Child) -> Result<(), TaskError> {
    let id = child.id().to_string();
    cargo::succeed(cargo::command("kill", &["-TERM", &id]))
}

#[cfg(not(unix))]
fn ask_to_end(child: &mut Child) -> Result<(), TaskError> {
    child.kill().map_err(TaskError::io("ending mesahub"))
}
