//! The notifications that were given up: listed, published after all, forgotten.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use warp::reply::Response;

use super::api::Api;
use super::call::{Call, json, no_content};
use super::problem::Problem;
use super::refusal::refused;
use crate::notification::{Backlog, DeadLetter, NotificationId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    dead_letters: Vec<DeadLetter>,
    /// What `after` has to be for the next page.
    next: Option<NotificationId>,
}

/// Lists them, a page at a time.
pub(super) async fn list(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    call.permit(None)?;
    let (after, limit) = call.page()?;
    let listed = match &api.backlog {
        Some(backlog) => backlog.dead_letters(after, limit).await,
        None => Ok(Vec::new()),
    };
    let dead_letters = listed.map_err(|error| refused(&error))?;
    let last = dead_letters.last().map(|letter| letter.id);
    let next = last.filter(|_| dead_letters.len() == limit);
    Ok(json(StatusCode::OK, &Page { dead_letters, next }))
}

/// Publishes one after all.
pub(super) async fn replay(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (backlog, id) = named(&api, &call)?;
    done(backlog.revive(id).await)
}

/// Forgets one.
pub(super) async fn discard(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (backlog, id) = named(&api, &call)?;
    done(backlog.discard(id).await)
}

fn named<'a>(api: &'a Api, call: &Call) -> Result<(&'a dyn Backlog, NotificationId), Problem> {
    call.permit(None)?;
    let id = call.parameter("notificationId")?;
    let backlog = api.backlog.as_deref().ok_or_else(unknown)?;
    Ok((backlog, id))
}

fn done(result: Result<bool, crate::notification::NotifyError>) -> Result<Response, Problem> {
    match result {
        Ok(true) => Ok(no_content()),
        Ok(false) => Err(unknown()),
        Err(error) => Err(refused(&error)),
    }
}

fn unknown() -> Problem {
    let detail = "this node has no dead letter of this id";
    Problem::new(StatusCode::NOT_FOUND, "unknown_dead_letter", detail)
}
