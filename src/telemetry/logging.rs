//! Logs: `tracing` events on standard error, as text for people or as JSON for machines.

use std::io::IsTerminal;

use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LoggingSettings};

/// Logging was set up already, by this or another part of the process.
#[derive(Debug, Error)]
#[error("logging was set up twice")]
pub struct LoggingError(#[source] tracing_subscriber::util::TryInitError);

/// Starts writing logs for the whole process. Dependencies log from `warn`, Mesahub itself from
/// the configured level.
///
/// # Errors
/// When a subscriber is set already.
pub fn start(settings: &LoggingSettings) -> Result<(), LoggingError> {
    let filter = EnvFilter::new(format!("warn,mesahub={}", settings.level.name()));
    let base = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Text => base.finish().try_init(),
        LogFormat::Json => base.json().flatten_event(true).finish().try_init(),
    }
    .map_err(LoggingError)
}
