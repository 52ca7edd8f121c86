//! Ending connections.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use warp::reply::Response;

use super::api::Api;
use super::call::{Call, json, no_content};
use super::presence::user_key;
use super::problem::Problem;
use super::refusal::{refused, unknown_connection};
use crate::auth::{TenantKey, UserId};
use crate::hub::{ConnectionId, Ending, Whois};

#[derive(Serialize)]
struct Disconnected {
    disconnected: u64,
}

/// Ends one connection.
pub(super) async fn disconnect(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let ending = ending(&call)?;
    let (id, _) = named(&api, &call).await?;
    let ended = api.hub.cluster().disconnect(id, ending).await;
    match ended.map_err(|error| refused(&error.into()))? {
        true => Ok(no_content()),
        false => Err(unknown_connection()),
    }
}

/// Ends all connections of a user.
pub(super) async fn disconnect_user(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let tenant: TenantKey = call.parameter("tenantKey")?;
    let user: UserId = call.parameter("userId")?;
    let ending = ending(&call)?;
    call.permit(Some(&tenant))?;
    let key = user_key(tenant, user);
    let disconnected = api.hub.cluster().disconnect_user(&key, &ending).await;
    let disconnected = disconnected.map_err(|error| refused(&error.into()))?;
    Ok(json(StatusCode::OK, &Disconnected { disconnected }))
}

/// The connection that the path names, if there is one and it is of a tenant that the caller may publish
/// for. One of another tenant is answered as if it were not there, so that nobody learns of it.
///
/// # Errors
/// 404; 503 when its node cannot be asked.
pub(super) async fn named(api: &Api, call: &Call) -> Result<(ConnectionId, Whois), Problem> {
    let id = call.text("connectionId").parse::<ConnectionId>();
    let id = id.map_err(|_| unknown_connection())?;
    let found = api.hub.cluster().whois(id).await;
    found
        .map_err(|error| refused(&error.into()))?
        .filter(|whois| call.permit(whois.tenant.as_ref()).is_ok())
        .map(|whois| (id, whois))
        .ok_or_else(unknown_connection)
}

fn ending(call: &Call) -> Result<Ending, Problem> {
    let may_return = call.flag("allowReconnect")?;
    Ok(if may_return {
        Ending::SentAway
    } else {
        Ending::Aborted
    })
}
