//! A client that keeps its connection over several sockets.

use mesahub::hub::{ConnectionId, HubOptions};
use mesahub::transport::TransportOptions;
use serde_json::json;

use crate::support::messages::{call, result};
use crate::support::{Plan, Raw, Sent, Server, becomes, within};

pub(super) const ASKING: &str = "?negotiateVersion=1&useStatefulReconnect=true";
pub(super) const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":2}\u{1e}";

pub(super) fn plan(options: HubOptions) -> Plan {
    Plan {
        options,
        transport: Some(TransportOptions {
            stateful_reconnect: true,
            ..TransportOptions::default()
        }),
        ..Plan::default()
    }
}

pub(super) async fn server() -> Server {
    plan(HubOptions::default()).start().await
}

pub(super) async fn connect(server: &Server) -> Raw {
    let mut raw = Raw::negotiate(server, ASKING).await;
    raw.text(HANDSHAKE).await;
    assert_eq!(raw.receive().await, Sent::text("{}"));
    raw
}

/// Loses the socket and comes back over another one.
pub(super) async fn come_back(server: &Server, raw: Raw) -> Raw {
    let (id, token) = (raw.id, raw.token.clone());
    raw.reset();
    Raw::attach(server, id, &token)
        .await
        .expect("it may come back")
}

pub(super) fn ack(number: u64) -> Sent {
    Sent::text(&format!("{{\"type\":8,\"sequenceId\":{number}}}"))
}

pub(super) fn sequence(number: u64) -> Sent {
    Sent::text(&format!("{{\"type\":9,\"sequenceId\":{number}}}"))
}

pub(super) async fn tell(raw: &mut Raw, kind: u8, number: u64) {
    let message = format!("{{\"type\":{kind},\"sequenceId\":{number}}}\u{1e}");
    raw.text(message).await;
}

pub(super) fn add(id: u64) -> String {
    call(Some(&id.to_string()), "Add", json!([id, 100]), &[]) + "\u{1e}"
}

pub(super) fn sum(id: u64) -> Sent {
    Sent::text(&result(&id.to_string(), json!(id + 100)))
}

pub(super) fn heard(text: &str) -> Sent {
    Sent::text(&format!(
        "{{\"type\":1,\"target\":\"Heard\",\"arguments\":[\"{text}\"]}}"
    ))
}

/// Says something and waits until it has been given to the connection, so that it comes in a frame
/// of its own.
pub(super) async fn say(server: &Server, text: &str) {
    let delivered = || server.hub.traffic().sent.messages.value();
    let before = delivered();
    let everyone = server.hub.clients().all();
    everyone.send("Heard", &[text]).await.unwrap();
    becomes("the message to be delivered", || delivered() > before).await;
}

pub(super) async fn is_forgotten(server: &Server, token: &str) {
    let forgotten = async {
        loop {
            let id = ConnectionId::random();
            match Raw::attach(server, id, token).await {
                Err(404) => break,
                Err(409) => tokio::task::yield_now().await,
                Err(status) => panic!("{status}"),
                Ok(_) => panic!("it came back"),
            }
        }
    };
    within("the token to be forgotten", forgotten).await;
}
