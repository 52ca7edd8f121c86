//! Who a connection is.

use std::sync::Arc;

use jiff::Timestamp;

use super::{guid::SessionId, role::Role, scope::ServiceScope, tenant::TenantKey, user::UserId};

/// Who a connection or a request is: everything that its token said and we use.
///
/// One lives as long as its connection, so it is small (a test holds it to 144 bytes beside
/// its texts) and cloning it copies no text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Principal {
    /// The tenant that the caller belongs to.
    pub tenant: Option<TenantKey>,
    /// The user, unique within the tenant only.
    pub user: Option<UserId>,
    /// The roles, each once, in the order of the token.
    pub roles: Box<[Role]>,
    /// The dining session; customers have one.
    pub session: Option<SessionId>,
    /// The id of the token, for logs and audit.
    pub token_id: Option<Arc<str>>,
    /// When the token ends, without any leeway. A connection does not outlive it.
    pub expires_at: Option<Timestamp>,
    /// Set when the caller is a service: the tenants that it may publish for.
    pub service: Option<ServiceScope>,
}

impl Principal {
    /// A caller of whom nothing is known.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Whether anything at all is known of the caller. A token always tells at least its
    /// end, so whoever showed a valid one is authenticated.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        *self != Self::default()
    }

    /// Whether the caller has the role Admin or Staff.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.roles
            .iter()
            .any(|role| matches!(role, Role::Admin | Role::Staff))
    }

    /// Whether the caller has a dining session.
    #[must_use]
    pub fn is_customer(&self) -> bool {
        self.session.is_some()
    }

    /// Whether the caller has this role.
    #[must_use]
    pub fn has_role(&self, role: &Role) -> bool {
        self.roles.contains(role)
    }

    /// The id under which the hub knows the user: `{tenant}:{user}`, or `:{user}` without a
    /// tenant. A tenant key is never empty and holds no `:`, so users of two tenants
    /// never share one. `None` without a user.
    #[must_use]
    pub fn user_key(&self) -> Option<String> {
        let user = self.user.as_ref()?;
        let tenant = self.tenant.as_ref().map_or("", TenantKey::as_str);
        Some(format!("{tenant}:{user}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn user(tenant: Option<&str>, user: &str) -> Principal {
        Principal {
            tenant: tenant.map(|key| key.parse().unwrap()),
            user: Some(user.parse().unwrap()),
            ..Principal::anonymous()
        }
    }

    #[test]
    fn a_principal_stays_small() {
        assert!(size_of::<Principal>() <= 144, "{}", size_of::<Principal>());
    }

    #[test]
    fn equal_user_ids_of_two_tenants_never_meet() {
        assert_eq!(user(Some("a"), "bob").user_key().unwrap(), "a:bob");
        assert_ne!(
            user(Some("a"), "bob").user_key(),
            user(Some("b"), "bob").user_key()
        );
        assert_ne!(
            user(None, "a:bob").user_key(),
            user(Some("a"), "bob").user_key()
        );
        assert_eq!(Principal::anonymous().user_key(), None);
    }

    #[test]
    fn admins_and_staff_are_admins_and_nobody_else_is() {
        let with = |roles: &[Role]| Principal {
            roles: roles.into(),
            ..Principal::anonymous()
        };
        assert!(with(&[Role::Admin]).is_admin());
        assert!(with(&[Role::Customer, Role::Staff]).is_admin());
        assert!(!with(&[Role::Customer, Role::Service]).is_admin());
        assert!(!with(&[Role::Other("admin".into())]).is_admin());
        assert!(with(&[Role::Customer]).has_role(&Role::Customer));
    }

    #[test]
    fn whoever_is_not_anonymous_is_authenticated() {
        assert!(!Principal::anonymous().is_authenticated());
        let known = Principal {
            expires_at: Some(Timestamp::UNIX_EPOCH),
            ..Principal::anonymous()
        };
        assert!(known.is_authenticated());
    }
}
