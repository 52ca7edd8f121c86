//! Long polling, outcome by outcome.

use std::time::Duration;

use mesahub::hub::Ending;
use serde_json::json;

use crate::support::{Plan, Polled, Request, SHAKE, Server, invoke};

#[tokio::test]
async fn the_first_poll_is_answered_at_once_with_nothing() {
    let server = Server::start().await;
    let token = server.token().await;
    // Even where there would be something to say.
    Request::post(&token, SHAKE).send(server.address).await;
    let first = Request::poll(&token).send(server.address).await;
    assert_eq!((first.status, first.text()), (200, ""));
    let kind = Some("application/octet-stream");
    assert_eq!(first.header("content-type"), kind);
    assert_eq!(first.header("content-length"), Some("0"));
    first.is_uncached();
    server.connected(1).await;
}

#[tokio::test]
async fn a_poll_takes_everything_that_waits() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    let calls = invoke("1", "Add", &json!([1, 2])) + &invoke("2", "Add", &json!([3, 4]));
    client.post(calls + &invoke("3", "Mark", &json!([]))).await;
    // Calls run one after the other: the third begins when the others have been answered.
    server.marked().await;
    let answer = client.poll().await;
    let first = "{\"type\":3,\"invocationId\":\"1\",\"result\":3}\u{1e}";
    let second = "{\"type\":3,\"invocationId\":\"2\",\"result\":7}\u{1e}";
    assert_eq!(answer.status, 200);
    assert!(
        answer.text().starts_with(&format!("{first}{second}")),
        "{}",
        answer.text()
    );
    assert!(answer.text().ends_with('\u{1e}'), "{}", answer.text());
    let kind = Some("application/octet-stream");
    assert_eq!(answer.header("content-type"), kind);
    let length = answer.body.len().to_string();
    assert_eq!(answer.header("content-length"), Some(length.as_str()));
    answer.is_uncached();
}

#[cfg(feature = "messagepack")]
#[tokio::test]
async fn polls_and_posts_carry_binary_protocols() {
    let server = Server::start().await;
    let client = Polled::attach(&server, None).await;
    let shake = "{\"protocol\":\"messagepack\",\"version\":1}\u{1e}";
    client.post(shake).await;
    assert_eq!(client.receive().await, "{}\u{1e}");
    // [1, {}, "1", "Add", [1, 2], []] behind its length.
    client
        .post(b"\x0d\x96\x01\x80\xa11\xa3Add\x92\x01\x02\x90")
        .await;
    let answer = client.poll().await;
    // [3, {}, "1", 3, 3].
    assert_eq!(answer.body, b"\x07\x95\x03\x80\xa11\x03\x03");
    let kind = Some("application/octet-stream");
    assert_eq!(answer.header("content-type"), kind);
}

#[tokio::test]
async fn a_waiting_poll_is_answered_when_something_comes() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    let poll = client.open_poll().await;
    let clients = server.hub.clients();
    clients.all().send("said", &("hello",)).await.unwrap();
    let answer = poll.answer().await;
    assert_eq!(
        answer.text(),
        "{\"type\":1,\"target\":\"said\",\"arguments\":[\"hello\"]}\u{1e}"
    );
}

#[tokio::test]
async fn a_poll_that_waited_long_enough_is_answered_with_nothing() {
    let server = Server::with(|options| options.poll_timeout = Duration::from_millis(100)).await;
    let client = Polled::connect(&server).await;
    for _ in 0..2 {
        let answer = client.poll().await;
        answer.is_plain(200, "");
        assert_eq!(answer.header("content-length"), Some("0"));
        answer.is_uncached();
    }
    client.post(invoke("1", "Add", &json!([1, 2]))).await;
    assert!(client.receive().await.contains("\"result\":3"));
}

#[tokio::test]
async fn the_last_message_is_delivered_before_the_end_is_told() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    client.post(invoke("1", "Abort", &json!([]))).await;
    let mut heard = String::new();
    while !heard.contains("\"type\":7") {
        heard += &client.receive().await;
    }
    let told = client.poll().await;
    told.is_plain(204, "");
    told.is_uncached();
    assert_eq!(server.endings(1).await, [Ending::Aborted]);
    // What remains is to forget the id.
    let gone = loop {
        let answer = client.poll().await;
        if !answer.body.is_empty() {
            break answer;
        }
        answer.is_plain(404, "");
    };
    gone.is_plain(404, "No Connection with that ID");
    gone.is_uncached();
}

