//! The tenants that a service may publish for.

use super::tenant::TenantKey;

/// The tenants that a service token may publish for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceScope {
    /// Every tenant; a token says so with `"tenants": ["*"]`.
    Every,
    /// These tenants and no other.
    Tenants(Box<[TenantKey]>),
}

impl ServiceScope {
    /// Whether the service may publish for this tenant.
    #[must_use]
    pub fn covers(&self, tenant: &TenantKey) -> bool {
        match self {
            Self::Every => true,
            Self::Tenants(tenants) => tenants.contains(tenant),
        }
    }

    /// Whether the service may publish for all tenants, and so to everyone at once.
    #[must_use]
    pub fn covers_every_tenant(&self) -> bool {
        matches!(self, Self::Every)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_listed_tenant_is_covered_and_another_is_not() {
        let [a, b]: [TenantKey; 2] = ["a".parse().unwrap(), "b".parse().unwrap()];
        let scope = ServiceScope::Tenants([a.clone()].into());
        assert!(scope.covers(&a));
        assert!(!scope.covers(&b));
        assert!(!scope.covers_every_tenant());
        assert!(ServiceScope::Every.covers(&b));
        assert!(ServiceScope::Every.covers_every_tenant());
    }
}
