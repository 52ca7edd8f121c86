//! Ending connections.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use warp::reply::Response;

use super::api::Api;
use super::call::{Call, json, no_content};
use super::presence::user_key;
use super::problem::Problem;
use super::refusal::unknown_connection;
use crate::auth::{TenantKey, UserId};
use crate::hub::{Connection, Ending};

#[derive(Serialize)]
struct Disconnected {
    disconnected: usize,
}

/// Ends one connection.
pub(super) async fn disconnect(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let ending = ending(&call)?;
    let connection = named(&api, &call)?;
    connection.end(ending);
    Ok(no_content())
}

/// Ends all connections of a user.
pub(super) async fn disconnect_user(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let tenant: TenantKey = call.parameter("tenantKey")?;
    let user: UserId = call.parameter("userId")?;
    let ending = ending(&call)?;
    call.permit(Some(&tenant))?;
    let disconnected = api.hub.disconnect_user(&user_key(tenant, user), &ending);
    Ok(json(StatusCode::OK, &Disconnected { disconnected }))
}

/// The connection that the path names, if it is here and of a tenant that the caller may publish
/// for. One of another tenant is answered as if it were not there, so that nobody learns of it.
///
/// # Errors
/// 404.
pub(super) fn named(api: &Api, call: &Call) -> Result<Arc<Connection>, Problem> {
    let id = call.text("connectionId").parse().ok();
    id.and_then(|id| api.hub.find(id))
        .filter(|connection| call.permit(connection.principal().tenant.as_ref()).is_ok())
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
