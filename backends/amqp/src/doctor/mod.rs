//! What is particular to RabbitMQ when a backplane is examined.
//!
//! ```text
//!   TLS, login, virtual host ─► version ─► alarms ─► rights
//! ```
//!
//! Whoever stands before one of the first three sees nothing of what follows, and while RabbitMQ
//! reads nothing from who publishes, rights cannot be tried.

mod alarms;
mod entrance;
mod examine;
mod rights;
mod version;

pub use examine::examine;