#[tokio::test]
async fn a_newer_poll_takes_over_from_the_older() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    let (one, other) = (client.open_poll().await, client.open_poll().await);
    let (mut one, mut other) = (Box::pin(one.answer()), Box::pin(other.answer()));
    // They come over sockets of their own, so either may be the older.
    let (older, newer) = tokio::select! {
        answer = &mut one => (answer, other),
        answer = &mut other => (answer, one),
    };
    older.is_plain(204, "");
    older.is_uncached();
    client.post(invoke("1", "Add", &json!([1, 2]))).await;
    assert!(newer.await.text().contains("\"result\":3"));
}

#[tokio::test]
async fn a_third_poll_loses_while_the_second_waits_for_a_delivery() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    // So much that the first poll cannot be written out before its client reads.
    client.post(invoke("1", "Large", &json!([24 << 20]))).await;
    let mut slow = client.open_poll().await;
    assert_eq!(slow.head().await.status, 200);
    let one = client.open_poll().await;
    let other = client.open_poll().await;
    let (mut one, mut other) = (Box::pin(one.answer()), Box::pin(other.answer()));
    let loser = tokio::select! {
        answer = &mut one => answer,
        answer = &mut other => answer,
    };
    loser.is_plain(409, "");
    loser.is_uncached();
    assert_eq!(server.hub.connection_count(), 1);
}

#[tokio::test]
async fn an_abandoned_poll_loses_nothing() {
    let server = Server::start().await;
    let client = Polled::connect(&server).await;
    drop(client.open_poll().await);
    client.post(invoke("1", "Add", &json!([1, 2]))).await;
    assert!(client.receive().await.contains("\"result\":3"));
}

#[tokio::test]
async fn a_client_that_stops_polling_is_disconnected() {
    let timeout = Duration::from_millis(200);
    let server = Server::with(|options| options.disconnect_timeout = timeout).await;
    let client = Polled::connect(&server).await;
    drop(client.open_poll().await);
    let endings = server.endings(1).await;
    assert_eq!(endings[0].row().name, "transport_lost");
    let gone = loop {
        let answer = client.poll().await;
        if answer.status != 204 && !answer.body.is_empty() {
            break answer;
        }
    };
    gone.is_plain(404, "No Connection with that ID");
}

#[tokio::test]
async fn a_client_that_polls_is_neither_pinged_nor_timed_out() {
    let mut plan = Plan::default();
    plan.hub.keep_alive_interval = Duration::from_millis(50);
    plan.hub.client_timeout_interval = Duration::from_millis(100);
    plan.transport.poll_timeout = Duration::from_millis(300);
    let server = plan.start().await;
    let client = Polled::connect(&server).await;
    client.post("{\"type\":6}\u{1e}").await;
    for _ in 0..3 {
        client.poll().await.is_plain(200, "");
    }
    assert_eq!(server.hub.connection_count(), 1);
}

#[tokio::test]
async fn messages_wait_for_a_client_between_two_polls() {
    let server = Server::with(|options| options.transport_buffer = 64).await;
    let client = Polled::connect(&server).await;
    let clients = server.hub.clients();
    for number in 0..20 {
        clients.all().send("said", &(number,)).await.unwrap();
    }
    let mut heard = String::new();
    while heard.matches('\u{1e}').count() < 20 {
        let part = client.receive().await;
        assert!(part.ends_with('\u{1e}'), "messages are never cut: {part}");
        heard += &part;
    }
    let expected: String = (0..20)
        .map(|number| format!("{{\"type\":1,\"target\":\"said\",\"arguments\":[{number}]}}\u{1e}"))
        .collect();
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_a_poll_is_closed() {
    let mut plan = Plan::default();
    plan.transport.send_timeout = Duration::from_millis(200);
    let server = plan.start().await;
    let client = Polled::connect(&server).await;
    client.post(invoke("1", "Large", &json!([24 << 20]))).await;
    let mut slow = client.open_poll().await;
    assert_eq!(slow.head().await.status, 200);
    let endings = server.endings(1).await;
    assert_eq!(endings[0].row().name, "transport_lost");
}

#[tokio::test]
async fn an_id_is_required_and_must_be_known() {
    let server = Server::start().await;
    for query in ["", "?id=", "?_=1716"] {
        let answer = Request::new("GET", query).send(server.address).await;
        answer.is_plain(400, "Connection ID required");
        answer.is_uncached();
    }
    let answer = Request::poll("AAAAAAAAAAAAAAAAAAAAAA").send(server.address);
    let answer = answer.await;
    answer.is_plain(404, "No Connection with that ID");
    answer.is_uncached();
}

#[tokio::test]
async fn a_wildcard_is_a_poll_and_no_event_stream() {
    let server = Server::start().await;
    let token = server.token().await;
    let poll = Request::poll(&token).header("Accept", "*/*");
    let first = poll.send(server.address).await;
    assert_eq!((first.status, first.text()), (200, ""));
}
