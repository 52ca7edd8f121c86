//! The `mesahub` server.
//!
//! ```text
//!   arguments ──► configuration ──► app: build ──► bind ──► serve ──► signal ──► drain
//! ```

#[cfg(not(any(
    feature = "memory",
    feature = "redis",
    feature = "nats",
    feature = "amqp"
)))]
compile_error!(
    "the mesahub server needs a backplane: build it with the feature `memory`, `redis`, `nats` or `amqp`"
);

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
