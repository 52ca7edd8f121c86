//! What happens when somebody connects to the notification hub.

use crate::auth::{Principal, Role};
use crate::channel::{Channel, channels_on_connect, role_group};
use crate::hub::{Caller, Ended, HubError};

/// Joins a new connection to the channels of its principal.
///
/// # Errors
/// When the principal has no tenant: a hub of tenants has nothing to say to it. When the backplane
/// refuses.
pub(super) async fn welcome(caller: Caller) -> Result<(), HubError> {
    let principal = caller.principal();
    let Some(tenant) = &principal.tenant else {
        tracing::info!(
            connection = %caller.id(), user = caller.user(), service = principal.service.is_some(),
            "refused to connect: the token names no tenant"
        );
        return Err(HubError::new(
            "This hub is for people of a tenant, and the token has no 'tenantKey' claim.",
        ));
    };
    let channels = channels_on_connect(principal);
    let (logged, others): (Vec<_>, Vec<_>) = channels.iter().partition(|one| one.keeps_log());
    let logged: Vec<String> = logged.into_iter().map(Channel::to_string).collect();
    let roles = addressed_roles(principal).map(|role| role_group(tenant, role));
    let others: Vec<String> = others
        .into_iter()
        .map(Channel::to_string)
        .chain(roles)
        .collect();
    tracing::info!(
        connection = %caller.id(), user = caller.user(), ?logged, ?others, "connected"
    );
    tokio::try_join!(caller.follow(&logged), caller.join_all(&others))?;
    Ok(())
}

/// Notes that a connection has ended. The hub has already taken care of its channels.
pub(super) async fn farewell(caller: Caller, Ended(ending): Ended) {
    tracing::info!(connection = %caller.id(), user = caller.user(), %ending, "disconnected");
}

/// Those of a principal's roles that broadcasts can be addressed to.
fn addressed_roles(principal: &Principal) -> impl Iterator<Item = &Role> {
    principal
        .roles
        .iter()
        .filter(|role| matches!(role, Role::Admin | Role::Staff))
}
