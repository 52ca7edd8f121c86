//! One life, whatever the transport and however it ends.

use std::time::{Duration, Instant};

use mesahub::hub::Ending;
use serde_json::json;

use crate::support::{Frames, Plan, Polled, Request, SHAKE, Server, becomes, invoke};

#[tokio::test]
async fn every_connection_begins_once_and_ends_once() {
    let server = Server::start().await;
    for _ in 0..20 {
        let client = Polled::connect(&server).await;
        assert_eq!(client.delete().await.status, 202);
    }
    let begun = server.connected(20).await;
    assert_eq!(server.endings(20).await.len(), 20);
    becomes("connections to leave", || {
        server.hub.connection_count() == 0
    })
    .await;
    assert_eq!(begun.len(), server.connected(20).await.len());
    assert_eq!(server.endings(20).await, vec![Ending::TransportClosed; 20]);
}

#[tokio::test]
async fn one_broadcast_reaches_every_transport() {
    let server = Server::start().await;
    let polled = Polled::connect(&server).await;

    let token = server.token().await;
    let mut stream = Request::events(&token).open(server.address).await;
    stream.head().await;
    stream.part().await;
    Request::post(&token, SHAKE).send(server.address).await;
    stream.part().await;

    let mut socket = socket(&server).await;

    server.connected(3).await;
    let clients = server.hub.clients();
    clients.all().send("said", &("hello",)).await.unwrap();
    let message = "{\"type\":1,\"target\":\"said\",\"arguments\":[\"hello\"]}\u{1e}";
    assert_eq!(polled.receive().await, message);
    let event = stream.part().await.unwrap();
    assert_eq!(event, format!("data: {message}\r\n\r\n").as_bytes());
    assert_eq!(socket.receive().await, (1, message.as_bytes().to_vec()));
}

#[tokio::test]
async fn a_node_that_stops_says_come_back_on_every_transport() {
    let server = Server::start().await;
    let polled = Polled::connect(&server).await;
    let poll = polled.open_poll().await;

    let token = server.token().await;
    let mut stream = Request::events(&token).open(server.address).await;
    stream.head().await;
    stream.part().await;
    Request::post(&token, SHAKE).send(server.address).await;
    stream.part().await;
    server.connected(2).await;

    server.hub.disconnect_all(&Ending::Shutdown);
    let close = "{\"type\":7,\"allowReconnect\":true}\u{1e}";
    assert_eq!(poll.answer().await.text(), close);
    let event = stream.part().await.unwrap();
    assert_eq!(event, format!("data: {close}\r\n\r\n").as_bytes());
    assert_eq!(stream.part().await, None);
    assert_eq!(server.endings(2).await, vec![Ending::Shutdown; 2]);
    // Nobody polls again, and nobody waits for it.
    let stopped = server.node.stop(Duration::from_secs(3)).await;
    assert!(stopped, "a task is left");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_not_waited_for() {
    let mut plan = Plan::default();
    plan.hub.handshake_timeout = Duration::from_millis(100);
    let server = plan.start().await;
    let client = Polled::attach(&server, None).await;
    let answer = client.receive().await;
    assert!(answer.contains("Handshake was canceled."), "{answer}");
    client.poll().await.is_plain(204, "");
}

#[tokio::test]
async fn a_websocket_that_takes_nothing_is_closed() {
    let mut plan = Plan::default();
    plan.transport.send_timeout = Duration::from_millis(200);
    plan.hub.keep_alive_interval = Duration::from_millis(100);
    let server = plan.start().await;
    let mut socket = socket(&server).await;
    // More than the buffers of the two sockets hold.
    let call = invoke("1", "Large", &json!([24 << 20]));
    socket.send(1, call.as_bytes()).await;
    let endings = server.endings(1).await;
    assert_eq!(endings[0].row().name, "transport_lost");
}

#[tokio::test]
async fn a_websocket_is_not_waited_for_longer_than_the_close_timeout() {
    let server = Server::with(|options| options.close_timeout = Duration::from_millis(100)).await;
    let mut socket = socket(&server).await;
    let call = invoke("1", "Abort", &json!([]));
    socket.send(1, call.as_bytes()).await;
    // The client sees the Close frame, and says nothing.
    let begun = Instant::now();
    socket.end().await;
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "the default is 5 s"
    );
}

async fn socket(server: &Server) -> Frames {
    let token = server.token().await;
    let request = Request::upgrade(&format!("?id={token}"));
    let mut exchange = request.open(server.address).await;
    assert_eq!(exchange.head().await.status, 101);
    let mut socket = Frames::over(exchange);
    socket.send(1, SHAKE.as_bytes()).await;
    assert_eq!(socket.receive().await, (1, b"{}\x1e".to_vec()));
    socket
}
