//! What an endpoint offers, and what it can be told to.

use std::time::Duration;

use mesahub::transport::{Endpoint, Redirect, TransportKind, TransportOptions};

use crate::support::{Plan, Polled, Request, SHAKE, Server, token_of};

const UNSUPPORTED: &str = "transport not supported by this end point type";

fn offered(answer: &crate::support::Answer) -> Vec<String> {
    let body = answer.json();
    let transports = body["availableTransports"].as_array().unwrap();
    let name = |item: &serde_json::Value| item["transport"].as_str().unwrap().to_owned();
    transports.iter().map(name).collect()
}

#[tokio::test]
async fn all_transports_are_offered_in_order_with_their_formats() {
    let server = Server::start().await;
    let answer = Request::negotiate().send(server.address).await;
    let expected = "\"availableTransports\":[\
        {\"transport\":\"WebSockets\",\"transferFormats\":[\"Text\",\"Binary\"]},\
        {\"transport\":\"ServerSentEvents\",\"transferFormats\":[\"Text\"]},\
        {\"transport\":\"LongPolling\",\"transferFormats\":[\"Text\",\"Binary\"]}]}";
    assert!(answer.text().ends_with(expected), "{}", answer.text());
}

#[tokio::test]
async fn only_enabled_transports_are_offered_and_served() {
    let plan = Plan {
        endpoint: |endpoint| {
            endpoint.transports(&[TransportKind::LongPolling, TransportKind::WebSockets])
        },
        ..Plan::default()
    };
    let server = plan.start().await;
    let answer = Request::negotiate().send(server.address).await;
    assert_eq!(offered(&answer), ["WebSockets", "LongPolling"]);
    let token = server.token().await;
    let refused = Request::events(&token).send(server.address).await;
    refused.is_plain(404, &format!("ServerSentEvents {UNSUPPORTED}"));
    // The refusal has not settled the transport.
    let poll = Request::poll(&token).send(server.address).await;
    assert_eq!(poll.status, 200);
}

#[tokio::test]
async fn a_transport_that_is_not_served_is_named() {
    let plan = Plan {
        endpoint: |endpoint| endpoint.transports(&[TransportKind::ServerSentEvents]),
        ..Plan::default()
    };
    let server = plan.start().await;
    let token = server.token().await;
    let poll = Request::poll(&token).send(server.address).await;
    poll.is_plain(404, &format!("LongPolling {UNSUPPORTED}"));
    poll.is_uncached();
    for query in [String::new(), format!("?id={token}")] {
        let upgrade = Request::upgrade(&query).send(server.address).await;
        upgrade.is_plain(404, &format!("WebSockets {UNSUPPORTED}"));
    }
}

#[tokio::test]
async fn one_hub_may_be_mapped_twice_with_other_limits() {
    let server = Server::start().await;
    let hasty = |endpoint: Endpoint| {
        endpoint
            .transports(&[TransportKind::LongPolling])
            .options(TransportOptions {
                poll_timeout: Duration::from_millis(50),
                ..TransportOptions::default()
            })
    };
    let elsewhere = server.again(hasty).await;
    let answer = Request::negotiate().send(elsewhere).await;
    assert_eq!(offered(&answer), ["LongPolling"]);
    let patient = Polled::connect(&server).await;
    let waiting = patient.open_poll().await;
    // Two polls of the hasty endpoint pass without anything to say.
    let token = token_of(Request::negotiate(), elsewhere).await;
    for _ in 0..2 {
        let poll = Request::poll(&token).send(elsewhere).await;
        assert_eq!((poll.status, poll.text()), (200, ""));
    }
    // The poll of the other waits still, and both are of one hub.
    let shaken = Request::post(&token, SHAKE).send(elsewhere);
    shaken.await.is_plain(200, "");
    server.connected(2).await;
    let all = server.hub.clients().all();
    all.send("said", &("hello",)).await.unwrap();
    let said = "{\"type\":1,\"target\":\"said\",\"arguments\":[\"hello\"]}\u{1e}";
    assert_eq!(waiting.answer().await.text(), said);
    let mut heard = String::new();
    while !heard.ends_with(said) {
        heard += Request::poll(&token).send(elsewhere).await.text();
    }
    assert_eq!(heard, format!("{{}}\u{1e}{said}"));
}

#[tokio::test]
async fn a_client_can_be_sent_elsewhere() {
    let plan = Plan {
        endpoint: |endpoint| {
            endpoint.redirect(|_, query| {
                query.contains("region=eu").then(|| Redirect {
                    url: "https://eu.example.com/hub?region=eu".to_owned(),
                    access_token: Some("for-eu".to_owned()),
                })
            })
        },
        ..Plan::default()
    };
    let server = plan.start().await;
    let away = Request::new("POST", "/negotiate?region=eu&negotiateVersion=1");
    let body = away.send(server.address).await.json();
    assert_eq!(body["url"], "https://eu.example.com/hub?region=eu");
    assert_eq!(body["accessToken"], "for-eu");
    assert!(body.get("connectionId").is_none(), "{body}");
    let stays = Request::negotiate().send(server.address).await.json();
    assert!(stays.get("url").is_none(), "{stays}");
}

#[tokio::test]
async fn the_first_request_settles_the_transport() {
    let server = Server::start().await;
    let changed = "Cannot change transports mid-connection";

    let polled = server.token().await;
    assert_eq!(
        Request::poll(&polled).send(server.address).await.status,
        200
    );
    let events = Request::events(&polled).send(server.address).await;
    events.is_plain(400, changed);
    let upgrade = Request::upgrade(&format!("?id={polled}"));
    upgrade.send(server.address).await.is_plain(400, changed);

    let streamed = server.token().await;
    let mut stream = Request::events(&streamed).open(server.address).await;
    assert_eq!(stream.head().await.status, 200);
    let poll = Request::poll(&streamed).send(server.address).await;
    poll.is_plain(400, changed);
    poll.is_uncached();

    let socket = server.token().await;
    let mut upgraded = Request::upgrade(&format!("?id={socket}"))
        .open(server.address)
        .await;
    assert_eq!(upgraded.head().await.status, 101);
    let poll = Request::poll(&socket).send(server.address).await;
    poll.is_plain(400, changed);
}

#[tokio::test]
async fn a_connection_that_nobody_attaches_to_is_forgotten() {
    let server = Server::with(|options| options.disconnect_timeout = std::time::Duration::ZERO);
    let server = server.await;
    let token = server.token().await;
    for request in [
        Request::poll(&token),
        Request::events(&token),
        Request::post(&token, "x"),
        Request::delete(&token),
    ] {
        let answer = request.send(server.address).await;
        answer.is_plain(404, "No Connection with that ID");
    }
}
