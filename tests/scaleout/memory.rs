//! Nodes of one process on the in-memory backplane.

use std::sync::Arc;

use mesahub_broker::Broker;
use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};

use crate::fleet::Fleet;
use crate::live;

#[tokio::test(flavor = "multi_thread")]
async fn on_the_memory_backplane_nothing_is_missing_doubled_misordered_or_leaked() {
    let network = MemoryNetwork::new(MemoryConfig::default());
    let fleet = Fleet::start(async |inbox| {
        Arc::new(MemoryBroker::join(&network, inbox)) as Arc<dyn Broker>
    });
    live(fleet.await, 1).await;
}
