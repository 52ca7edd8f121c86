//! The in-memory backend, against channels and locked maps.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mesahub_broker::{Broker, Topic};
use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use crate::client::{Client, Ours};
use crate::stage::{Stage, bounds};

/// One network of each kind.
pub(crate) struct Memory {
    network: MemoryNetwork,
    floor: Arc<Floor>,
}

type Message = (Topic, Bytes);

/// What bare nodes share.
#[derive(Default)]
struct Floor {
    listening: Mutex<HashMap<Topic, Vec<mpsc::Sender<Message>>>>,
    logs: Mutex<HashMap<Topic, VecDeque<Bytes>>>,
}

struct Bare {
    floor: Arc<Floor>,
    sender: mpsc::Sender<Message>,
    receiver: AsyncMutex<mpsc::Receiver<Message>>,
}

#[async_trait]
impl Stage for Memory {
    const NAME: &'static str = "memory";
    const FLOOR: &'static str = "a Tokio channel and locked maps";

    async fn start() -> Self {
        let config = MemoryConfig { log: bounds() };
        Self {
            network: MemoryNetwork::new(config),
            floor: Arc::default(),
        }
    }

    async fn ours(&self) -> Box<dyn Client> {
        Ours::open(async |inbox| {
            Arc::new(MemoryBroker::join(&self.network, inbox)) as Arc<dyn Broker>
        })
        .await
    }

    async fn bare(&self) -> Box<dyn Client> {
        let (sender, receiver) = mpsc::channel(8_192);
        let receiver = AsyncMutex::new(receiver);
        let floor = Arc::clone(&self.floor);
        Box::new(Bare {
            floor,
            sender,
            receiver,
        })
    }
}

#[async_trait]
impl Client for Bare {
    async fn publish(&self, topic: &Topic, payload: &Bytes, count: usize) {
        for _ in 0..count {
            let senders = self.floor.listening.lock().get(topic).cloned();
            for sender in senders.unwrap_or_default() {
                let message = (topic.clone(), payload.clone());
                sender.send(message).await.expect("it is received");
            }
        }
    }

    async fn subscribe(&self, topics: &[Topic]) {
        for topic in topics {
            let mut listening = self.floor.listening.lock();
            let senders = listening.entry(topic.clone()).or_default();
            senders.push(self.sender.clone());
        }
    }

    async fn unsubscribe(&self, topics: &[Topic]) {
        for topic in topics {
            let mut listening = self.floor.listening.lock();
            if let Some(senders) = listening.get_mut(topic) {
                senders.retain(|sender| !sender.same_channel(&self.sender));
                if senders.is_empty() {
                    listening.remove(topic);
                }
            }
        }
    }

    async fn receive(&self, count: usize) {
        let mut receiver = self.receiver.lock().await;
        for _ in 0..count {
            receiver.recv().await.expect("it is sent");
        }
    }

    async fn append(&self, topic: &Topic, payload: &Bytes, count: usize) {
        for _ in 0..count {
            let mut logs = self.floor.logs.lock();
            let log = logs.entry(topic.clone()).or_default();
            if log.len() == bounds().max_count {
                log.pop_front();
            }
            log.push_back(payload.clone());
        }
        self.publish(topic, payload, count).await;
    }

    async fn read(&self, topic: &Topic, count: usize) -> usize {
        let logs = self.floor.logs.lock();
        let log = logs.get(topic).expect("there is a log");
        log.iter().take(count).cloned().collect::<Vec<_>>().len()
    }
}
