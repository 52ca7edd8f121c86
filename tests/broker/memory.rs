//! Around the in-memory backend.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mesahub_broker::conformance::{Fault, Harness, Node};
use mesahub_broker::{Inbox, LogBounds};
use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};
use tokio::runtime::Runtime;

use crate::history::{self, History, answers_like_a_list};
use crate::support::every_wrapper_keeps_every_promise;

const BOUNDS: LogBounds = LogBounds {
    max_count: 100,
    max_bytes: 64 * 1024,
    max_age: Duration::from_secs(60),
};

struct Memory(MemoryNetwork);

#[async_trait]
impl Harness for Memory {
    async fn node(&self) -> Node {
        let (inbox, shards) = Inbox::new(3, 64);
        Node::new(MemoryBroker::join(&self.0, inbox), shards)
    }

    fn bounds(&self) -> LogBounds {
        BOUNDS
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }

    fn fault(&self) -> Option<&dyn Fault> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn around_the_memory_backend_every_wrapper_keeps_every_promise() {
    let config = MemoryConfig { log: BOUNDS };
    every_wrapper_keeps_every_promise(async || Memory(MemoryNetwork::new(config.clone()))).await;
}

#[test]
fn a_log_in_memory_answers_like_a_list() {
    let network = MemoryNetwork::new(MemoryConfig {
        log: history::BOUNDS,
    });
    let (inbox, _shards) = Inbox::new(1, 16);
    let broker = Arc::new(MemoryBroker::join(&network, inbox));
    let (inbox, _shards) = Inbox::new(1, 16);
    let history = History {
        nodes: [broker, Arc::new(MemoryBroker::join(&network, inbox))],
        cases: 96,
    };
    answers_like_a_list(&Runtime::new().unwrap(), &history);
}
