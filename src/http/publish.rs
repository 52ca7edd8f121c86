//! Publishing notifications, one or many.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use warp::reply::Response;

use super::api::Api;
use super::call::{Call, json};
use super::problem::Problem;
use super::refusal::{is_worth_a_retry, no_receipt, refused};
use super::schema::LARGEST_BATCH;
use crate::notification::{Event, NotificationId, NotifyError, PublishOptions};

#[derive(Serialize)]
pub(super) struct Accepted {
    pub(super) id: NotificationId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    notifications: Vec<Event>,
}

#[derive(Serialize)]
struct BatchResults {
    results: Vec<ItemResult>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ItemResult {
    Accepted(Accepted),
    Refused { error: ItemError },
}

#[derive(Serialize)]
struct ItemError {
    code: &'static str,
    detail: String,
}

/// Publishes one.
pub(super) async fn one(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let event: Event = call.read()?;
    call.permit(event.tenant())
        .map_err(|problem| problem.at("tenantKey"))?;
    let how = how(&call)?;
    let result = api.service.publish_with(vec![event], how).await;
    let result = result.into_iter().next();
    let id = result
        .ok_or_else(Problem::internal)?
        .map_err(|error| refused(&error))?;
    Ok(json(StatusCode::ACCEPTED, &Accepted { id }))
}

/// Publishes up to [`LARGEST_BATCH`], none of them unless all are well formed and permitted.
pub(super) async fn batch(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let Batch { notifications } = call.read()?;
    if !(1..=LARGEST_BATCH).contains(&notifications.len()) {
        let detail = format!(
            "expected 1 to {LARGEST_BATCH}, found {}",
            notifications.len()
        );
        return Err(Problem::malformed("notifications", detail));
    }
    for (index, event) in notifications.iter().enumerate() {
        let permitted = call.permit(event.tenant());
        permitted.map_err(|problem| problem.at(format!("notifications[{index}].tenantKey")))?;
    }
    let how = how(&call)?;
    // One of them was counted before the body was read.
    api.limits
        .publish(&call.principal, notifications.len() - 1)?;
    let results = api.service.publish_with(notifications, how).await;
    if results
        .iter()
        .all(|result| result.as_ref().is_err_and(is_worth_a_retry))
    {
        let first = results.into_iter().find_map(Result::err);
        return Err(first.map_or_else(Problem::internal, |error| refused(&error)));
    }
    let results = results.into_iter().map(ItemResult::from).collect();
    Ok(json(StatusCode::ACCEPTED, &BatchResults { results }))
}

/// How many connections a notification has reached. One of another tenant is answered as if there
/// were none, so that nobody learns of it.
pub(super) async fn receipt(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let id: NotificationId = call.parameter("notificationId")?;
    let found = api.service.receipt(id).await;
    found
        .map_err(|error| refused(&error))?
        .filter(|receipt| call.permit(receipt.tenant_key.as_ref()).is_ok())
        .map(|receipt| json(StatusCode::OK, &receipt))
        .ok_or_else(no_receipt)
}

/// What the publisher wants beside.
pub(super) fn how(call: &Call) -> Result<PublishOptions, Problem> {
    let receipt = call.flag("receipt")?;
    Ok(PublishOptions {
        receipt,
        idempotency_key: call.key.clone(),
        trace_parent: call.trace,
    })
}

impl From<Result<NotificationId, NotifyError>> for ItemResult {
    fn from(result: Result<NotificationId, NotifyError>) -> Self {
        match result {
            Ok(id) => Self::Accepted(Accepted { id }),
            Err(error) => {
                let problem = refused(&error);
                let (code, detail) = (problem.code(), problem.detail().to_owned());
                Self::Refused {
                    error: ItemError { code, detail },
                }
            }
        }
    }
}
