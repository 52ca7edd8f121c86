//! The names of channels: the only place that builds or parses them.

use std::{fmt, str::FromStr};

use crate::auth::{IdentityError, OrderId, SessionId, TenantKey, UserId, serde_as_text};

/// One channel. Its `Display` is its name, and the name reads back as the same channel.
///
/// Tenant keys hold no `:` and a user id comes last, so no two channels share a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// `global:broadcast`: everyone.
    GlobalBroadcast,
    /// `tenant:{tenantKey}:broadcast`: everyone of one tenant.
    TenantBroadcast(TenantKey),
    /// `tenant:{tenantKey}:admins`: its admins and staff.
    Admins(TenantKey),
    /// `tenant:{tenantKey}:admins:orders`: those of them who follow orders.
    AdminOrders(TenantKey),
    /// `tenant:{tenantKey}:admins:sessions`: those of them who follow dining sessions.
    AdminSessions(TenantKey),
    /// `tenant:{tenantKey}:customer:{userId}`: one customer on all devices.
    Customer {
        /// The tenant of the customer.
        tenant: TenantKey,
        /// The customer.
        user: UserId,
    },
    /// `session:{sessionId}`: one dining session.
    Session(SessionId),
    /// `tenant:{tenantKey}:order:{orderId}`: one order.
    Order {
        /// The tenant of the order.
        tenant: TenantKey,
        /// The order.
        order: OrderId,
    },
}

impl Channel {
    /// The tenant that the channel belongs to; none for the global and the session channels.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantKey> {
        match self {
            Self::GlobalBroadcast | Self::Session(_) => None,
            Self::TenantBroadcast(tenant)
            | Self::Admins(tenant)
            | Self::AdminOrders(tenant)
            | Self::AdminSessions(tenant)
            | Self::Customer { tenant, .. }
            | Self::Order { tenant, .. } => Some(tenant),
        }
    }

    /// Whether the channel is one of the two broadcasts.
    #[must_use]
    pub fn is_broadcast(&self) -> bool {
        matches!(self, Self::GlobalBroadcast | Self::TenantBroadcast(_))
    }

    /// Whether its notifications are kept for a client that comes back: all channels but the
    /// broadcasts, unless configuration says otherwise.
    #[must_use]
    pub fn keeps_log(&self) -> bool {
        !self.is_broadcast()
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GlobalBroadcast => formatter.write_str("global:broadcast"),
            Self::TenantBroadcast(tenant) => write!(formatter, "tenant:{tenant}:broadcast"),
            Self::Admins(tenant) => write!(formatter, "tenant:{tenant}:admins"),
            Self::AdminOrders(tenant) => write!(formatter, "tenant:{tenant}:admins:orders"),
            Self::AdminSessions(tenant) => write!(formatter, "tenant:{tenant}:admins:sessions"),
            Self::Customer { tenant, user } => write!(formatter, "tenant:{tenant}:customer:{user}"),
            Self::Session(session) => write!(formatter, "session:{session}"),
            Self::Order { tenant, order } => write!(formatter, "tenant:{tenant}:order:{order}"),
        }
    }
}

impl FromStr for Channel {
    type Err = ChannelError;

    /// Reads a name as `Display` writes it; a GUID in another spelling is refused, because
    /// two spellings would be two groups.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let channel = read(name)?;
        let expected = channel.to_string();
        if expected != name {
            return Err(ChannelError::Spelling { expected });
        }
        Ok(channel)
    }
}

serde_as_text!(Channel, "the name of a channel");

/// The channels that an admin joins by asking, as the client names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdminChannel {
    /// `orders`.
    Orders,
    /// `sessions`.
    Sessions,
}

impl AdminChannel {
    /// The channel of this kind in one tenant.
    #[must_use]
    pub fn of(self, tenant: TenantKey) -> Channel {
        match self {
            Self::Orders => Channel::AdminOrders(tenant),
            Self::Sessions => Channel::AdminSessions(tenant),
        }
    }
}

impl fmt::Display for AdminChannel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Orders => "orders",
            Self::Sessions => "sessions",
        })
    }
}

impl FromStr for AdminChannel {
    type Err = ChannelError;

