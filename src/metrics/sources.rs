//! Where the metrics come from.

use std::sync::Arc;

use tokio::sync::watch;

use crate::broker::Meters;
use crate::http::RequestCounters;
use crate::hub::{Hub, Node};
use crate::metrics::sheet::{Format, Sheet};
use crate::metrics::{
    backplane, build, connections, delivery, http, notifications, process, sessions,
};
use crate::notification::HubNotificationService;
use crate::session::DiningSessions;

/// The parts of a server that count.
#[derive(Clone)]
pub struct Sources {
    /// The node.
    pub node: Arc<Node>,
    /// Its hubs.
    pub hubs: Vec<Hub>,
    /// The notification service.
    pub service: Arc<HubNotificationService>,
    /// The dining sessions, if any are kept.
    pub sessions: Option<Arc<DiningSessions>>,
    /// What is counted of the backplane.
    pub meters: Arc<Meters>,
    /// What the backplane is called, such as `memory`.
    pub backplane: String,
    /// What is counted of the HTTP API.
    pub requests: Arc<RequestCounters>,
    /// Whether the server takes traffic.
    pub ready: watch::Receiver<bool>,
}

impl Sources {
    /// Reads everything. Asks the backplane whether it is there, for which it waits two seconds at
    /// most, and takes a moment for each connection.
    pub async fn read(&self, format: Format) -> String {
        let is_up = backplane::is_up(&self.node).await;
        let mut sheet = Sheet::new(format);
        connections::write(&mut sheet, &self.hubs);
        delivery::write(&mut sheet, &self.hubs, &self.node);
        notifications::write(&mut sheet, &self.service);
        backplane::write(&mut sheet, &self.backplane, is_up, &self.meters);
        if let Some(kept) = &self.sessions {
            sessions::write(&mut sheet, kept.counters());
        }
        http::write(&mut sheet, &self.requests);
        process::write(&mut sheet);
        build::write(&mut sheet, *self.ready.borrow());
        sheet.finish()
    }
}
