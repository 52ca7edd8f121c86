//! What a person is told: building notifications, addressing them and getting them sent.
//!
//! ```text
//!   HTTP, host code ──► Event, Broadcast ──► service ──► Outgoing: one envelope per address
//!                                               │ inline          │ background
//!                                               │                 ├──► journal: on disk first
//!                                               ▼                 ▼
//!                                            broker ◄── retry ◄── batch (bounded queue)
//!                                                         └─► dead letters, when all attempts fail
//!   broker's log ──► replay ──► the answer to `Resume`
//! ```
//!
//! Invariants:
//! - A notification takes one path to clients: the broker. Nothing is also delivered beside it.
//! - All copies of a notification carry the same id, by which the hub and clients know it again.
//! - Nobody waits for another tenant's notifications longer than for a turn of each.
//! - What was accepted is published, or it is in the list of dead letters and in the error log.
//! - Texts from outside are checked when they are read; what is an [`Event`] can be sent.
//!
//! What may not live here: HTTP, names of channels, the rules of who may listen.

pub(crate) mod announce;
pub mod backlog;
pub mod batch;
pub mod broadcast;
pub mod counters;
pub mod dead_letter;
pub(crate) mod direct;
pub(crate) mod drain;
pub mod error;
pub mod event;
#[cfg(test)]
mod fairness;
pub mod fields;
pub(crate) mod handlers;
pub mod hub_service;
pub mod id;
pub mod idempotency;
pub(crate) mod journalled;
pub mod kind;
pub mod label;
pub mod level;
pub(crate) mod linger;
pub mod message;
pub mod metadata;
#[cfg(test)]
mod missed;
pub mod name;
pub mod options;
pub mod order_directory;
pub(crate) mod outgoing;
pub(crate) mod place;
pub(crate) mod progress;
pub(crate) mod queue;
pub mod realtime;
pub mod receipt;
pub(crate) mod record;
pub mod replay;
pub(crate) mod resume;
pub(crate) mod retry;
pub mod service;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod waiting;
pub(crate) mod welcome;
pub(crate) mod writer;

pub use backlog::Backlog;
pub use broadcast::{Audience, AudienceRole, Broadcast};
pub use counters::NotificationCounters;
pub use dead_letter::DeadLetter;
pub use error::{ContentError, NotifyError};
pub use event::Event;
pub use fields::{
    CartUpdated, CustomerOrderUpdate, CustomerSessionExpiring, NewOrder, OrderStatusChanged,
    SessionExpired, SessionStarted, TableStatusChanged,
};
pub use handlers::{NOTIFICATION_HUB, notification_hub};
pub use hub_service::HubNotificationService;
pub use id::NotificationId;
pub use idempotency::{IdempotencyKey, InvalidIdempotencyKey};
pub use journalled::JournalOptions;
pub use kind::NotificationKind;
pub use label::Label;
pub use level::{JournalLevel, Level};
pub use message::Notification;
pub use metadata::Metadata;
pub use name::EventName;
pub use options::NotificationOptions;
pub use order_directory::ClusterOrders;
pub use realtime::{RealTimeService, Received};
pub use receipt::{PublishOptions, Receipt};
pub use replay::Resumed;
pub use resume::Following;
pub use service::NotificationService;
