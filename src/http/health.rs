//! Whether the process lives, may take traffic, and reaches its backplane.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use tokio::time::timeout;
use warp::reply::Response;

use super::api::Api;
use super::call::{Call, json};
use super::problem::Problem;

/// How long the backplane has for its answer.
const DEADLINE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Health {
    status: &'static str,
    description: String,
}

/// 200 for as long as the process can answer.
pub(super) async fn live(_api: Arc<Api>, _call: Call) -> Result<Response, Problem> {
    Ok(told(true, "the process runs".to_owned()))
}

/// 200 while the server takes traffic and its backplane answers within two seconds, else 503.
pub(super) async fn ready(api: Arc<Api>, _call: Call) -> Result<Response, Problem> {
    if !*api.ready.borrow() {
        let description = "takes no traffic: it is starting or stopping";
        return Ok(told(false, description.to_owned()));
    }
    if !reaches_backplane(&api).await {
        let backplane = &api.backplane;
        let description = format!("takes no traffic: the {backplane} backplane does not answer");
        return Ok(told(false, description));
    }
    Ok(told(true, "takes traffic".to_owned()))
}

/// 200 when the backplane answers within two seconds and nothing stands in the way of accepting
/// notifications or of checking tokens, in the words of ASP.NET Core's health checks.
pub(super) async fn signalr(api: Arc<Api>, _call: Call) -> Result<Response, Problem> {
    let is_healthy = reaches_backplane(&api).await;
    let found = if is_healthy { "healthy" } else { "unhealthy" };
    let mut description = format!("SignalR {} backplane is {found}", api.backplane);
    let backlog = api.backlog.as_ref().and_then(|backlog| backlog.trouble());
    let troubles = [
        backlog.map(|trouble| format!("; no notifications are taken: {trouble}")),
        api.authenticator
            .trouble()
            .map(|trouble| format!("; nobody new is let in: {trouble}")),
    ];
    let mut is_well = true;
    for trouble in troubles.into_iter().flatten() {
        description.push_str(&trouble);
        is_well = false;
    }
    Ok(told(is_healthy && is_well, description))
}

async fn reaches_backplane(api: &Api) -> bool {
    match timeout(DEADLINE, api.hub.node().broker().health()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the backplane is unhealthy"
            );
            false
        }
        Err(_) => {
            tracing::warn!("the backplane did not answer within {DEADLINE:?}");
            false
        }
    }
}

fn told(is_healthy: bool, description: String) -> Response {
    let (code, status) = match is_healthy {
        true => (StatusCode::OK, "Healthy"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "Unhealthy"),
    };
    json(
        code,
        &Health {
            status,
            description,
        },
    )
}
