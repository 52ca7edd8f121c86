//! The notification hub inside an existing warp API: the host keeps its own routes, its own way of
//! signing people in and its own knowledge of orders, and calls the notification service from its
//! handlers.
//!
//! Run it with `cargo run --example embedded`, connect a SignalR client with
//! `accessTokenFactory: () => "kitchen"` to `http://127.0.0.1:5082/hubs/notifications`, then
//! `curl -X POST http://127.0.0.1:5082/orders/12` places an order for table 12.

use std::sync::Arc;

use mesahub::auth::{AuthError, Authenticator, OrderId, Principal, Role};
use mesahub::channel::RecentOrders;
use mesahub::hub::{HubOptions, Node};
use mesahub::notification::{
    Event, HubNotificationService, Metadata, NewOrder, NotificationOptions, notification_hub,
};
use mesahub::transport::{Endpoint, routes};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use uuid::Uuid;
use warp::Filter;
use warp::http::StatusCode;

/// The host's own idea of who somebody is. A real one would look a session up.
struct HouseKeys;

impl Authenticator for HouseKeys {
    fn authenticate(&self, token: &str) -> Result<Principal, AuthError> {
        if token != "kitchen" {
            return Err(AuthError::BadSignature);
        }
        Ok(Principal {
            tenant: "pizza".parse().ok(),
            user: "cook".parse().ok(),
            roles: Box::new([Role::Staff]),
            ..Principal::anonymous()
        })
    }
}

/// The host's own route: it stores the order, then tells the kitchen, without waiting for it.
fn place_order(table: u16, notifications: &HubNotificationService) -> StatusCode {
    let event = NewOrder {
        tenant_key: "pizza".parse().expect("a literal tenant key"),
        order_id: OrderId::from(Uuid::new_v4()),
        table_number: table.to_string().parse().expect("a number is a short text"),
        order: serde_json::json!({ "items": ["margherita"], "totalAmount": 12.5 }),
        session_id: None,
        metadata: Metadata::default(),
    };
    match notifications.announce(Event::NewOrder(event)) {
        Ok(_) => StatusCode::CREATED,
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (inbox, shards) = Node::inbox();
    let node = Node::start(
        Arc::new(MemoryBroker::new(MemoryConfig::default(), inbox)),
        shards,
    );
    let orders = Arc::new(RecentOrders::default());
    let hub = notification_hub(&node, Arc::clone(&orders) as _, HubOptions::default())?;
    let options = NotificationOptions::default();
    let notifications = HubNotificationService::new(hub.clone(), orders, options);

    let host = warp::path!("orders" / u16)
        .and(warp::post())
        .map(move |table| place_order(table, &notifications));
    let realtime = routes(
        Endpoint::new(hub, Arc::new(HouseKeys)),
        "/hubs/notifications",
    );
    warp::serve(host.or(realtime))
        .run(([127, 0, 0, 1], 5082))
        .await;
    Ok(())
}
