//! `POST`: the client's bytes, where the transport carries none of its own.

use serde_json::json;

use crate::support::{Polled, Request, SHAKE, Server, invoke};

#[tokio::test]
async fn bytes_are_taken_and_may_be_cut_anywhere() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    let call = invoke("1", "Add", &json!([2, 3])) + &invoke("2", "Add", &json!([4, 5]));
    for part in call.as_bytes().chunks(7) {
        client.post(part).await;
    }
    let mut heard = String::new();
    while heard.matches('\u{1e}').count() < 2 {
        heard += &client.receive().await;
    }
    let first = "{\"type\":3,\"invocationId\":\"1\",\"result\":5}\u{1e}";
    let second = "{\"type\":3,\"invocationId\":\"2\",\"result\":9}\u{1e}";
    assert_eq!(heard, format!("{first}{second}"));
}

#[tokio::test]
async fn an_id_is_required_and_must_be_known() {
    let server = Server::start().await;
    for query in ["", "?id=", "?other=x"] {
        let answer = Request::new("POST", query).send(server.address).await;
        answer.is_plain(400, "Connection ID required");
    }
    for token in ["nobody", "AAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = Request::post(token, "x").send(server.address).await;
        answer.is_plain(404, "No Connection with that ID");
    }
}

#[tokio::test]
async fn a_websocket_takes_no_posts() {
    let server = Server::start().await;
    let token = server.token().await;
    let mut upgraded = Request::upgrade(&format!("?id={token}"))
        .open(server.address)
        .await;
    assert_eq!(upgraded.head().await.status, 101);
    let answer = Request::post(&token, SHAKE).send(server.address).await;
    answer.is_plain(
        405,
        "POST requests are not allowed for WebSocket connections.",
    );
}

#[tokio::test]
async fn bytes_may_come_before_the_transport() {
    let server = Server::start().await;
    let token = server.token().await;
    let early = Request::post(&token, SHAKE).send(server.address).await;
    early.is_plain(200, "");
    let first = Request::poll(&token).send(server.address).await;
    assert_eq!((first.status, first.text()), (200, ""));
    let second = Request::poll(&token).send(server.address).await;
    assert_eq!(second.text(), "{}\u{1e}");
}

#[tokio::test]
async fn a_running_call_does_not_hold_the_answer() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    client.post(invoke("1", "Wait", &json!([]))).await;
    client.post(invoke("2", "Add", &json!([1, 1]))).await;
    server.stage.gate.0.add_permits(1);
    let mut heard = String::new();
    while heard.matches('\u{1e}').count() < 2 {
        heard += &client.receive().await;
    }
    let first = "{\"type\":3,\"invocationId\":\"1\",\"result\":null}\u{1e}";
    let second = "{\"type\":3,\"invocationId\":\"2\",\"result\":2}\u{1e}";
    assert_eq!(heard, format!("{first}{second}"));
}

#[tokio::test]
async fn the_answer_waits_while_the_buffer_is_full() {
    let server = Server::with(|options| options.application_buffer = 8).await;
    let token = server.token().await;
    // Nobody reads before the transport is there.
    let mut waiting = Request::post(&token, SHAKE).open(server.address).await;
    let mut behind = Request::post(&token, "").open(server.address).await;
    Request::poll(&token).send(server.address).await;
    assert_eq!(waiting.head().await.status, 200);
    assert_eq!(behind.head().await.status, 200);
    let poll = Request::poll(&token).send(server.address).await;
    assert_eq!(poll.text(), "{}\u{1e}");
}

#[tokio::test]
async fn a_body_that_trickles_is_passed_on_as_it_comes() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    let calls = invoke("1", "Echo", &json!(["first"])) + &invoke("2", "Echo", &json!(["second"]));
    let (begin, rest) = calls.split_at(calls.len() - 5);
    let request = Request::post(&client.token, begin);
    let mut post = request.open_partly(server.address, rest.len()).await;
    assert!(client.receive().await.contains("first"));
    post.write(rest.as_bytes()).await;
    post.answer().await.is_plain(200, "");
    assert!(client.receive().await.contains("second"));
}

#[tokio::test]
async fn a_post_that_breaks_off_is_no_harm_to_others() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    let broken = Request::post(&client.token, "").open_partly(server.address, 10);
    drop(broken.await);
    client.post(invoke("1", "Add", &json!([1, 2]))).await;
    assert!(client.receive().await.contains("\"result\":3"));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    let head = format!(
        "POST /hub?id={} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
        client.token
    );
    let exchange = crate::support::Exchange::begin(server.address, head.as_bytes()).await;
    exchange.answer().await.is_plain(400, "");
}

#[tokio::test]
async fn after_the_end_nothing_is_taken() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    server.hub.disconnect_all(&mesahub::hub::Ending::Aborted);
    server.endings(1).await;
    let answer = client.try_post("{\"type\":6}\u{1e}").await;
    answer.is_plain(404, "");
    assert!(client.receive().await.contains("\"type\":7"));
}

#[tokio::test]
async fn a_body_that_never_ends_is_let_go_with_its_connection() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    let endless = Request::post(&client.token, "{\"type\"");
    let endless = endless.open_partly(server.address, 100).await;
    assert_eq!(client.delete().await.status, 202);
    endless.answer().await.is_plain(404, "");
    server.endings(1).await;
}
