//! Who may listen to which channel.

use super::name::Channel;
use crate::auth::{OrderId, Principal, SessionId, TenantKey, UserId};

/// The channels that a principal listens to from the start, without asking.
///
/// Everyone hears the global broadcast and the broadcast of their tenant. Admins and staff
/// hear the admins' channel; everyone else hears their own customer channel and that of
/// their dining session, as far as the token names them.
#[must_use]
pub fn channels_on_connect(principal: &Principal) -> Vec<Channel> {
    let tenant = principal.tenant.as_ref();
    let mut channels = vec![Channel::GlobalBroadcast];
    channels.extend(tenant.cloned().map(Channel::TenantBroadcast));
    if principal.is_admin() {
        channels.extend(tenant.cloned().map(Channel::Admins));
        return channels;
    }
    if let (Some(tenant), Some(user)) = (tenant, &principal.user) {
        let (tenant, user) = (tenant.clone(), user.clone());
        channels.push(Channel::Customer { tenant, user });
    }
    channels.extend(principal.session.map(Channel::Session));
    channels
}

/// The channel of an order in the principal's own tenant, whether or not it may be joined.
///
/// # Errors
///
/// [`AccessError::NoTenant`].
pub fn order_channel(principal: &Principal, order: OrderId) -> Result<Channel, AccessError> {
    let tenant = principal.tenant.clone().ok_or(AccessError::NoTenant)?;
    Ok(Channel::Order { tenant, order })
}

/// Whether a principal may listen to a channel.
///
/// `order_session` is what an [`OrderDirectory`](super::OrderDirectory) said of the order,
/// and matters only for an order channel and a customer.
///
/// # Errors
///
/// The one reason why not; [`AccessError::NoTenant`] and [`AccessError::OtherTenant`] come
/// before any that depends on roles.
pub fn may_join(
    principal: &Principal,
    channel: &Channel,
    order_session: Option<SessionId>,
) -> Result<(), AccessError> {
    if let Some(tenant) = channel.tenant() {
        in_tenant(principal, tenant)?;
    }
    match channel {
        Channel::GlobalBroadcast | Channel::TenantBroadcast(_) => Ok(()),
        Channel::Admins(_) | Channel::AdminOrders(_) | Channel::AdminSessions(_) => {
            permit(principal.is_admin(), AccessError::AdminsOnly)
        }
        Channel::Customer { user, .. } => own_customer(principal, user),
        Channel::Session(session) => own_session(principal, *session),
        Channel::Order { order, .. } if !principal.is_admin() => {
            own_order(principal, *order, order_session)
        }
        Channel::Order { .. } => Ok(()),
    }
}

/// Why a principal may not listen to a channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The channel belongs to a tenant and the token names none.
    #[error("the channel belongs to a tenant, and the token has no 'tenantKey' claim")]
    NoTenant,
    /// The channel belongs to another tenant.
    #[error("the channel belongs to another tenant than the token")]
    OtherTenant,
    /// The channel is for the roles Admin and Staff.
    #[error("the channel is for the roles Admin and Staff")]
    AdminsOnly,
    /// The channel is for customers, and the principal is an admin.
    #[error("the channel is for customers, not for the roles Admin and Staff")]
    CustomersOnly,
    /// The channel belongs to another customer.
    #[error("the channel belongs to another customer")]
    OtherCustomer,
    /// A customer's token names no dining session.
    #[error("this needs a dining session, and the token has no 'sessionId' claim")]
    NoSession,
    /// The channel belongs to another dining session.
    #[error("the channel belongs to another dining session")]
    OtherSession,
    /// Nobody has said which session the order belongs to.
    #[error("the order {order} is not known to belong to your dining session")]
    UnknownOrder {
        /// The order asked for.
        order: OrderId,
    },
    /// The order belongs to another dining session.
    #[error("the order {order} belongs to another dining session")]
    OtherOrder {
        /// The order asked for.
        order: OrderId,
    },
}

impl AccessError {
    /// Whether the same request with the same token may be granted later: only when the order
    /// is not known yet.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::UnknownOrder { .. })
    }
}

fn in_tenant(principal: &Principal, tenant: &TenantKey) -> Result<(), AccessError> {
    let own = principal.tenant.as_ref().ok_or(AccessError::NoTenant)?;
    permit(own == tenant, AccessError::OtherTenant)
}

fn own_customer(principal: &Principal, user: &UserId) -> Result<(), AccessError> {
    permit(!principal.is_admin(), AccessError::CustomersOnly)?;
    let own = principal.user.as_ref() == Some(user);
    permit(own, AccessError::OtherCustomer)
}

fn own_session(principal: &Principal, session: SessionId) -> Result<(), AccessError> {
    permit(!principal.is_admin(), AccessError::CustomersOnly)?;
    let own = principal.session.ok_or(AccessError::NoSession)?;
    permit(own == session, AccessError::OtherSession)
}

fn own_order(
    principal: &Principal,
    order: OrderId,
    order_session: Option<SessionId>,
) -> Result<(), AccessError> {
    let own = principal.session.ok_or(AccessError::NoSession)?;
    let session = order_session.ok_or(AccessError::UnknownOrder { order })?;
    permit(own == session, AccessError::OtherOrder { order })
}

