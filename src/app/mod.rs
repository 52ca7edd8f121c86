//! The server, put together: every part is built once, handed its collaborators, and stopped in
//! one order.
//!
//! ```text
//!   configuration ─► broker ─► node ─► notification hub ─► service ─► routes ─► accept loop
//!   signal: not ready ─► stop accepting ─► clients told to return ─► queue flushed ─► broker closed
//! ```
//!
//! What may not live here: behaviour. A part that does something has a room of its own.

mod authentication;
pub mod build;
pub mod drain;
pub mod error;
mod journal;
mod leaving;
mod limits;
pub mod options;
mod sessions;
pub mod signing;

pub use build::App;
pub use error::AppError;
