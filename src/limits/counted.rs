//! Who is counted, by a keyed hash.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU64;

use crate::auth::Principal;

/// Somebody who is counted. Only hashes of the same [`Hashing`] can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Counted(NonZeroU64);

/// The key of the hashes, chosen at random, so that nobody can make two of them meet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hashing(RandomState);

#[derive(Hash)]
enum Who<'a> {
    Address(IpAddr),
    User(Option<&'a str>, &'a str),
    Tenant(&'a str),
    Token(&'a str),
    Nobody,
}

impl Hashing {
    /// An address: an IPv6 address counts as its network of 64 bits, which is what one customer is
    /// given, and one that wraps an IPv4 address as that.
    pub(crate) fn address(&self, address: IpAddr) -> Counted {
        let address = match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from_bits(network))
            }
        };
        self.hash(&Who::Address(address))
    }

    /// The user of a tenant, if there is one.
    pub(crate) fn user(&self, principal: &Principal) -> Option<Counted> {
        let tenant = principal.tenant.as_ref().map(|tenant| tenant.as_str());
        let user = principal.user.as_ref()?;
        Some(self.hash(&Who::User(tenant, user.as_str())))
    }

    /// The tenant, if there is one.
    pub(crate) fn tenant(&self, principal: &Principal) -> Option<Counted> {
        let tenant = principal.tenant.as_ref()?;
        Some(self.hash(&Who::Tenant(tenant.as_str())))
    }

    /// A tenant by its key.
    pub(crate) fn named(&self, tenant: &str) -> Counted {
        self.hash(&Who::Tenant(tenant))
    }

    /// A token by its id.
    pub(crate) fn token(&self, id: &str) -> Counted {
        self.hash(&Who::Token(id))
    }

    /// All those of whom nothing is known, together.
    pub(crate) fn nobody(&self) -> Counted {
        self.hash(&Who::Nobody)
    }

    fn hash(&self, who: &Who<'_>) -> Counted {
        let hash = NonZeroU64::new(self.0.hash_one(who));
        Counted(hash.unwrap_or(NonZeroU64::MAX))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn addresses_of_one_ipv6_customer_are_one_and_others_are_not() {
        let hashing = Hashing::default();
        let of = |text: &str| hashing.address(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }

    #[test]
    fn equal_names_of_different_kinds_are_different() {
        let hashing = Hashing::default();
        let principal = Principal {
            tenant: Some("pizza".parse().unwrap()),
            user: Some("pizza".parse().unwrap()),
            ..Principal::anonymous()
        };
        let other = Principal {
            tenant: None,
            ..principal.clone()
        };
        assert_ne!(hashing.user(&principal), hashing.tenant(&principal));
        assert_ne!(hashing.user(&principal), hashing.user(&other));
        assert_eq!(hashing.tenant(&principal), Some(hashing.named("pizza")));
        assert_eq!(hashing.user(&Principal::anonymous()), None);
    }
}
