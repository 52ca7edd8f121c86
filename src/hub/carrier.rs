//! What carries a connection's bytes to its client.

use std::sync::Arc;

use mesahub_protocol::TransportKind;

use crate::hub::frame::Form;
use crate::hub::outbox::Wire;
use crate::hub::upkeep::Upkeep;

/// The sending side of a transport, as a new connection takes it over.
pub(crate) struct Carrier {
    /// Which transport it is.
    pub(crate) transport: TransportKind,
    /// Where the outbox writes.
    pub(crate) wire: Arc<dyn Wire>,
    /// How the transport wants its bytes.
    pub(crate) form: Form,
    /// What looks after it between two requests, where it consists of requests.
    pub(crate) upkeep: Option<Arc<dyn Upkeep>>,
    /// Bytes that it is handed in one write; what is larger leaves in several.
    pub(crate) at_once: usize,
    /// How long one write may take, in milliseconds; `u64::MAX` where the upkeep sees to it.
    pub(crate) send_timeout: u64,
}
