//! A message to an audience that is not chosen by an event.

use std::{fmt, str::FromStr};

use serde::Serialize;
use serde_json::Value;

use crate::auth::{Role, SessionId, TenantKey, UserId, serde_as_text};
use crate::channel::Channel;
use crate::notification::{error::ContentError, metadata::Metadata, name::EventName};

/// Anything a publisher wants to tell an audience. Its notification is a `SystemAlert` whose data
/// is [`data`](Self::data) as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Broadcast {
    /// Who is told.
    pub audience: Audience,
    /// The client method that is called.
    pub event_type: EventName,
    /// What is told.
    pub data: Value,
    /// What the publisher adds.
    pub metadata: Metadata,
}

/// Whom a broadcast is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all_fields = "camelCase")]
pub enum Audience {
    /// Everybody of every tenant.
    Everyone,
    /// Everybody of a tenant.
    Tenant {
        /// The tenant.
        tenant_key: TenantKey,
    },
    /// Those of a tenant who have a role.
    Role {
        /// The tenant.
        tenant_key: TenantKey,
        /// The role.
        role: AudienceRole,
    },
    /// One user of a tenant, on all devices and in any role.
    User {
        /// The tenant.
        tenant_key: TenantKey,
        /// The user.
        user_id: UserId,
    },
    /// One dining session.
    Session {
        /// The session.
        session_id: SessionId,
        /// Its tenant, where it is known.
        tenant_key: Option<TenantKey>,
    },
}

/// A role that can be addressed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AudienceRole {
    /// Who runs the restaurant.
    Admin,
    /// Who works there.
    Staff,
}

impl Broadcast {
    /// A broadcast without metadata.
    #[must_use]
    pub fn new(audience: Audience, event_type: EventName, data: Value) -> Self {
        Self {
            audience,
            event_type,
            data,
            metadata: Metadata::default(),
        }
    }
}

impl Audience {
    /// The tenant that it belongs to, which its publisher needs a right to.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantKey> {
        match self {
            Self::Everyone => None,
            Self::Tenant { tenant_key }
            | Self::Role { tenant_key, .. }
            | Self::User { tenant_key, .. } => Some(tenant_key),
            Self::Session { tenant_key, .. } => tenant_key.as_ref(),
        }
    }

    /// The channel that it is; none for a role and a user.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        match self {
            Self::Everyone => Some(Channel::GlobalBroadcast),
            Self::Tenant { tenant_key } => Some(Channel::TenantBroadcast(tenant_key.clone())),
            Self::Session { session_id, .. } => Some(Channel::Session(*session_id)),
            Self::Role { .. } | Self::User { .. } => None,
        }
    }
}

impl AudienceRole {
    /// The role as tokens name it.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::Staff => Role::Staff,
        }
    }
}

impl TryFrom<&Role> for AudienceRole {
    type Error = ContentError;

    fn try_from(role: &Role) -> Result<Self, Self::Error> {
        match role {
            Role::Admin => Ok(Self::Admin),
            Role::Staff => Ok(Self::Staff),
            other => Err(ContentError::Role {
                role: other.as_str().escape_debug().take(64).collect(),
            }),
        }
    }
}

impl FromStr for AudienceRole {
    type Err = ContentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "Admin" => Ok(Self::Admin),
            "Staff" => Ok(Self::Staff),
            other => Err(ContentError::Role {
                role: other.escape_debug().take(64).collect(),
            }),
        }
    }
}

impl fmt::Display for AudienceRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admin => "Admin",
            Self::Staff => "Staff",
        })
    }
}

serde_as_text!(AudienceRole, "'Admin' or 'Staff'");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::notification::NotificationService;
    use crate::notification::testing::{SESSION, Stage, admin, customer, staff};

    #[test]
    fn a_role_that_is_no_audience_is_refused_with_the_choices() {
        for role in [AudienceRole::Admin, AudienceRole::Staff] {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert_eq!(AudienceRole::try_from(&role.role()), Ok(role));
        }
        let error = AudienceRole::try_from(&Role::Customer).unwrap_err();
        assert_eq!(
            error.to_string(),
            "'Customer' is no role to broadcast to; expected 'Admin' or 'Staff'"
        );
        assert!("admin".parse::<AudienceRole>().is_err());
    }

    #[tokio::test]
    async fn a_broadcast_reaches_its_audience_and_nobody_else() {
        let stage = Stage::new();
        let clients = [
            ("admin", stage.connect(admin("pizza")).await.unwrap()),
            ("staff", stage.connect(staff("pizza")).await.unwrap()),
            (
                "carla",
                stage.connect(customer("pizza", SESSION)).await.unwrap(),
            ),
            ("stranger", stage.connect(admin("sushi")).await.unwrap()),
        ];
        let tenant_key: TenantKey = "pizza".parse().unwrap();
        let session_id: SessionId = SESSION.parse().unwrap();
        let user_id: UserId = "carla".parse().unwrap();
        let role = |role| Audience::Role {
            tenant_key: tenant_key.clone(),
            role,
        };
        let table = [
            (
                Audience::Everyone,
                vec!["admin", "staff", "carla", "stranger"],
            ),
            (
                Audience::Tenant {
                    tenant_key: tenant_key.clone(),
                },
                vec!["admin", "staff", "carla"],
            ),
            (role(AudienceRole::Admin), vec!["admin"]),
            (role(AudienceRole::Staff), vec!["staff"]),
            (
                Audience::User {
                    tenant_key: tenant_key.clone(),
                    user_id,
                },
                vec!["carla"],
            ),
            (
                Audience::Session {
                    session_id,
                    tenant_key: None,
                },
                vec!["carla"],
            ),
        ];
        let service = stage.direct();
        for (audience, meant) in table {
            let channel = audience.channel();
            let data = json!({"text": "The oven is cold"});
            let broadcast = Broadcast::new(audience, "oven.cold".parse().unwrap(), data.clone());
            let id = service.broadcast(broadcast).await.unwrap();
            let marker = Broadcast::new(Audience::Everyone, Default::default(), json!({}));
            let marker = service.broadcast(marker).await.unwrap();
            for (name, client) in &clients {
                let (mut target, mut body) = client.next().await;
                if meant.contains(name) {
                    assert_eq!((&*target, &body["data"]), ("oven.cold", &data));
                    assert_eq!(
                        (&body["id"], &body["type"]),
                        (&json!(id), &json!("SystemAlert"))
                    );
                    assert_eq!(
                        body["channel"],
                        channel.as_ref().map_or(json!(""), |c| json!(c))
                    );
                    (target, body) = client.next().await;
                }
                assert_eq!(
                    (&*target, &body["id"]),
                    ("SystemAlert", &json!(marker)),
                    "{name}"
                );
            }
        }
    }
}
