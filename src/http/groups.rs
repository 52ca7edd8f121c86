//! Putting connections into channels and taking them out.

use std::sync::Arc;

use warp::reply::Response;

use super::api::Api;
use super::call::{Call, no_content};
use super::connections::named;
use super::problem::Problem;
use super::refusal::{other_channel, refused};
use crate::auth::Principal;
use crate::channel::Channel;
use crate::hub::ConnectionId;

/// Adds a connection to a channel.
pub(super) async fn add(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (id, channel) = permitted(&api, &call)?;
    let added = api.service.add_to_group(id, &channel).await;
    added.map_err(|error| refused(&error))?;
    Ok(no_content())
}

/// Removes a connection from a channel.
pub(super) async fn remove(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (id, channel) = permitted(&api, &call)?;
    let removed = api.service.remove_from_group(id, &channel).await;
    removed.map_err(|error| refused(&error))?;
    Ok(no_content())
}

/// The connection and the channel of the path, if they may come together.
fn permitted(api: &Api, call: &Call) -> Result<(ConnectionId, Channel), Problem> {
    let channel: Channel = call.parameter("group")?;
    if let Some(tenant) = channel.tenant() {
        call.permit(Some(tenant))?;
    }
    let connection = named(api, call)?;
    if is_foreign(&channel, connection.principal()) && call.permit(None).is_err()
        || is_of_other_tenant(&channel, connection.principal())
    {
        return Err(other_channel());
    }
    Ok((connection.id(), channel))
}

/// Whether the channel belongs to a tenant that is not the connection's.
fn is_of_other_tenant(channel: &Channel, principal: &Principal) -> bool {
    channel
        .tenant()
        .is_some_and(|tenant| principal.tenant.as_ref() != Some(tenant))
}

/// Whether the channel belongs to a session that is not the connection's. A session's name does
/// not tell its tenant, so only who answers for all tenants may open it to others.
fn is_foreign(channel: &Channel, principal: &Principal) -> bool {
    matches!(channel, Channel::Session(session) if principal.session != Some(*session))
}
