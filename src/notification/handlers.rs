//! The notification hub: what clients may call.

use std::sync::Arc;

use crate::auth::{OrderId, Policy};
use crate::channel::{AccessError, AdminChannel, Channel, OrderDirectory, may_join, order_channel};
use crate::hub::{Caller, Hub, HubBuildError, HubError, HubOptions, Node, State};
use crate::notification::resume::{Following, resume};
use crate::notification::welcome::{farewell, welcome};

/// The name of the notification hub on the backplane.
pub const NOTIFICATION_HUB: &str = "notifications";

pub(super) type Orders = State<Arc<dyn OrderDirectory>>;

/// Builds the notification hub on a node.
///
/// Everybody with a tenant may connect and hears the channels of their kind from the start.
/// Clients call `JoinOrderChannel(orderId)`, `LeaveOrderChannel(orderId)`,
/// `JoinAdminChannel(name)` and `LeaveAdminChannel(name)` for Admin and Staff, `Ping()`, which
/// answers true, and `Resume({channel: lastId})`, which answers a [`Resumed`] for each channel.
/// Joining answers a [`Following`]. `orders` says which dining session an order belongs to.
///
/// A client that connects with `resume=true` in the query hears nothing of the channels that keep
/// a log until it has called `Resume`, which then also answers for those that it does not name; so
/// all that it missed comes before anything new. It is not kept waiting for longer than 15 seconds.
///
/// [`Resumed`]: crate::notification::Resumed
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
        .keeps_log(|group| {
            group
                .parse()
                .is_ok_and(|channel: Channel| channel.keeps_log())
        })
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

async fn join_order(
    caller: Caller,
    order: OrderId,
    State(orders): Orders,
) -> Result<Following, HubError> {
    let channel = order_channel(caller.principal(), order)
        .map_err(|error| refused(&caller, &format!("order {order}"), &error))?;
    admit(&caller, &channel, &*orders)
        .await
        .map_err(|error| refused(&caller, &channel.to_string(), &error))?;
    join(&caller, channel).await
}

async fn leave_order(caller: Caller, order: OrderId) -> Result<(), HubError> {
    let channel = order_channel(caller.principal(), order).map_err(deliberate)?;
    Ok(caller.leave(&channel.to_string())?)
}

async fn join_admin(caller: Caller, name: String) -> Result<Following, HubError> {
    let channel = admin_channel(&caller, &name)?;
    may_join(caller.principal(), &channel, None)
        .map_err(|error| refused(&caller, &channel.to_string(), &error))?;
    join(&caller, channel).await
}

async fn leave_admin(caller: Caller, name: String) -> Result<(), HubError> {
    let channel = admin_channel(&caller, &name)?;
    Ok(caller.leave(&channel.to_string())?)
}

async fn ping() -> bool {
    true
}

/// Whether the caller may listen to a channel.
pub(super) async fn admit(
    caller: &Caller,
    channel: &Channel,
    orders: &dyn OrderDirectory,
) -> Result<(), AccessError> {
    let session = match channel {
        Channel::Order { tenant, order } if !caller.principal().is_admin() => {
            // Whoever may not ask in any case makes nobody look.
            match may_join(caller.principal(), channel, None) {
                Err(AccessError::UnknownOrder { .. }) => orders.session_of(tenant, order).await,
                decided => return decided,
            }
        }
        _ => None,
    };
    may_join(caller.principal(), channel, session)
}

async fn join(caller: &Caller, channel: Channel) -> Result<Following, HubError> {
    let name = [channel.to_string()];
    let positions = caller.hub().follow(caller.connection(), &name, false);
    let position = positions.await?.pop().flatten();
    tracing::debug!(connection = %caller.id(), user = caller.user(), %channel, "joined");
    Ok(Following { channel, position })
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

    use crate::auth::{Principal, ServiceScope};
    use crate::notification::testing::{
        Client, ORDER, SESSION, Stage, admin, customer, event, status_event, table_event,
    };
    use crate::notification::{NotificationId, NotificationService};

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
        let joined = follow(&guest).await.unwrap();
        assert_eq!(joined["channel"], format!("tenant:pizza:order:{ORDER}"));
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
        let nothing = json!({"notifications": [], "targets": [], "lost": null, "more": false,
            "position": answer["position"]});
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
            "tenant:pizza:customer:carla": id,
            "tenant:sushi:admins": id,
        }]);
        let answer = boss.invoke("Resume", asked).await.unwrap();
        let lost = |channel: &str| answer[channel]["lost"].as_str().unwrap().to_owned();
        assert_eq!(lost("tenant:pizza:admins"), "unknownPosition");
        assert_eq!(lost("tenant:pizza:broadcast"), "unavailable");
        assert_eq!(lost("global:broadcast"), "unavailable");
        assert_eq!(lost("tenant:pizza:customer:carla"), "notMember");
        assert_eq!(lost("tenant:sushi:admins"), "notMember");
        let many: std::collections::BTreeMap<String, NotificationId> =
            (0..65).map(|n| (n.to_string(), id)).collect();
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
