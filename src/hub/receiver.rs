//! Topics whose payloads are not for the members but for a part of this node.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use mesahub_broker::{Delivery, Topic};
use parking_lot::RwLock;

/// A part of this node that takes payloads of its own topics.
pub(crate) trait Receiver: Send + Sync {
    /// Takes the payload if the topic is one of its own; whether it was. Runs on the fan-out's
    /// thread in the order of the topic, so it must be quick and must not block.
    fn take(&self, topic: &Topic, payload: &Bytes) -> bool;
}

/// The receivers of a node. Most nodes have none, which costs a delivery next to nothing.
#[derive(Default)]
pub(crate) struct Receivers {
    any: AtomicBool,
    all: RwLock<Vec<Weak<dyn Receiver>>>,
}

impl Receivers {
    /// Adds a receiver for as long as it lives.
    pub(crate) fn add(&self, receiver: Weak<dyn Receiver>) {
        let mut all = self.all.write();
        all.retain(|receiver| receiver.strong_count() > 0);
        all.push(receiver);
        self.any.store(true, Ordering::Release);
    }

    /// Gives a delivery to whoever it is for; whether there was one.
    pub(crate) fn take(&self, delivery: &Delivery) -> bool {
        self.any.load(Ordering::Acquire)
            && self
                .all
                .read()
                .iter()
                .filter_map(Weak::upgrade)
                .any(|receiver| receiver.take(&delivery.topic, &delivery.payload))
    }
}
