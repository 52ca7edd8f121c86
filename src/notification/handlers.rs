//! The notification hub: what clients may call.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::auth::{OrderId, Policy};
use crate::channel::{AccessError, AdminChannel, Channel, OrderDirectory, may_join, order_channel};
use crate::hub::{Caller, Hub, HubBuildError, HubError, HubOptions, Node, State};
use crate::notification::replay::Replay;
use crate::notification::welcome::{farewell, welcome};
use crate::notification::{LostReason, NotificationId, Resumed};

/// The name of the notification hub on the backplane.
pub const NOTIFICATION_HUB: &str = "notifications";

/// The most channels in one call of `Resume`.
const MOST_RESUMED: usize = 64;

type Orders = State<Arc<dyn OrderDirectory>>;

/// Builds the notification hub on a node.
///
/// Everybody with a tenant may connect and hears the channels of their kind from the start.
/// Clients call `JoinOrderChannel(orderId)`, `LeaveOrderChannel(orderId)`,
/// `JoinAdminChannel(name)` and `LeaveAdminChannel(name)` for Admin and Staff, `Ping()`, which
/// answers true, and `Resume({channel: lastId})`, which answers a [`Resumed`] for each channel.
/// `orders` says which dining session an order belongs to.
///
/// # Errors
/// None in practice: names and states are given here. The type is the builder's.
pub fn notification_hub(
    node: &Arc<Node>,
    orders: Arc<dyn OrderDirectory>,
    options: HubOptions,
) -> Result<Hub, HubBuildError> {
    Hub::builder(NOTIFICATION_HUB)
        .options(options)
        .with_state(orders)
        .on_connected(welcome)
        .on_disconnected(farewell)
        .method("JoinOrderChannel", join_order)
        .method("LeaveOrderChannel", leave_order)
        .method_for(Policy::AdminOnly, "JoinAdminChannel", join_admin)
        .method_for(Policy::AdminOnly, "LeaveAdminChannel", leave_admin)
        .method("Ping", ping)
        .method("Resume", resume)
        .build(node)
}

async fn join_order(caller: Caller, order: OrderId, State(orders): Orders) -> Result<(), HubError> {
    let channel = order_channel(caller.principal(), order)
        .map_err(|error| refused(&caller, &format!("order {order}"), &error))?;
    let session = match channel.tenant() {
        Some(tenant) if !caller.principal().is_admin() => orders.session_of(tenant, &order).await,
        _ => None,
    };
    may_join(caller.principal(), &channel, session)
        .map_err(|error| refused(&caller, &channel.to_string(), &error))?;
    join(&caller, &channel).await
}

async fn leave_order(caller: Caller, order: OrderId) -> Result<(), HubError> {
    let channel = order_channel(caller.principal(), order).map_err(deliberate)?;
    Ok(caller.leave(&channel.to_string())?)
}

async fn join_admin(caller: Caller, name: String) -> Result<(), HubError> {
    let channel = admin_channel(&caller, &name)?;
    may_join(caller.principal(), &channel, None)
        .map_err(|error| refused(&caller, &channel.to_string(), &error))?;
    join(&caller, &channel).await
}

async fn leave_admin(caller: Caller, name: String) -> Result<(), HubError> {
    let channel = admin_channel(&caller, &name)?;
    Ok(caller.leave(&channel.to_string())?)
}

async fn ping() -> bool {
    true
}

/// Answers only for channels that the connection is in, so that nobody reads the log of a channel
/// that they may not listen to.
async fn resume(
    caller: Caller,
    positions: BTreeMap<String, String>,
) -> Result<BTreeMap<String, Resumed>, HubError> {
    if positions.len() > MOST_RESUMED {
        return Err(HubError::new(format!(
            "{} channels are too many to resume at once; expected at most {MOST_RESUMED}",
            positions.len()
        )));
    }
    let groups = caller.groups();
    let mut replay = Replay::new();
    let mut answers = BTreeMap::new();
    for (channel, last) in positions {
        let answer = match last.parse::<NotificationId>() {
            _ if !groups.contains(&channel) => Resumed::lost(LostReason::NotMember),
            Ok(last) => replay.after(caller.hub(), &channel, last).await,
            Err(_) => Resumed::lost(LostReason::UnknownPosition),
        };
        if let Some(reason) = answer.lost {
            tracing::info!(
                connection = %caller.id(), user = caller.user(),
                channel = %channel.escape_debug(), ?reason, "cannot resume"
            );
        }
        answers.insert(channel, answer);
    }
    Ok(answers)
}

async fn join(caller: &Caller, channel: &Channel) -> Result<(), HubError> {
    caller.join(&channel.to_string()).await?;
    tracing::debug!(connection = %caller.id(), user = caller.user(), %channel, "joined");
    Ok(())
}

