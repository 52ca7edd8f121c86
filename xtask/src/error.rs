//! What can end a task.

use std::error::Error;
use std::io;
use std::process::ExitStatus;

use thiserror::Error;

/// Why a task did not succeed.
#[derive(Debug, Error)]
pub(crate) enum TaskError {
    /// The command line was not understood.
    #[error("{0}")]
    Usage(String),
    /// A program could not be started.
    #[error("`{program}` could not be started")]
    Start { program: String, source: io::Error },
    /// A program ran and said no.
    #[error("`{program}` ended with {status}")]
    Ended { program: String, status: ExitStatus },
    /// Reading or writing failed.
    #[error("{doing}")]
    Io { doing: String, source: io::Error },
    /// JSON that another program wrote was not what it should be.
    #[error("{what} is not JSON")]
    Json {
        what: String,
        source: serde_json::Error,
    },
    /// The WebSocket to the demo's hub failed.
    #[error("the WebSocket to the hub failed")]
    Socket(#[from] Box<tungstenite::Error>),
    /// Something answered, but not with what the task needs.
    #[error("{0}")]
    Unexpected(String),
    /// A tool is missing that the task cannot bring by itself.
    #[error("{tool} is missing. {remedy}")]
    Missing { tool: String, remedy: String },
    /// Tests ran and some failed.
    #[error("{failed} failed")]
    TestsFailed { failed: u64 },
    /// Dependencies have licences that are not allowed.
    #[error("{count} of the dependencies may not be used")]
    Licences { count: usize },
}

impl TaskError {
    /// For `map_err` on an [`io::Error`], saying what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

impl From<tungstenite::Error> for TaskError {
    fn from(error: tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}

/// The error and everything that caused it, on one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
