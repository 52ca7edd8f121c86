//! Whether the node takes anybody at this moment.

use std::sync::Arc;

use parking_lot::Mutex;

use super::counted::Counted;
use super::entrance::Entrance;
use super::memory::MemoryCeiling;
use super::refused::Refused;
use super::tally::Tally;

/// When a node takes nobody more, whoever asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdmissionOptions {
    /// The most bytes of memory that the process may have and still take connections; `None` for no
    /// bound.
    pub memory: Option<u64>,
    /// The most connections that may be between their transport and the end of their connect handler;
    /// `None` for no bound. One tenant has at most as many as are still free, so that there is
    /// always room for another.
    pub handshakes: Option<u32>,
}

/// Counts those who are connecting.
#[derive(Debug)]
pub(crate) struct Admission {
    memory: Option<MemoryCeiling>,
    most: Option<u32>,
    connecting: Mutex<Connecting>,
}

#[derive(Debug, Default)]
struct Connecting {
    total: u32,
    of_tenants: Tally,
}

/// A connection that has not shaken hands. Dropping it makes room for another.
#[derive(Debug)]
pub struct Handshake(Box<Held>);

#[derive(Debug)]
struct Held {
    entrance: Arc<Entrance>,
    tenant: Counted,
}

impl Admission {
    pub(crate) fn new(options: &AdmissionOptions) -> Self {
        Self {
            memory: options.memory.map(MemoryCeiling::new),
            most: options.handshakes,
            connecting: Mutex::default(),
        }
    }

    /// Whether it makes sense to look at who asks.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        if self.memory.as_ref().is_some_and(MemoryCeiling::is_reached) {
            return Err(Refused::Memory);
        }
        match self.most {
            Some(most) if self.connecting.lock().total >= most => Err(Refused::Handshakes),
            _ => Ok(()),
        }
    }

    /// Lets one of this tenant begin.
    pub(crate) fn begin(
        &self,
        entrance: &Arc<Entrance>,
        tenant: Counted,
    ) -> Result<Handshake, Refused> {
        self.check()?;
        let mut connecting = self.connecting.lock();
        let free = self
            .most
            .map_or(u32::MAX, |most| most.saturating_sub(connecting.total));
        if connecting.of_tenants.count(tenant) >= free {
            return Err(Refused::Handshakes);
        }
        connecting.total += 1;
        connecting.of_tenants.add(tenant);
        Ok(Handshake(Box::new(Held {
            entrance: Arc::clone(entrance),
            tenant,
        })))
    }

    fn end(&self, tenant: Counted) {
        let mut connecting = self.connecting.lock();
        connecting.total -= 1;
        connecting.of_tenants.take(tenant);
    }

    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        let connecting = self.connecting.lock();
        connecting.total == 0 && connecting.of_tenants.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn with_memory(mut self, ceiling: MemoryCeiling) -> Self {
        self.memory = Some(ceiling);
        self
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.0.entrance.admission().end(self.0.tenant);
    }
}
