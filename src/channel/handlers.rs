//! The notification hub: what clients may call.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::auth::{OrderId, Policy};
use crate::channel::welcome::{farewell, welcome};
use crate::channel::{AccessError, AdminChannel, Channel, OrderDirectory, may_join, order_channel};
use crate::hub::{Caller, Hub, HubBuildError, HubError, HubOptions, Node, State};
use crate::notification::{LostReason, NotificationId, Resumed, replay::Replay};

/// The name of the notification hub on the backplane.
pub const NOTIFICATION_HUB: &str = "notifications";

/// The most channels in one call of `Resume`.
const MOST_RESUMED: usize = 64;

type Orders = State<Arc<dyn OrderDirectory>>;

/// Builds the notification hub on a node.
///
/// Everybody with a tenant may connect and hears the channels of their kind from the start.
/// Clients call `JoinOrderChannel(orderId)`, `LeaveOrderChannel(orderId)`,
/// `JoinAdminChannel(name)` and `LeaveAdminChannel(name)` for Admin and Staff, `Ping()`, which
/// answers true, and `Resume({channel: lastId})`, which answers a [`Resumed`] for each channel.
/// `orders` says which dining session an order belongs to.
///
/// # Errors
/// None in practice: names and states are given here. The type is the builder's.
pub fn notification_hub(
    node: &Arc<Node>,
    orders: Arc<dyn OrderDirectory>,
    options: HubOptions,
) -> Result<Hub, HubBuildError> {
    Hub::builder(NOTIFICATION_HUB)
        .options(options)
        .with_state(orders)
        .on_connected(welcome)
        .on_disconnected(farewell)
        .method("JoinOrderChannel", join_order)
        .method("LeaveOrderChannel", leave_order)
        .method_for(Policy::AdminOnly, "JoinAdminChannel", join_admin)
        .method_for(Policy::AdminOnly, "LeaveAdminChannel", leave_admin)
        .method("Ping", ping)
        .method("Resume", resume)
        .build(node)
}

async fn join_order(caller: Caller, order: OrderId, State(orders): Orders) -> Result<(), HubError> {
    let channel = order_channel(caller.principal(), order)
        .map_err(|error| refused(&caller, &format!("order {order}"), &error))?;
    let session = match channel.tenant() {
        Some(tenant) if !caller.principal().is_admin() => orders.session_of(tenant, &order).await,
        _ => None,
    };
    may_join(caller.principal(), &channel, session)
        .map_err(|error| refused(&caller, &channel.to_string(), &error))?;
    join(&caller, &channel).await
}

async fn leave_order(caller: Caller, order: OrderId) -> Result<(), HubError> {
    let channel = order_channel(caller.principal(), order).map_err(deliberate)?;
    Ok(caller.leave(&channel.to_string())?)
}

async fn join_admin(caller: Caller, name: String) -> Result<(), HubError> {
    let channel = admin_channel(&caller, &name)?;
    may_join(caller.principal(), &channel, None)
        .map_err(|error| refused(&caller, &channel.to_string(), &error))?;
    join(&caller, &channel).await
}

async fn leave_admin(caller: Caller, name: String) -> Result<(), HubError> {
    let channel = admin_channel(&caller, &name)?;
    Ok(caller.leave(&channel.to_string())?)
}

async fn ping() -> bool {
    true
}

/// Answers only for channels that the connection is in, so that nobody reads the log of a channel
/// that they may not listen to.
async fn resume(
    caller: Caller,
    positions: BTreeMap<String, String>,
) -> Result<BTreeMap<String, Resumed>, HubError> {
    if positions.len() > MOST_RESUMED {
        return Err(HubError::new(format!(
            "{} channels are too many to resume at once; expected at most {MOST_RESUMED}",
            positions.len()
        )));
    }
    let groups = caller.groups();
    let mut replay = Replay::new();
    let mut answers = BTreeMap::new();
    for (channel, last) in positions {
        let answer = match last.parse::<NotificationId>() {
            _ if !groups.contains(&channel) => Resumed::lost(LostReason::NotMember),
            Ok(last) => replay.after(caller.hub(), &channel, last).await,
            Err(_) => Resumed::lost(LostReason::UnknownPosition),
        };
        if let Some(reason) = answer.lost {
            tracing::info!(
                connection = %caller.id(), user = caller.user(),
                channel = %channel.escape_debug(), ?reason, "cannot resume"
            );
        }
        answers.insert(channel, answer);
    }
    Ok(answers)
}

async fn join(caller: &Caller, channel: &Channel) -> Result<(), HubError> {
    caller.join(&channel.to_string()).await?;
    tracing::debug!(connection = %caller.id(), user = caller.user(), %channel, "joined");
    Ok(())
}

/// The channel of this name in the caller's tenant.
fn admin_channel(caller: &Caller, name: &str) -> Result<Channel, HubError> {
    let kind: AdminChannel = name.parse().map_err(deliberate)?;
    let tenant = caller
        .principal()
        .tenant
        .clone()
        .ok_or_else(|| deliberate(AccessError::NoTenant))?;
    Ok(kind.of(tenant))
}

fn refused(caller: &Caller, what: &str, error: &AccessError) -> HubError {
    tracing::info!(
        connection = %caller.id(), user = caller.user(), channel = what, reason = %error,
        "refused to join"
    );
    deliberate(error)
}

/// An error whose text is meant for the caller.
fn deliberate(error: impl std::fmt::Display) -> HubError {
    HubError::new(error.to_string())
}
