//! The `mesahub` server.
//!
//! ```text
//!   arguments ──► configuration ──► app: build ──► bind ──► serve ──► signal ──► drain
//! ```

#[cfg(not(feature = "memory"))]
compile_error!("the mesahub server needs a backplane: build it with the feature `memory`");

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
