//! Broadcasts: to a tenant, a role, a user, a session or everyone.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use warp::reply::Response;

use super::api::Api;
use super::body;
use super::call::{Call, json};
use super::problem::Problem;
use super::publish::{Accepted, how};
use super::refusal::refused;
use crate::auth::{SessionId, TenantKey, UserId};
use crate::notification::{Audience, AudienceRole, Broadcast, EventName, Metadata};

/// What every broadcast has; the other fields are its address.
const MESSAGE: [&str; 3] = ["eventType", "data", "metadata"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(default)]
    event_type: EventName,
    #[serde(default = "nothing")]
    data: Value,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ToTenant {
    tenant_key: TenantKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ToRole {
    tenant_key: TenantKey,
    role: AudienceRole,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ToUser {
    tenant_key: TenantKey,
    user_id: UserId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ToSession {
    session_id: SessionId,
    tenant_key: Option<TenantKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToEveryone {}

/// Tells everyone of a tenant.
pub(super) async fn to_tenant(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    send(&api, &call, |ToTenant { tenant_key }| Audience::Tenant {
        tenant_key,
    })
    .await
}

/// Tells those of a tenant who have a role.
pub(super) async fn to_role(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    send(&api, &call, |ToRole { tenant_key, role }| Audience::Role {
        tenant_key,
        role,
    })
    .await
}

/// Tells one user on all devices.
pub(super) async fn to_user(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    send(
        &api,
        &call,
        |ToUser {
             tenant_key,
             user_id,
         }| Audience::User {
            tenant_key,
            user_id,
        },
    )
    .await
}

/// Tells one dining session. Its channel does not tell its tenant, so the tenant that the
/// publisher names is trusted, and none may be missing unless the token covers all.
pub(super) async fn to_session(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let audience = |ToSession {
                        session_id,
                        tenant_key,
                    }| Audience::Session {
        session_id,
        tenant_key,
    };
    send(&api, &call, audience).await
}

/// Tells everyone of every tenant.
pub(super) async fn to_everyone(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    send(&api, &call, |ToEveryone {}| Audience::Everyone).await
}

async fn send<A: DeserializeOwned>(
    api: &Api,
    call: &Call,
    audience: impl FnOnce(A) -> Audience,
) -> Result<Response, Problem> {
    let (address, message) = read(call)?;
    let audience = audience(address);
    call.permit(audience.tenant())?;
    let Message {
        event_type,
        data,
        metadata,
    } = message;
    let broadcast = Broadcast {
        audience,
        event_type,
        data,
        metadata,
    };
    let id = api
        .service
        .broadcast_with(broadcast, how(call)?)
        .await
        .map_err(|error| refused(&error))?;
    Ok(json(StatusCode::ACCEPTED, &Accepted { id }))
}

fn read<A: DeserializeOwned>(call: &Call) -> Result<(A, Message), Problem> {
    let mut address: Map<String, Value> = call.read()?;
    let message = MESSAGE
        .iter()
        .filter_map(|name| address.remove_entry(*name))
        .collect();
    Ok((body::from_fields(address)?, body::from_fields(message)?))
}

fn nothing() -> Value {
    Value::Object(Map::new())
}
