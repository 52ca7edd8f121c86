//! Which channels there are, and who may listen to them.
//!
//! ```text
//! token ──> Principal ──> access.rs: on connect, on request ──> Channel ──> name.rs ──> group
//!                              │
//!                          orders.rs: which session an order belongs to
//!
//! connection ──> welcome.rs: joins what it starts with ──> handlers.rs: joins what it asks for
//! ```
//!
//! What holds here:
//!
//! - Only `name.rs` writes and reads the names of channels. A [`Channel`] is made of checked
//!   identities, so one name stands for one channel and no text from outside makes another.
//! - The tenant of a channel that a caller asks for always comes from the caller's token.
//! - What a channel's members are sent is no concern of this room.

mod access;
mod handlers;
mod name;
mod orders;
mod welcome;

pub use access::{AccessError, channels_on_connect, may_join, order_channel};
pub use handlers::{NOTIFICATION_HUB, notification_hub};
pub use name::{AdminChannel, Channel, ChannelError};
pub use orders::{OrderDirectory, RecentOrders};
pub use welcome::role_group;
