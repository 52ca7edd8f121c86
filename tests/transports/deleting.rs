//! `DELETE`: a client that polls takes its leave.

use mesahub::hub::Ending;

use crate::support::{Polled, Request, Server};

#[tokio::test]
async fn a_poll_that_waits_is_told_and_the_id_is_forgotten() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    let poll = client.open_poll().await;
    client.delete().await.is_plain(202, "");
    let answer = poll.answer().await;
    // It came to wait before the connection was deleted, or after.
    assert!([204, 404].contains(&answer.status), "{}", answer.status);
    assert_eq!(server.endings(1).await, [Ending::TransportClosed]);
    let late = client.poll().await;
    assert_eq!(late.status, 404);
    assert_eq!(client.try_post("x").await.status, 404);
    crate::support::becomes("the connection to be gone", || {
        server.hub.connection_count() == 0
    })
    .await;
}

#[tokio::test]
async fn what_was_posted_before_is_still_read() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    client.post("{\"type\":7}\u{1e}").await;
    assert_eq!(client.delete().await.status, 202);
    assert_eq!(server.endings(1).await, [Ending::ClientClosed(None)]);
}

#[tokio::test]
async fn deleting_twice_is_no_error_to_a_client() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    assert_eq!(client.delete().await.status, 202);
    let second = client.delete().await;
    assert!([202, 404].contains(&second.status), "{}", second.status);
    assert_eq!(server.endings(1).await, [Ending::TransportClosed]);
}

#[tokio::test]
async fn other_transports_and_none_cannot_be_deleted() {
    let server = Server::start().await;
    let refused = "Cannot terminate this connection using the DELETE endpoint.";
    let none = server.token().await;
    let answer = Request::delete(&none).send(server.address).await;
    answer.is_plain(400, refused);
    let streamed = server.token().await;
    let mut stream = Request::events(&streamed).open(server.address).await;
    assert_eq!(stream.head().await.status, 200);
    let answer = Request::delete(&streamed).send(server.address).await;
    answer.is_plain(400, refused);
    let socket = server.token().await;
    let mut upgraded = Request::upgrade(&format!("?id={socket}"))
        .open(server.address)
        .await;
    assert_eq!(upgraded.head().await.status, 101);
    let answer = Request::delete(&socket).send(server.address).await;
    answer.is_plain(400, refused);
}

#[tokio::test]
async fn an_id_is_required_and_must_be_known() {
    let server = Server::start().await;
    let answer = Request::new("DELETE", "").send(server.address).await;
    answer.is_plain(400, "Connection ID required");
    let answer = Request::delete("AAAAAAAAAAAAAAAAAAAAAA").send(server.address);
    answer.await.is_plain(404, "No Connection with that ID");
}