    /// Matches in any case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            _ if name.eq_ignore_ascii_case("orders") => Ok(Self::Orders),
            _ if name.eq_ignore_ascii_case("sessions") => Ok(Self::Sessions),
            _ => Err(ChannelError::UnknownAdminChannel { name: shown(name) }),
        }
    }
}

serde_as_text!(AdminChannel, "'orders' or 'sessions'");

/// Why a text names no channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// It has the shape of no channel name.
    #[error(
        "'{name}' is no channel; expected global:broadcast, session:{{sessionId}} or \
         tenant:{{tenantKey}}: followed by broadcast, admins, admins:orders, \
         admins:sessions, customer:{{userId}} or order:{{orderId}}"
    )]
    Unknown {
        /// The text, escaped and cut to 64 characters.
        name: String,
    },
    /// A part of it is not what it should be.
    #[error("the channel name is wrong: {0}")]
    Part(#[from] IdentityError),
    /// It is a channel spelt in another way than the only one.
    #[error("the channel is spelt '{expected}'")]
    Spelling {
        /// The name as it should be.
        expected: String,
    },
    /// It is none of the channels that admins join by asking.
    #[error("'{name}' is no admin channel; expected 'orders' or 'sessions'")]
    UnknownAdminChannel {
        /// The text, escaped and cut to 64 characters.
        name: String,
    },
}

fn read(name: &str) -> Result<Channel, ChannelError> {
    let unknown = || ChannelError::Unknown { name: shown(name) };
    if name == "global:broadcast" {
        return Ok(Channel::GlobalBroadcast);
    }
    if let Some(session) = name.strip_prefix("session:") {
        return Ok(Channel::Session(session.parse()?));
    }
    let (tenant, kind) = name
        .strip_prefix("tenant:")
        .and_then(|rest| rest.split_once(':'))
        .ok_or_else(unknown)?;
    let tenant: TenantKey = tenant.parse()?;
    match kind {
        "broadcast" => Ok(Channel::TenantBroadcast(tenant)),
        "admins" => Ok(Channel::Admins(tenant)),
        "admins:orders" => Ok(Channel::AdminOrders(tenant)),
        "admins:sessions" => Ok(Channel::AdminSessions(tenant)),
        _ => match kind.split_once(':') {
            Some(("customer", user)) => Ok(Channel::Customer {
                tenant,
                user: user.parse()?,
            }),
            Some(("order", order)) => Ok(Channel::Order {
                tenant,
                order: order.parse()?,
            }),
            _ => Err(unknown()),
        },
    }
}