/// The channel of this name in the caller's tenant.
fn admin_channel(caller: &Caller, name: &str) -> Result<Channel, HubError> {
    let kind: AdminChannel = name.parse().map_err(deliberate)?;
    let tenant = caller
        .principal()
        .tenant
        .clone()
        .ok_or_else(|| deliberate(AccessError::NoTenant))?;
    Ok(kind.of(tenant))
}

fn refused(caller: &Caller, what: &str, error: &AccessError) -> HubError {
    tracing::info!(
        connection = %caller.id(), user = caller.user(), channel = what, reason = %error,
        "refused to join"
    );
    deliberate(error)
}

/// An error whose text is meant for the caller.
fn deliberate(error: impl std::fmt::Display) -> HubError {
    HubError::new(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::auth::{Principal, ServiceScope};
    use crate::notification::NotificationService;
    use crate::notification::testing::{
        Client, ORDER, SESSION, Stage, admin, customer, event, status_event, table_event,
    };

    const OTHER: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c33ff";

    async fn follow(client: &Client) -> Result<Value, String> {
        client.invoke("JoinOrderChannel", json!([ORDER])).await
    }

    fn order_of(session: &str) -> crate::notification::Event {
        event(
            json!({"type": "CustomerOrderUpdate", "tenantKey": "pizza", "sessionId": session,
            "orderId": ORDER, "status": "Preparing"}),
        )
    }

    #[tokio::test]
    async fn whoever_has_no_tenant_is_refused_with_the_reason() {
        let stage = Stage::new();
        let service = Principal {
            service: Some(ServiceScope::Every),
            ..Principal::anonymous()
        };
        for stranger in [Principal::anonymous(), service] {
            let refused = stage.connect(stranger).await.err().unwrap();
            assert!(
                refused.to_string().contains("no 'tenantKey' claim"),
                "{refused}"
            );
        }
        assert_eq!(stage.hub.connection_count(), 0);
    }

    #[tokio::test]
    async fn a_customer_follows_an_order_of_the_own_session_only() {
        let stage = Stage::new();
        let guest = stage.connect(customer("pizza", SESSION)).await.unwrap();
        let error = follow(&guest).await.unwrap_err();
        assert!(error.contains("HubException: the order") && error.contains("is not known"));
        let service = stage.direct();
        service.notify(order_of(OTHER)).await.unwrap();
        let error = follow(&guest).await.unwrap_err();
        assert!(
            error.contains("belongs to another dining session"),
            "{error}"
        );
        service.notify(order_of(SESSION)).await.unwrap();
        guest.next().await;
        assert_eq!(follow(&guest).await, Ok(Value::Null));
        service.notify(status_event("Ready")).await.unwrap();
        assert_eq!(guest.next().await.0, "OrderStatusChanged");

        guest
            .invoke("LeaveOrderChannel", json!([ORDER]))
            .await
            .unwrap();
        assert_eq!(
            stage
                .hub
                .group_count(&format!("tenant:pizza:order:{ORDER}")),
            0
        );
    }

    #[tokio::test]
    async fn an_order_of_another_tenant_is_another_order() {
        let stage = Stage::new();
        let service = stage.direct();
        service.notify(order_of(SESSION)).await.unwrap();
        let stranger = stage.connect(customer("sushi", SESSION)).await.unwrap();
        assert!(
            follow(&stranger)
                .await
                .unwrap_err()
                .contains("is not known")
        );
        let boss = stage.connect(admin("sushi")).await.unwrap();
        follow(&boss).await.unwrap();
        assert_eq!(
            stage
                .hub
                .group_count(&format!("tenant:pizza:order:{ORDER}")),
            0
        );
    }

    #[tokio::test]
    async fn admin_channels_are_joined_and_left_by_name_and_by_admins() {
        let stage = Stage::new();
        let boss = stage.connect(admin("pizza")).await.unwrap();
        boss.invoke("joinadminchannel", json!(["Orders"]))
            .await
            .unwrap();
        assert_eq!(stage.hub.group_count("tenant:pizza:admins:orders"), 1);
        boss.invoke("LeaveAdminChannel", json!(["orders"]))
            .await
            .unwrap();
        assert_eq!(stage.hub.group_count("tenant:pizza:admins:orders"), 0);
        let error = boss
            .invoke("JoinAdminChannel", json!(["payments"]))
            .await
            .unwrap_err();
        assert!(error.ends_with(
            "HubException: 'payments' is no admin channel; expected 'orders' or 'sessions'"
        ));
        let guest = stage.connect(customer("pizza", SESSION)).await.unwrap();
        let error = guest
            .invoke("JoinAdminChannel", json!(["orders"]))
            .await
            .unwrap_err();
        assert!(error.contains("user is unauthorized"), "{error}");
    }

    #[tokio::test]
    async fn ping_is_answered_with_true() {
        let stage = Stage::new();
        let guest = stage.connect(customer("pizza", SESSION)).await.unwrap();
        assert_eq!(guest.invoke("Ping", json!([])).await, Ok(json!(true)));
    }

    #[tokio::test]
    async fn resuming_tells_what_came_after_the_last_that_was_seen() {
        let stage = Stage::new();
        let service = stage.direct();
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(service.notify(table_event(true)).await.unwrap().to_string());
            ids.push(
                service
                    .notify(status_event("Ready"))
                    .await
                    .unwrap()
                    .to_string(),
            );
        }
        let boss = stage.connect(admin("pizza")).await.unwrap();
        let admins = "tenant:pizza:admins";
        let asked = json!([{ admins: ids[2] }]);
        let answer = &boss.invoke("Resume", asked).await.unwrap()[admins];
        let seen: Vec<&Value> = answer["notifications"].as_array().unwrap().iter().collect();
        assert_eq!(
            seen.iter().map(|n| &n["id"]).collect::<Vec<_>>(),
            ids[3..].iter().collect::<Vec<_>>()
        );
        assert!(
            seen.iter()
                .all(|notification| notification["channel"] == admins)
        );
        assert_eq!(
            answer["targets"],
            json!([
                "OrderStatusChanged",
                "TableStatusChanged",
                "OrderStatusChanged"
            ])
        );
        assert_eq!(
            (&answer["lost"], &answer["more"]),
            (&Value::Null, &json!(false))
        );

        let last = json!([{ admins: ids[5] }]);
        let nothing = json!({"notifications": [], "targets": [], "lost": null, "more": false});
        assert_eq!(boss.invoke("Resume", last).await.unwrap()[admins], nothing);
    }

    #[tokio::test]
    async fn resuming_says_what_is_lost_and_why() {
        let stage = Stage::new();
        let service = stage.direct();
        let id = service.notify(table_event(true)).await.unwrap();
        let boss = stage.connect(admin("pizza")).await.unwrap();
        let asked = json!([{
            "tenant:pizza:admins": NotificationId::now(),
            "tenant:pizza:broadcast": id,
            "global:broadcast": "no id",
            "tenant:pizza:admins:orders": id,
            "tenant:sushi:admins": id,
        }]);
        let answer = boss.invoke("Resume", asked).await.unwrap();
        let lost = |channel: &str| answer[channel]["lost"].as_str().unwrap().to_owned();
        assert_eq!(lost("tenant:pizza:admins"), "unknownPosition");
        assert_eq!(lost("tenant:pizza:broadcast"), "unknownPosition");
        assert_eq!(lost("global:broadcast"), "unknownPosition");
        assert_eq!(lost("tenant:pizza:admins:orders"), "notMember");
        assert_eq!(lost("tenant:sushi:admins"), "notMember");
        let many: BTreeMap<String, NotificationId> = (0..65).map(|n| (n.to_string(), id)).collect();
        let error = boss.invoke("Resume", json!([many])).await.unwrap_err();
        assert!(error.contains("65 channels are too many"), "{error}");
    }

    #[tokio::test]
    async fn a_long_absence_is_resumed_in_several_calls_without_a_hole() {
        let stage = Stage::new();
        let service = stage.direct();
        let events = (0..700).map(|_| table_event(true)).collect();
        let ids: Vec<String> = service
            .publish(events)
            .await
            .into_iter()
            .map(|id| id.unwrap().to_string())
            .collect();
        let boss = stage.connect(admin("pizza")).await.unwrap();
        let admins = "tenant:pizza:admins";
        let (mut last, mut seen, mut calls) = (ids[0].clone(), Vec::new(), 0);
        loop {
            let answer = boss
                .invoke("Resume", json!([{ admins: last }]))
                .await
                .unwrap();
            calls += 1;
            for notification in answer[admins]["notifications"].as_array().unwrap() {
                seen.push(notification["id"].as_str().unwrap().to_owned());
            }
            last.clone_from(seen.last().unwrap());
            if answer[admins]["more"] == false {
                break;
            }
        }
        assert_eq!(seen, ids[1..]);
        assert_eq!(calls, 2);
    }

    #[tokio::test]
    async fn an_answer_is_bounded_in_bytes_and_still_makes_progress() {
        let stage = Stage::new();
        let service = stage.direct();
        let text = "x".repeat(150 * 1024);
        let mut ids = Vec::new();
        for _ in 0..3 {
            let cart = json!({"type": "CartUpdated", "sessionId": SESSION, "cart": text});
            ids.push(service.notify(event(cart)).await.unwrap().to_string());
        }
        let guest = stage.connect(customer("pizza", SESSION)).await.unwrap();
        let session = format!("session:{SESSION}");
        let answer = guest
            .invoke("Resume", json!([{ &*session: ids[0] }]))
            .await
            .unwrap();
        let answer = &answer[&session];
        assert_eq!(answer["notifications"][0]["id"], ids[1]);
        assert_eq!(answer["notifications"].as_array().unwrap().len(), 1);
        assert_eq!(answer["more"], true);
    }
}
