//! Why there is no server to test with.

use std::io;
use std::path::PathBuf;

/// Why there is no server to test with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The program is not on this machine, and no engine answers that could run a container.
    #[error("{program} is not installed, and no container engine answers; bring it with: {remedy}")]
    Missing {
        /// What was looked for.
        program: &'static str,
        /// The command that brings it.
        remedy: &'static str,
    },
    /// The program ended, or did not serve in time.
    #[error("{program} {what}; its output is in {log}:\n{tail}")]
    NotServing {
        /// What was started.
        program: String,
        /// What it did.
        what: String,
        /// Where its output is.
        log: PathBuf,
        /// The end of its output.
        tail: String,
    },
    /// The machine refused a folder, a port, a process.
    #[error("{doing}")]
    Io {
        /// What was attempted.
        doing: String,
        /// What was said.
        #[source]
        source: io::Error,
    },
    /// A server was asked for by address, and the test needs power over it.
    #[error("{variable} names a server, and this test must stop and freeze its own")]
    NoPower {
        /// The variable.
        variable: &'static str,
    },
    /// A container could not be had.
    #[error("no container: {0}")]
    Container(String),
}

impl ServerError {
    /// Names what was attempted when the machine refused.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