fn shown(name: &str) -> String {
    name.escape_debug().take(64).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::{
        prelude::{Just, Strategy, any},
        prop_assert_eq, prop_oneof, proptest,
    };
    use uuid::Uuid;

    use super::*;

    const ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

    #[test]
    fn names_are_those_that_clients_and_back_ends_know() {
        let tenant: TenantKey = "demo".parse().unwrap();
        let user: UserId = "ann".parse().unwrap();
        let names = [
            (Channel::GlobalBroadcast, "global:broadcast"),
            (
                Channel::TenantBroadcast(tenant.clone()),
                "tenant:demo:broadcast",
            ),
            (Channel::Admins(tenant.clone()), "tenant:demo:admins"),
            (
                AdminChannel::Orders.of(tenant.clone()),
                "tenant:demo:admins:orders",
            ),
            (
                AdminChannel::Sessions.of(tenant.clone()),
                "tenant:demo:admins:sessions",
            ),
            (
                Channel::Customer {
                    tenant: tenant.clone(),
                    user,
                },
                "tenant:demo:customer:ann",
            ),
            (
                Channel::Session(ID.parse().unwrap()),
                "session:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            ),
            (
                Channel::Order {
                    tenant,
                    order: ID.parse().unwrap(),
                },
                "tenant:demo:order:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            ),
        ];
        for (channel, name) in names {
            assert_eq!(channel.to_string(), name);
            assert_eq!(name.parse::<Channel>().unwrap(), channel);
            let has_tenant = name.starts_with("tenant:demo:");
            assert_eq!(channel.tenant().is_some(), has_tenant, "{name}");
            assert_eq!(channel.is_broadcast(), name.ends_with(":broadcast"));
            assert_ne!(channel.keeps_log(), channel.is_broadcast());
        }
    }

    #[test]
    fn what_names_no_channel_is_refused() {
        for name in [
            "",
            "tenant:",
            "tenant:demo",
            "tenant:demo:",
            "tenant::admins",
            "tenant:demo:admins:",
            "tenant:demo:admins:broadcast",
            "tenant:demo:admins:Orders",
            "tenant:demo:customer",
            "tenant:demo:customer:",
            "tenant:demo:order:17",
            "tenant:a*:admins",
            "global:broadcast ",
            "session:",
            "SESSION:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "order:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        ] {
            assert!(name.parse::<Channel>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_tenant_key_is_no_way_into_another_channel() {
        assert!("a:admins".parse::<TenantKey>().is_err());
        let channel: Channel = "tenant:a:customer:b:admins".parse().unwrap();
        let user = "b:admins".parse().unwrap();
        let tenant = "a".parse().unwrap();
        assert_eq!(channel, Channel::Customer { tenant, user });
    }

    #[test]
    fn one_channel_has_one_spelling() {
        let error = format!("session:{}", ID.to_uppercase()).parse::<Channel>();
        let expected = format!("session:{ID}");
        assert_eq!(error, Err(ChannelError::Spelling { expected }));
    }

    #[test]
    fn admin_channels_match_in_any_case_and_an_error_names_the_choices() {
        assert_eq!("Orders".parse(), Ok(AdminChannel::Orders));
        assert_eq!("SESSIONS".parse(), Ok(AdminChannel::Sessions));
        let error = "tables".parse::<AdminChannel>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "'tables' is no admin channel; expected 'orders' or 'sessions'"
        );
    }

    /// Text made of the pieces of names, to provoke a false reading.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just(":".to_owned()),
            Just("admins".to_owned()),
            Just("tenant".to_owned()),
            Just("customer".to_owned()),
            Just("order".to_owned()),
            Just("orders".to_owned()),
            Just("session".to_owned()),
            Just("broadcast".to_owned()),
            Just("global".to_owned()),
            Just(ID.to_owned()),
            "[a-b.*>]{1,2}",
        ];
        proptest::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
    }

    fn tenant() -> impl Strategy<Value = TenantKey> {
        prop_oneof!["[A-Za-z0-9._-]{1,64}", "[a-b]", hostile()]
            .prop_filter_map("a tenant key", |text| text.parse().ok())
    }

    fn user() -> impl Strategy<Value = UserId> {
        prop_oneof!["\\PC{1,20}", "[a-b]", hostile()]
            .prop_filter_map("a user id", |text| text.parse().ok())
    }

    fn channel() -> impl Strategy<Value = Channel> {
        let id = || prop_oneof![any::<u128>(), 0..3_u128].prop_map(Uuid::from_u128);
        prop_oneof![
            Just(Channel::GlobalBroadcast),
            tenant().prop_map(Channel::TenantBroadcast),
            tenant().prop_map(Channel::Admins),
            tenant().prop_map(Channel::AdminOrders),
            tenant().prop_map(Channel::AdminSessions),
            (tenant(), user()).prop_map(|(tenant, user)| Channel::Customer { tenant, user }),
            id().prop_map(|id| Channel::Session(id.into())),
            (tenant(), id()).prop_map(|(tenant, id)| Channel::Order {
                tenant,
                order: id.into()
            }),
        ]
    }

    proptest! {
        #[test]
        fn any_channel_reads_back_as_itself(channel in channel()) {
            prop_assert_eq!(channel.to_string().parse::<Channel>(), Ok(channel));
        }

        #[test]
        fn two_channels_share_a_name_only_if_they_are_one(a in channel(), b in channel()) {
            prop_assert_eq!(a == b, a.to_string() == b.to_string());
        }

        #[test]
        fn no_tenant_text_reaches_a_channel_of_another_tenant(text in hostile()) {
            for tail in ["broadcast", "admins", "admins:orders", "admins:sessions"] {
                let Ok(channel) = format!("tenant:{text}:{tail}").parse::<Channel>() else {
                    continue;
                };
                let named = channel.tenant().map(TenantKey::as_str);
                prop_assert_eq!(named, text.split(':').next());
            }
        }
    }
}
