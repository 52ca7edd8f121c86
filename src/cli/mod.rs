//! The command line of the server.
//!
//! `serve` runs it, `token` makes a token for trying it out, `config check` and `config print`
//! look at the configuration without a server, `doctor` examines the backplane, `dead-letters` and
//! `health` ask a running server, `load` puts load on one. Results go to standard output, everything else to standard error;
//! the exit code is 0, or 1 with the reason, or 2 for wrong arguments.

mod arguments;
mod configuration;
mod dead_letters;
mod doctor;
mod health;
mod load;
mod open_files;
mod run;
mod serve;
mod token;

pub(crate) use run::run;
