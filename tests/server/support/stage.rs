//! What handlers and tests tell each other.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use mesahub::hub::{ConnectionId, Ending};
use tokio::sync::{Semaphore, watch};

use super::deadline::within;

/// Shared by the handlers of a hub and its test.
pub(crate) struct Stage {
    endings: watch::Sender<HashMap<ConnectionId, Ending>>,
    started: watch::Sender<Vec<String>>,
    notes: watch::Sender<Vec<String>>,
    /// A permit lets one waiting handler go on.
    pub(crate) gate: Semaphore,
    /// Items that `Flood` has made.
    pub(crate) produced: AtomicUsize,
    /// What the connect handler does.
    pub(crate) door: Mutex<Door>,
}

/// What the connect handler does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Door {
    /// Lets everybody in.
    #[default]
    Open,
    /// Lets everybody in who has waited for the gate.
    Waits,
    /// Fails with an error that is nobody's business.
    Fails,
    /// Fails with a deliberate error.
    Refuses,
    /// Panics.
    Panics,
    /// Asks the client for a value.
    Asks,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            endings: watch::Sender::default(),
            started: watch::Sender::default(),
            notes: watch::Sender::default(),
            gate: Semaphore::new(0),
            produced: AtomicUsize::new(0),
            door: Mutex::default(),
        }
    }

    pub(crate) fn record_ending(&self, id: ConnectionId, ending: Ending) {
        self.endings.send_modify(|endings| {
            endings.insert(id, ending);
        });
    }

    /// Waits until a connection's disconnect handler has run, and says why it ended.
    pub(crate) async fn ending_of(&self, id: ConnectionId) -> Ending {
        let mut endings = self.endings.subscribe();
        let seen = within("the disconnect handler", async {
            endings.wait_for(|all| all.contains_key(&id)).await.unwrap()[&id].clone()
        });
        seen.await
    }

    pub(crate) fn record_start(&self, text: String) {
        self.started.send_modify(|started| started.push(text));
    }

    /// The calls that have begun to wait at the gate, in order, once there are this many.
    pub(crate) async fn started(&self, count: usize) -> Vec<String> {
        reached(&self.started, count).await
    }

    /// How many calls have begun to wait at the gate.
    pub(crate) fn started_so_far(&self) -> usize {
        self.started.borrow().len()
    }

    pub(crate) fn note(&self, text: String) {
        self.notes.send_modify(|notes| notes.push(text));
    }

    /// What calls without an answer have noted, in order, once there are this many.
    pub(crate) async fn notes(&self, count: usize) -> Vec<String> {
        reached(&self.notes, count).await
    }
}

async fn reached(list: &watch::Sender<Vec<String>>, count: usize) -> Vec<String> {
    let mut list = list.subscribe();
    let long_enough = list.wait_for(|list| list.len() >= count);
    within("calls to begin", long_enough).await.unwrap().clone()
}
