//! `--once`: one order goes in over HTTP and comes out at the admin's socket.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{self, Address};
use super::hub_client::HubClient;
use super::tokens::{ORDER, TENANT, Tokens};
use crate::error::TaskError;

/// How long the order may be on its way.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(10);

/// Publishes a new order as the service and waits until the admin has exactly that order.
pub(crate) fn run(address: &Address, tokens: &Tokens) -> Result<(), TaskError> {
    let mut admin = HubClient::connect(address, &tokens.admin, Some(ARRIVAL_LIMIT))?;
    let order = json!({
        "type": "NewOrder",
        "tenantKey": TENANT,
        "orderId": ORDER,
        "tableNumber": "12",
        "order": {"items": [{"name": "Margherita", "quantity": 2}]},
    });
    let published = Instant::now();
    let answer = http::post(
        address,
        "/api/v1/notifications",
        &tokens.service,
        &order.to_string(),
    )?;
    if answer.status != 202 {
        return Err(TaskError::Unexpected(format!(
            "the order was not accepted: {} {}",
            answer.status, answer.body
        )));
    }
    let accepted: Value = serde_json::from_str(&answer.body).map_err(|source| TaskError::Json {
        what: "the answer to the publish".to_owned(),
        source,
    })?;

    while let Some(event) = admin.next_event()? {
        let notification = &event.arguments[0];
        if event.target != "NewOrder" || notification["id"] != accepted["id"] {
            continue;
        }
        if notification["data"]["orderId"] != ORDER || notification["tenantKey"] != TENANT {
            return Err(TaskError::Unexpected(format!(
                "the order arrived changed: {notification}"
            )));
        }
        println!(
            "   order {ORDER} reached the admin {:.1} ms after it was published",
            published.elapsed().as_secs_f64() * 1000.0
        );
        return Ok(());
    }
    Err(TaskError::Unexpected(
        "the hub closed the admin's connection before the order arrived".to_owned(),
    ))
}
