//! Who is there.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use warp::reply::Response;

use super::api::Api;
use super::call::{Call, json};
use super::problem::Problem;
use super::refusal::refused;
use crate::auth::{Principal, TenantKey, UserId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connections {
    tenant_key: TenantKey,
    connections: u64,
}

#[derive(Serialize)]
struct Online {
    online: bool,
    connections: u64,
}

/// How many connections a tenant has.
pub(super) async fn connections(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let tenant_key: TenantKey = call.parameter("tenantKey")?;
    call.permit(Some(&tenant_key))?;
    let connections = api.service.active_connections_count(&tenant_key).await;
    let connections = connections.map_err(|error| refused(&error))?;
    Ok(json(
        StatusCode::OK,
        &Connections {
            tenant_key,
            connections,
        },
    ))
}

/// Whether a user is online, and with how many connections.
pub(super) async fn online(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let tenant: TenantKey = call.parameter("tenantKey")?;
    let user: UserId = call.parameter("userId")?;
    call.permit(Some(&tenant))?;
    let online = api.service.is_user_online(&tenant, &user).await;
    let online = online.map_err(|error| refused(&error))?;
    let key = user_key(tenant, user);
    let connections = api.hub.cluster().user_count(&key).await;
    let connections = connections.map_err(|error| refused(&error.into()))?;
    Ok(json(
        StatusCode::OK,
        &Online {
            online,
            connections,
        },
    ))
}

/// The name under which the hub knows a user.
pub(super) fn user_key(tenant: TenantKey, user: UserId) -> String {
    let (tenant, user) = (Some(tenant), Some(user));
    let principal = Principal {
        tenant,
        user,
        ..Principal::anonymous()
    };
    principal
        .user_key()
        .expect("a principal with a user has a key")
}
