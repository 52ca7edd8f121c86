//! Putting connections into channels and taking them out.

use std::sync::Arc;

use warp::reply::Response;

use super::api::Api;
use super::call::{Call, no_content};
use super::connections::named;
use super::problem::Problem;
use super::refusal::{other_channel, refused};
use crate::channel::Channel;
use crate::hub::{ConnectionId, Whois};

/// Adds a connection to a channel.
pub(super) async fn add(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (id, channel) = permitted(&api, &call).await?;
    let added = api.service.add_to_group(id, &channel).await;
    added.map_err(|error| refused(&error))?;
    Ok(no_content())
}

/// Removes a connection from a channel.
pub(super) async fn remove(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (id, channel) = permitted(&api, &call).await?;
    let removed = api.service.remove_from_group(id, &channel).await;
    removed.map_err(|error| refused(&error))?;
    Ok(no_content())
}

/// The connection and the channel of the path, if they may come together.
async fn permitted(api: &Api, call: &Call) -> Result<(ConnectionId, Channel), Problem> {
    let channel: Channel = call.parameter("group")?;
    if let Some(tenant) = channel.tenant() {
        call.permit(Some(tenant))?;
    }
    let (id, whois) = named(api, call).await?;
    if is_foreign(&channel, &whois) && call.permit(None).is_err()
        || is_of_other_tenant(&channel, &whois)
    {
        return Err(other_channel());
    }
    Ok((id, channel))
}

/// Whether the channel belongs to a tenant that is not the connection's.
fn is_of_other_tenant(channel: &Channel, whois: &Whois) -> bool {
    channel
        .tenant()
        .is_some_and(|tenant| whois.tenant.as_ref() != Some(tenant))
}

/// Whether the channel belongs to a session that is not the connection's. A session's name does
/// not tell its tenant, so only who answers for all tenants may open it to others.
fn is_foreign(channel: &Channel, whois: &Whois) -> bool {
    matches!(channel, Channel::Session(session) if whois.session != Some(*session))
}
