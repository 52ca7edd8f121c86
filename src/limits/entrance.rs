//! Who may connect, and how many of each.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::admission::{Admission, AdmissionOptions, Handshake};
use super::counted::{Counted, Hashing};
use super::refused::Refused;
use super::tally::Tally;
use crate::auth::Principal;

/// How many connections there may be on this node, negotiated ones that wait for their transport
/// included. `None` is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// From one IPv4 address, or one IPv6 network of 64 bits.
    pub per_address: Option<u32>,
    /// Of one user of a tenant.
    pub per_user: Option<u32>,
    /// Of one tenant.
    pub per_tenant: Option<u32>,
    /// In all.
    pub total: Option<u32>,
}

/// The way in to the endpoints that share it.
#[derive(Debug)]
pub struct Entrance {
    options: ConnectionOptions,
    admission: Admission,
    hashing: Hashing,
    here: Mutex<Here>,
    /// An address has been refused, and the log says so.
    has_warned: AtomicBool,
}

#[derive(Debug, Default)]
struct Here {
    total: u32,
    counts: Tally,
}

/// A connection's place. It is held for exactly as long as the connection, or its negotiation, is
/// remembered; dropping it gives the place to others.
#[derive(Debug)]
pub struct Place {
    entrance: Arc<Entrance>,
    tenant: Counted,
    /// By what else it is counted, if that is bounded.
    address: Option<Counted>,
    user: Option<Counted>,
}

impl Entrance {
    /// An entrance with these bounds.
    #[must_use]
    pub fn new(options: ConnectionOptions, admission: &AdmissionOptions) -> Arc<Self> {
        Self::with(options, Admission::new(admission))
    }

    fn with(options: ConnectionOptions, admission: Admission) -> Arc<Self> {
        Arc::new(Self {
            options,
            admission,
            hashing: Hashing::default(),
            here: Mutex::default(),
            has_warned: AtomicBool::new(false),
        })
    }

    /// Whether anybody may come in at this moment. It is cheap, and to be asked before a token is
    /// looked at.
    ///
    /// # Errors
    /// [`Refused::Memory`], [`Refused::Handshakes`] or [`Refused::Total`].
    pub fn check(&self) -> Result<(), Refused> {
        self.admission.check()?;
        let most = self.options.total.unwrap_or(u32::MAX);
        match self.here.lock().total >= most {
            true => Err(Refused::Total),
            false => Ok(()),
        }
    }

    /// Gives a place to a client at an address, if that is known.
    ///
    /// # Errors
    /// The first bound that was reached; then nothing is counted.
    pub fn enter(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        principal: &Principal,
    ) -> Result<Place, Refused> {
        let ConnectionOptions {
            per_address,
            per_user,
            per_tenant,
            total,
        } = self.options;
        let known = self.hashing.tenant(principal);
        let tenant = known.unwrap_or_else(|| self.hashing.nobody());
        let address = per_address.and(address).map(|it| self.hashing.address(it));
        let user = per_user.and_then(|_| self.hashing.user(principal));
        let mut here = self.here.lock();
        if here.total >= total.unwrap_or(u32::MAX) {
            return Err(Refused::Total);
        }
        let bounds = [
            (
                address,
                per_address,
                Refused::PerAddress as fn(u32) -> Refused,
            ),
            (user, per_user, Refused::PerUser),
            (known, per_tenant, Refused::PerTenant),
        ];
        for (who, most, refused) in bounds {
            if let (Some(who), Some(most)) = (who, most)
                && here.counts.count(who) >= most
            {
                drop(here);
                let refused = refused(most);
                self.warn(refused);
                return Err(refused);
            }
        }
        here.total += 1;
        let counted = [address, user, Some(tenant)];
        counted
            .into_iter()
            .flatten()
            .for_each(|who| here.counts.add(who));
        drop(here);
        Ok(Place {
            entrance: Arc::clone(self),
            tenant,
            address,
            user,
        })
    }

    /// Says once what a proxy that is not believed looks like.
    fn warn(&self, refused: Refused) {
        let is_of_address = matches!(refused, Refused::PerAddress(_));
        if is_of_address && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "an address has as many connections as it may have: if it is that of a proxy, the \
                 proxy has to be among those that are trusted"
            );
        }
    }

    /// How many places are taken.
    #[must_use]
    pub fn taken(&self) -> u32 {
        self.here.lock().total
    }

    pub(super) fn admission(&self) -> &Admission {
        &self.admission
    }
}