fn permit(condition: bool, otherwise: AccessError) -> Result<(), AccessError> {
    if condition { Ok(()) } else { Err(otherwise) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;
    use crate::auth::Role;

    const SESSION: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    const OTHER: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3302";

    fn with_role(role: Role) -> Principal {
        Principal {
            tenant: Some("demo".parse().unwrap()),
            user: Some("ann".parse().unwrap()),
            roles: [role].into(),
            session: Some(SESSION.parse().unwrap()),
            ..Principal::anonymous()
        }
    }

    fn on_connect(principal: &Principal) -> Vec<String> {
        let channels = channels_on_connect(principal);
        channels.iter().map(Channel::to_string).collect()
    }

    fn join(principal: &Principal, name: &str) -> Result<(), AccessError> {
        may_join(principal, &name.parse().unwrap(), None)
    }

    #[test]
    fn everyone_starts_with_the_channels_of_their_kind() {
        let customer = with_role(Role::Customer);
        assert_eq!(
            on_connect(&customer),
            [
                "global:broadcast",
                "tenant:demo:broadcast",
                "tenant:demo:customer:ann",
                "session:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            ]
        );
        let admins = [
            "global:broadcast",
            "tenant:demo:broadcast",
            "tenant:demo:admins",
        ];
        assert_eq!(on_connect(&with_role(Role::Admin)), admins);
        assert_eq!(on_connect(&with_role(Role::Staff)), admins);
        assert_eq!(on_connect(&Principal::anonymous()), ["global:broadcast"]);
    }

    #[test]
    fn an_admin_without_a_tenant_hears_no_admins_channel() {
        let mut admin = with_role(Role::Admin);
        admin.tenant = None;
        assert_eq!(on_connect(&admin), ["global:broadcast"]);
        assert_eq!(
            join(&admin, "tenant:demo:admins"),
            Err(AccessError::NoTenant)
        );
    }

    #[test]
    fn everyone_may_join_what_they_start_with() {
        for role in [Role::Admin, Role::Staff, Role::Customer] {
            let principal = with_role(role);
            for channel in channels_on_connect(&principal) {
                assert_eq!(may_join(&principal, &channel, None), Ok(()), "{channel}");
            }
        }
    }

    #[test]
    fn nobody_joins_a_channel_of_another_tenant() {
        for role in [Role::Admin, Role::Staff, Role::Customer] {
            let principal = with_role(role);
            for tail in [
                "broadcast",
                "admins",
                "admins:orders",
                "admins:sessions",
                "customer:ann",
                "order:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            ] {
                let channel = format!("tenant:other:{tail}").parse().unwrap();
                let own_session = principal.session;
                assert_eq!(
                    may_join(&principal, &channel, own_session),
                    Err(AccessError::OtherTenant),
                    "{channel}"
                );
            }
        }
    }

    #[test]
    fn admin_channels_are_for_admins() {
        for name in ["admins", "admins:orders", "admins:sessions"] {
            let name = format!("tenant:demo:{name}");
            assert_eq!(join(&with_role(Role::Staff), &name), Ok(()));
            let customer = with_role(Role::Customer);
            assert_eq!(join(&customer, &name), Err(AccessError::AdminsOnly));
            let lookalike = with_role(Role::Other("admin".into()));
            assert_eq!(join(&lookalike, &name), Err(AccessError::AdminsOnly));
        }
    }

    #[test]
    fn the_channels_of_one_person_are_for_that_person() {
        let customer = with_role(Role::Customer);
        let bob = "tenant:demo:customer:bob";
        assert_eq!(join(&customer, bob), Err(AccessError::OtherCustomer));
        let other = format!("session:{OTHER}");
        assert_eq!(join(&customer, &other), Err(AccessError::OtherSession));
        let admin = with_role(Role::Admin);
        let own = format!("session:{SESSION}");
        assert_eq!(join(&admin, &own), Err(AccessError::CustomersOnly));
        let ann = "tenant:demo:customer:ann";
        assert_eq!(join(&admin, ann), Err(AccessError::CustomersOnly));
        let unseated = Principal {
            session: None,
            ..customer
        };
        assert_eq!(join(&unseated, &own), Err(AccessError::NoSession));
    }

    #[test]
    fn an_order_is_for_admins_and_the_session_it_belongs_to() {
        let order: OrderId = Uuid::from_u128(5).into();
        let channel = order_channel(&with_role(Role::Admin), order).unwrap();
        let asks = |principal: &Principal, session: Option<&str>| {
            may_join(principal, &channel, session.map(|id| id.parse().unwrap()))
        };
        let customer = with_role(Role::Customer);
        assert_eq!(asks(&customer, Some(SESSION)), Ok(()));
        assert_eq!(
            asks(&customer, Some(OTHER)),
            Err(AccessError::OtherOrder { order })
        );
        let unknown = asks(&customer, None).unwrap_err();
        assert_eq!(unknown, AccessError::UnknownOrder { order });
        assert!(unknown.is_retryable());
        assert_eq!(asks(&with_role(Role::Staff), None), Ok(()));
        let unseated = Principal {
            session: None,
            ..customer
        };
        assert_eq!(asks(&unseated, Some(SESSION)), Err(AccessError::NoSession));
    }

    #[test]
    fn a_stranger_joins_the_global_broadcast_only() {
        let stranger = Principal::anonymous();
        assert_eq!(join(&stranger, "global:broadcast"), Ok(()));
        assert_eq!(
            join(&stranger, "tenant:demo:broadcast"),
            Err(AccessError::NoTenant)
        );
        let session = format!("session:{SESSION}");
        assert_eq!(join(&stranger, &session), Err(AccessError::NoSession));
        let order = Uuid::from_u128(5).into();
        assert_eq!(order_channel(&stranger, order), Err(AccessError::NoTenant));
    }
}
