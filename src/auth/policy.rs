//! What a principal may do.

use std::fmt;

use super::{principal::Principal, scope::ServiceScope, tenant::TenantKey};

/// A condition on who may call a method or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// Anyone with a valid token.
    Authenticated,
    /// The roles Admin and Staff.
    AdminOnly,
    /// Those whose token names a dining session.
    CustomerOnly,
    /// Services, which may publish; [`Policy::may_publish`] asks for which tenants.
    Service,
}

impl Policy {
    /// Whether the policy lets this principal through.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotAuthenticated`] for an anonymous caller, else the refusal of the policy.
    pub fn allows(self, principal: &Principal) -> Result<(), Refusal> {
        if !principal.is_authenticated() {
            return Err(Refusal::NotAuthenticated);
        }
        let (met, refusal) = match self {
            Self::Authenticated => (true, Refusal::NotAuthenticated),
            Self::AdminOnly => (principal.is_admin(), Refusal::NotAdmin),
            Self::CustomerOnly => (principal.is_customer(), Refusal::NotCustomer),
            Self::Service => (principal.service.is_some(), Refusal::NotService),
        };
        if met { Ok(()) } else { Err(refusal) }
    }

    /// Whether a principal may publish for a tenant, or, with `None`, for all at once.
    ///
    /// # Errors
    ///
    /// Those of [`Policy::Service`], then [`Refusal::OtherTenant`] or
    /// [`Refusal::NotEveryTenant`].
    pub fn may_publish(principal: &Principal, tenant: Option<&TenantKey>) -> Result<(), Refusal> {
        Self::Service.allows(principal)?;
        let scope = principal.service.as_ref();
        match tenant {
            Some(tenant) if scope.is_some_and(|s| s.covers(tenant)) => Ok(()),
            Some(tenant) => Err(Refusal::OtherTenant {
                tenant: tenant.clone(),
            }),
            None if scope.is_some_and(ServiceScope::covers_every_tenant) => Ok(()),
            None => Err(Refusal::NotEveryTenant),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Authenticated => "Authenticated",
            Self::AdminOnly => "AdminOnly",
            Self::CustomerOnly => "CustomerOnly",
            Self::Service => "Service",
        })
    }
}

/// Why a principal may not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The caller is anonymous; a token may help.
    #[error("this needs a signed-in caller")]
    NotAuthenticated,
    /// The caller has neither admin role.
    #[error("this is for the roles Admin and Staff")]
    NotAdmin,
    /// The caller has no dining session.
    #[error("this is for customers with a dining session")]
    NotCustomer,
    /// The caller is no service.
    #[error("this is for services")]
    NotService,
    /// The service may not publish for this tenant.
    #[error("this service may not publish for the tenant '{tenant}'")]
    OtherTenant {
        /// The tenant it asked for.
        tenant: TenantKey,
    },
    /// The service may publish for some tenants and asked for all.
    #[error("this service may publish for its own tenants, not for all")]
    NotEveryTenant,
}

impl Refusal {
    /// A short, stable name of the refusal for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAuthenticated => "not_authenticated",
            Self::NotAdmin => "admin_only",
            Self::NotCustomer => "customer_only",
            Self::NotService => "service_only",
            Self::OtherTenant { .. } => "other_tenant",
            Self::NotEveryTenant => "not_every_tenant",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;
    use crate::auth::Role;

    fn admin() -> Principal {
        Principal {
            roles: [Role::Staff].into(),
            ..Principal::anonymous()
        }
    }

    fn customer() -> Principal {
        Principal {
            session: Some(Uuid::from_u128(1).into()),
            ..Principal::anonymous()
        }
    }

    fn service(scope: ServiceScope) -> Principal {
        Principal {
            service: Some(scope),
            ..Principal::anonymous()
        }
    }

    #[test]
    fn each_policy_lets_its_own_through_and_nobody_else() {
        let all = [admin(), customer(), service(ServiceScope::Every)];
        let passed = |policy: Policy| all.each_ref().map(|p| policy.allows(p).is_ok());
        assert_eq!(passed(Policy::AdminOnly), [true, false, false]);
        assert_eq!(passed(Policy::CustomerOnly), [false, true, false]);
        assert_eq!(passed(Policy::Service), [false, false, true]);
        assert_eq!(passed(Policy::Authenticated), [true, true, true]);
    }

    #[test]
    fn an_anonymous_caller_is_told_to_sign_in_by_every_policy() {
        for policy in [
            Policy::Authenticated,
            Policy::AdminOnly,
            Policy::CustomerOnly,
            Policy::Service,
        ] {
            let refusal = policy.allows(&Principal::anonymous()).unwrap_err();
            assert_eq!(refusal, Refusal::NotAuthenticated, "{policy}");
        }
    }

    #[test]
    fn a_service_publishes_within_its_scope_only() {
        let [a, b]: [TenantKey; 2] = ["a".parse().unwrap(), "b".parse().unwrap()];
        let scoped = service(ServiceScope::Tenants([a.clone()].into()));
        assert_eq!(Policy::may_publish(&scoped, Some(&a)), Ok(()));
        assert_eq!(
            Policy::may_publish(&scoped, Some(&b)),
            Err(Refusal::OtherTenant { tenant: b.clone() })
        );
        assert_eq!(
            Policy::may_publish(&scoped, None),
            Err(Refusal::NotEveryTenant)
        );
        let every = service(ServiceScope::Every);
        assert_eq!(Policy::may_publish(&every, Some(&b)), Ok(()));
        assert_eq!(Policy::may_publish(&every, None), Ok(()));
        assert_eq!(
            Policy::may_publish(&admin(), Some(&a)),
            Err(Refusal::NotService)
        );
    }
}
