//! Dining sessions: started, extended, closed and listed.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use warp::reply::Response;

use super::api::Api;
use super::call::{Call, json, no_content};
use super::problem::Problem;
use super::refusal::refused;
use crate::auth::{SessionId, TenantKey};
use crate::notification::Label;
use crate::session::{DiningSession, DiningSessions, SessionError};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Start {
    table_number: Label,
    session_id: Option<SessionId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Activity {
    #[serde(default)]
    has_ordered: bool,
}

#[derive(Serialize)]
struct Page {
    sessions: Vec<DiningSession>,
    /// What `after` has to be for the next page.
    next: Option<SessionId>,
}

/// Starts one, under a fresh id unless the caller has one.
pub(super) async fn start(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (sessions, tenant) = of_tenant(&api, &call)?;
    let start: Start = call.read()?;
    let id = start.session_id.unwrap_or_else(|| Uuid::now_v7().into());
    let started = sessions.start(tenant, id, start.table_number).await;
    let session = started.map_err(|error| told(&error))?;
    Ok(json(StatusCode::CREATED, &session))
}

/// Notes that its guests are there.
pub(super) async fn touch(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (sessions, tenant) = of_tenant(&api, &call)?;
    let id: SessionId = call.parameter("sessionId")?;
    let activity: Activity = call.read()?;
    let touched = sessions.touch(&tenant, id, activity.has_ordered).await;
    let session = touched.map_err(|error| told(&error))?;
    Ok(json(StatusCode::OK, &session))
}

/// Closes one.
pub(super) async fn close(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (sessions, tenant) = of_tenant(&api, &call)?;
    let id: SessionId = call.parameter("sessionId")?;
    let closed = sessions.close(&tenant, id).await;
    closed.map_err(|error| told(&error))?;
    Ok(no_content())
}

/// Shows one.
pub(super) async fn show(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (sessions, tenant) = of_tenant(&api, &call)?;
    let id: SessionId = call.parameter("sessionId")?;
    let found = sessions.find(&tenant, id).await;
    let session = found.map_err(|error| told(&error))?;
    Ok(json(StatusCode::OK, &session))
}

/// Lists those of a tenant, a page at a time.
pub(super) async fn list(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (sessions, tenant) = of_tenant(&api, &call)?;
    let (after, limit) = call.page()?;
    let listed = sessions.list(&tenant, after, limit).await;
    let sessions = listed.map_err(|error| told(&error))?;
    let last = sessions.last().map(|session| session.session_id);
    let next = last.filter(|_| sessions.len() == limit);
    Ok(json(StatusCode::OK, &Page { sessions, next }))
}

/// The sessions, for a caller who may act for the tenant in the path.
fn of_tenant<'a>(api: &'a Api, call: &Call) -> Result<(&'a DiningSessions, TenantKey), Problem> {
    let tenant: TenantKey = call.parameter("tenantKey")?;
    call.permit(Some(&tenant))?;
    let sessions = api.sessions.as_deref().ok_or_else(|| {
        let detail = "this server keeps no dining sessions; `Mesahub:Sessions:Store` says where \
                      they are kept";
        Problem::new(StatusCode::NOT_FOUND, "no_sessions", detail)
    })?;
    Ok((sessions, tenant))
}

fn told(error: &SessionError) -> Problem {
    match error {
        SessionError::Unknown(_) => {
            Problem::new(StatusCode::NOT_FOUND, "unknown_session", error.to_string())
        }
        SessionError::Exists(_) => {
            Problem::new(StatusCode::CONFLICT, "session_exists", error.to_string())
        }
        SessionError::Ending(_) => {
            Problem::new(StatusCode::CONFLICT, "session_ending", error.to_string())
        }
        SessionError::Notify(error) => refused(error),
        error => {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "a dining session could not be changed"
            );
            Problem::unavailable("sessions_unavailable", "the store of sessions failed")
        }
    }
}
