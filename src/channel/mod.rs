//! Which channels there are, and who may listen to them.
//!
//! ```text
//! token ──> Principal ──> access.rs: on connect, on request ──> Channel ──> name.rs ──> group
//!                              │
//!                          orders.rs: which session an order belongs to
//! ```
//!
//! What holds here:
//!
//! - Only `name.rs` writes and reads the names of channels. A [`Channel`] is made of checked
//!   identities, so one name stands for one channel and no text from outside makes another.
//! - The tenant of a channel that a caller asks for always comes from the caller's token.
//! - What a channel's members are sent, and the hub that they reach it by, are no concern of this
//!   room.

mod access;
mod name;
mod orders;
mod role;

pub use access::{AccessError, channels_on_connect, may_join, order_channel};
pub use name::{AdminChannel, Channel, ChannelError};
pub use orders::{OrderDirectory, RecentOrders};
pub use role::role_group;
