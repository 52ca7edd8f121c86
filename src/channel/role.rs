//! The group of a role: an address for broadcasts, and no channel.

use crate::auth::{Role, TenantKey};

/// The group of everybody who has a role in a tenant, for broadcasts to that role. It is no
/// channel: nobody can ask for it and it has no log. No tenant key holds a `:`, and no channel's
/// name has `role` in that place, so it is never taken for one.
#[must_use]
pub fn role_group(tenant: &TenantKey, role: &Role) -> String {
    format!("tenant:{tenant}:role:{role}")
}