impl Place {
    /// Lets it begin to shake hands.
    ///
    /// # Errors
    /// [`Refused::Memory`] or [`Refused::Handshakes`].
    pub fn shake_hands(&self) -> Result<Handshake, Refused> {
        self.entrance.admission.begin(&self.entrance, self.tenant)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut here = self.entrance.here.lock();
        here.total -= 1;
        let counted = [self.address, self.user, Some(self.tenant)];
        counted
            .into_iter()
            .flatten()
            .for_each(|who| here.counts.take(who));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::memory::MemoryCeiling;
    use super::*;

    fn user(tenant: &str, user: &str) -> Principal {
        Principal {
            tenant: Some(tenant.parse().unwrap()),
            user: Some(user.parse().unwrap()),
            ..Principal::anonymous()
        }
    }

    fn at(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn is_empty(entrance: &Entrance) -> bool {
        let here = entrance.here.lock();
        let connecting = entrance.admission.is_idle();
        here.total == 0 && here.counts.is_empty() && connecting
    }

    #[test]
    fn each_bound_refuses_its_own_and_nobody_else() {
        let options = ConnectionOptions {
            per_address: Some(2),
            per_user: Some(3),
            per_tenant: Some(4),
            total: Some(6),
        };
        let entrance = Entrance::new(options, &AdmissionOptions::default());
        let enter = |address, principal: &Principal| entrance.enter(at(address), principal);
        let (anna, bert, other) = (user("a", "anna"), user("a", "bert"), user("b", "anna"));
        let first = [enter(1, &anna).unwrap(), enter(1, &anna).unwrap()];
        assert_eq!(enter(1, &anna).unwrap_err(), Refused::PerAddress(2));
        let third = enter(2, &anna).unwrap();
        assert_eq!(enter(2, &anna).unwrap_err(), Refused::PerUser(3));
        let fourth = enter(2, &bert).unwrap();
        assert_eq!(enter(3, &bert).unwrap_err(), Refused::PerTenant(4));
        let others = [
            enter(3, &other).unwrap(),
            enter(3, &Principal::anonymous()).unwrap(),
        ];
        assert_eq!(entrance.check(), Err(Refused::Total));
        assert_eq!(enter(4, &other).unwrap_err(), Refused::Total);
        drop(first);
        assert_eq!(entrance.check(), Ok(()));
        let again = enter(1, &anna).unwrap();
        drop((third, fourth, others, again));
        assert!(is_empty(&entrance));
    }

    #[test]
    fn without_bounds_nobody_is_refused_and_nothing_stays() {
        let options = ConnectionOptions::default();
        let entrance = Entrance::new(options, &AdmissionOptions::default());
        let enter = |_| entrance.enter(None, &Principal::anonymous());
        let places: Vec<_> = (0..1_000).map(|index| enter(index).unwrap()).collect();
        let handshakes: Vec<_> = places.iter().map(|it| it.shake_hands().unwrap()).collect();
        assert_eq!(entrance.taken(), 1_000);
        drop((places, handshakes));
        assert!(is_empty(&entrance));
    }

    #[test]
    fn a_tenant_that_connects_all_at_once_leaves_room_for_another() {
        let admission = AdmissionOptions {
            handshakes: Some(8),
            ..AdmissionOptions::default()
        };
        let entrance = Entrance::new(ConnectionOptions::default(), &admission);
        let begin = |principal: &Principal| entrance.enter(None, principal).unwrap().shake_hands();
        let (noisy, quiet) = (user("noisy", "anna"), user("quiet", "anna"));
        let storm: Vec<_> = (0..20).map_while(|_| begin(&noisy).ok()).collect();
        assert_eq!(storm.len(), 4);
        assert_eq!(begin(&noisy).unwrap_err(), Refused::Handshakes);
        let calm = [begin(&quiet).unwrap(), begin(&quiet).unwrap()];
        assert_eq!(begin(&quiet).unwrap_err(), Refused::Handshakes);
        let last = begin(&user("third", "anna")).unwrap();
        assert_eq!(entrance.check(), Ok(()));
        drop((storm, calm, last));
        assert!(is_empty(&entrance));
    }

    #[test]
    fn without_memory_nobody_comes_in() {
        let ceiling = MemoryCeiling::measured(100, || Some(100));
        let admission = Admission::new(&AdmissionOptions::default()).with_memory(ceiling);
        let entrance = Entrance::with(ConnectionOptions::default(), admission);
        assert_eq!(entrance.check(), Err(Refused::Memory));
        let place = entrance.enter(None, &Principal::anonymous()).unwrap();
        assert_eq!(place.shake_hands().unwrap_err(), Refused::Memory);
        drop(place);
        assert!(is_empty(&entrance));
    }

    #[test]
    fn a_place_is_small() {
        assert!(size_of::<Place>() <= 32, "{}", size_of::<Place>());
        assert_eq!(size_of::<Option<Handshake>>(), size_of::<usize>());
    }
}
