//! Who is here at this moment, and how much waits for them.

use mesahub_protocol::TransportKind;

use crate::hub::connection::Connection;

/// The connections of a hub on one node at one moment. It is counted when somebody asks, and costs
/// the connections nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    by_transport: [u64; TRANSPORTS.len()],
    /// Connections for which something waits.
    pub waiting: u64,
    /// Bytes that wait in all send queues together.
    pub queued_bytes: u64,
    /// Bytes that wait in the fullest of them.
    pub most_queued_bytes: u64,
}

const TRANSPORTS: [TransportKind; 3] = [
    TransportKind::WebSockets,
    TransportKind::ServerSentEvents,
    TransportKind::LongPolling,
];

impl Census {
    /// How many connections there are over each transport.
    #[must_use]
    pub fn by_transport(&self) -> [(TransportKind, u64); TRANSPORTS.len()] {
        std::array::from_fn(|place| (TRANSPORTS[place], self.by_transport[place]))
    }

    pub(crate) fn count(&mut self, connection: &Connection) {
        let kind = connection.transport();
        if let Some(place) = TRANSPORTS.iter().position(|known| *known == kind) {
            self.by_transport[place] += 1;
        }
        let queued = connection.queued_bytes() as u64;
        self.waiting += u64::from(queued > 0);
        self.queued_bytes += queued;
        self.most_queued_bytes = self.most_queued_bytes.max(queued);
    }
}
