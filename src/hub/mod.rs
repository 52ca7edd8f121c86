//! The hub: connections, groups, users, handlers, and messages to all of them.
//!
//! ```text
//!   connection room ──► dispatch ──► lane ──► handler ──► completion ─┐
//!                                                                     ▼
//!   clients ──► broker ⇢ inbox ──► fanout ──► membership ─────────► outbox ──► transport
//! ```
//!
//! Invariants:
//! - A connection is registered exactly as long as its [`registry`] guard lives; dropping the guard
//!   is the whole clean-up.
//! - A broadcast is encoded once per hub protocol and framed once per kind of transport; every
//!   recipient shares those bytes.
//! - Bytes reach a client only through its outbox, in the order in which the outbox took them.
//! - Every ending is a row of [`ending`].
//!
//! What may not live here: reading from sockets, HTTP, tenants, channel names, notifications.

pub(crate) mod aspnetcore;
pub mod builder;
pub mod caller;
pub(crate) mod calls;
pub(crate) mod carrier;
pub mod census;
pub mod clients;
pub mod cluster;
pub mod connection;
pub mod counters;
pub(crate) mod dispatch;
pub mod ending;
pub mod error;
pub mod extract;
pub(crate) mod fanout;
pub mod filter;
pub mod frame;
pub(crate) mod gate;
pub mod handler;
pub mod histogram;
pub mod id;
pub(crate) mod inspection;
pub mod instance;
pub(crate) mod interest;
pub(crate) mod lag;
pub(crate) mod lane;
pub(crate) mod lifecycle;
pub(crate) mod listener;
pub mod loss;
pub(crate) mod membership;
pub(crate) mod mender;
pub(crate) mod mends;
pub mod node;
pub mod options;
pub mod outbox;
pub mod peers;
pub(crate) mod queue;
pub(crate) mod receipts;
pub(crate) mod receiver;
pub(crate) mod registry;
pub(crate) mod renewal;
pub mod reply;
pub mod results;
pub(crate) mod resumption;
pub(crate) mod seen;
pub(crate) mod standing;
pub(crate) mod streaming;
pub(crate) mod topics;
pub mod traffic;
pub(crate) mod trail;
pub(crate) mod turns;
pub(crate) mod type_name;
pub(crate) mod upkeep;
pub mod upload;
pub(crate) mod wheel;

pub use builder::HubBuilder;
pub use caller::Caller;
pub use census::Census;
pub use clients::{Clients, Recipients, SendOptions};
pub use cluster::{Cluster, ClusterError, Whois};
pub use connection::Connection;
pub use counters::{Counters, Losses};
pub use ending::Ending;
pub use error::{GroupError, HubBuildError, HubError, SendError};
pub use extract::{Cancelled, Ended, State};
pub use filter::{HubFilter, Invoked};
pub use histogram::Histogram;
pub use id::{ConnectionId, ConnectionToken};
pub use instance::{Hub, Subscription};
pub use loss::{LOST, Lost, LostReason};
pub use membership::SubscribeFailed;
pub use node::{Node, NodeOptions};
pub use options::{HubOptions, Wire};
pub use outbox::Overflow;
pub use peers::NodeId;
pub use receipts::{RECEIPTS_KEPT, Receipt};
pub use results::InvokeError;
pub use traffic::{CallKind, CallOutcome, Traffic};
pub use upload::{Upload, UploadError};
