//! A publisher learns how many connections a notification has reached, wherever they are.

use mesahub::notification::{NotificationService, PublishOptions};
use serde_json::json;
use uuid::Uuid;

use crate::fleet::{Fleet, within};
use crate::healing::{admins, expect};

/// One admin on each node: whichever node is asked tells of all of them.
pub(crate) async fn are_gathered(fleet: Fleet) {
    let mut clients = admins(&fleet).await;
    // Somebody in a second channel of the notification counts once.
    clients[0].call("JoinAdminChannel", json!(["orders"])).await;
    let event = json!({
        "type": "OrderStatusChanged", "tenantKey": "pizza",
        "orderId": Uuid::nil(), "status": "Ready",
    });
    let event = serde_json::from_value(event).unwrap();
    let how = PublishOptions {
        receipt: true,
        ..PublishOptions::default()
    };
    let service = &fleet.nodes[1].service;
    let answers = within("a publish", service.publish_with(vec![event], how)).await;
    let id = *answers[0].as_ref().unwrap();
    for client in &clients {
        expect(client, &[id.to_string()]).await;
    }
    for node in &fleet.nodes {
        let reached = async {
            loop {
                let receipt = node.service.receipt(id).await.unwrap();
                let receipt = receipt.expect("one was asked for");
                assert!(receipt.connections <= 3, "{receipt:?}");
                if (receipt.connections, receipt.nodes) == (3, 3) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        within("all to be counted", reached).await;
    }
    drop(clients);
    fleet.stop().await;
}
