//! Nodes of one process on the in-memory backplane.

use std::sync::{Arc, OnceLock};

use mesahub_broker::Broker;
use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};

use crate::fleet::Fleet;
use crate::healing::{Deaf, silence_is_found};
use crate::{live, receipts};

#[tokio::test(flavor = "multi_thread")]
async fn on_the_memory_backplane_nothing_is_missing_doubled_misordered_or_leaked() {
    let network = MemoryNetwork::new(MemoryConfig::default());
    let fleet = Fleet::start(async |inbox| {
        Arc::new(MemoryBroker::join(&network, inbox)) as Arc<dyn Broker>
    });
    live(fleet.await, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_memory_backplane_a_silent_subscription_is_found_and_made_up_for() {
    let network = MemoryNetwork::new(MemoryConfig::default());
    let first = OnceLock::new();
    let fleet = Fleet::start(async |inbox| {
        let broker = Arc::new(Deaf::new(Arc::new(MemoryBroker::join(&network, inbox))));
        first.get_or_init(|| Arc::clone(&broker));
        broker as Arc<dyn Broker>
    });
    let fleet = fleet.await;
    silence_is_found(fleet, first.get().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_memory_backplane_receipts_count_each_connection_once() {
    let network = MemoryNetwork::new(MemoryConfig::default());
    let fleet = Fleet::start(async |inbox| {
        Arc::new(MemoryBroker::join(&network, inbox)) as Arc<dyn Broker>
    });
    receipts::are_gathered(fleet.await).await;
}
