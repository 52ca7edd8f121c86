//! What travels between nodes, in ASP.NET Core's own MessagePack layouts plus one element of ours.
//!
//! ```text
//!   topic              payload
//!   all, group, user   Envelope [excluded, messages (, invocationId, returnChannel (, extension))]
//!   connection         Envelope, with a Reply when a result is awaited
//!   internal:groups    GroupCommand [id, server, action, group, connection]
//!   internal:ack       Ack [id]
//!   internal:return    BackplaneCompletion [protocol, completion]
//! ```
//!
//! Invariants:
//!
//! - Without reply and extension an envelope has ASP.NET Core's bytes exactly; with an extension
//!   ASP.NET Core still reads it and skips what is ours.
//! - Arrays longer than described are accepted, shorter ones refused, and bytes after the value
//!   are ignored, as ASP.NET Core does.
//! - Message bytes are slices of the payload they came in, never copies.
//! - No claimed length allocates before its bytes are there.

mod command;
mod completion;
mod extension;
mod invocation;

pub use command::{Ack, GroupAction, GroupCommand};
pub use completion::BackplaneCompletion;
pub use extension::{Extension, Overflow};
pub use invocation::{Envelope, Reply};
