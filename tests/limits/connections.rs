//! How many connections there may be, and when their places are free again.

use crate::client::Client;
use crate::server::{Server, in_time, person, refusal};

const PER_ADDRESS: &str = "Mesahub:Limits:Connections:PerAddress";
const PER_USER: &str = "Mesahub:Limits:Connections:PerUser";
const PER_TENANT: &str = "Mesahub:Limits:Connections:PerTenant";
const TOTAL: &str = "Mesahub:Limits:Connections:Total";

#[tokio::test]
async fn an_address_has_so_many_connections_and_gets_a_place_back_with_each_that_ends() {
    let server = Server::with(&[(PER_ADDRESS, "2")]).await;
    let (anna, bert) = (person("a", "anna"), person("b", "bert"));
    let first = Client::connect(&server, &anna).await;
    let mut second = Client::dial(&server, &bert).await.unwrap();
    second.shake_hands().await;

    let refused = refusal(server.negotiation(&bert).send().await.unwrap()).await;
    assert_eq!(
        (refused.0, refused.1.as_str()),
        (429, "too_many_of_address")
    );
    assert!((5..=10).contains(&refused.2), "{refused:?}");
    assert_eq!(Client::dial(&server, &anna).await.err(), Some(429));

    drop(first);
    let secret = server.negotiate_until_let_in(&bert).await;
    assert_eq!(server.negotiate(&bert).await.0, 429);
    let mut third = Client::attach(&server, &bert, &secret).await.unwrap();
    third.shake_hands().await;
    assert_eq!(server.negotiate(&bert).await.0, 429);
}

#[tokio::test]
async fn a_user_and_a_tenant_have_so_many_and_others_are_not_held_up() {
    let server = Server::with(&[(PER_USER, "1"), (PER_TENANT, "2")]).await;
    let code = async |token: &str| {
        let answer = server.negotiation(token).send().await.unwrap();
        match answer.status().as_u16() {
            200 => "let in".to_owned(),
            _ => refusal(answer).await.1,
        }
    };
    assert_eq!(code(&person("a", "anna")).await, "let in");
    assert_eq!(code(&person("a", "anna")).await, "too_many_of_user");
    assert_eq!(code(&person("b", "anna")).await, "let in");
    assert_eq!(code(&person("a", "bert")).await, "let in");
    assert_eq!(code(&person("a", "carl")).await, "too_many_of_tenant");
    assert_eq!(code(&person("b", "bert")).await, "let in");
}

#[tokio::test]
async fn a_full_server_is_busy() {
    let server = Server::with(&[(TOTAL, "1")]).await;
    let client = Client::connect(&server, &person("a", "anna")).await;
    let (bert, nobody) = (person("b", "bert"), "no token".to_owned());
    for token in [&bert, &nobody] {
        let refused = refusal(server.negotiation(token).send().await.unwrap()).await;
        assert_eq!(
            (refused.0, refused.1.as_str()),
            (503, "too_many_connections")
        );
    }
    assert_eq!(Client::dial(&server, &bert).await.err(), Some(503));
    drop(client);
    server.negotiate_until_let_in(&bert).await;
}

#[tokio::test]
async fn whoever_negotiates_and_stays_away_has_no_place_for_ever() {
    let settings = [(PER_USER, "1"), ("Mesahub:Hub:DisconnectTimeout", "1")];
    let server = Server::with(&settings).await;
    let anna = person("a", "anna");
    assert_eq!(server.negotiate(&anna).await.0, 200);
    assert_eq!(server.negotiate(&anna).await.0, 429);
    server.negotiate_until_let_in(&anna).await;
}

#[tokio::test]
async fn whoever_never_shakes_hands_has_no_place_for_ever() {
    let settings = [
        (PER_USER, "1"),
        ("RealTimeConfiguration:SignalR:HandshakeTimeout", "1"),
    ];
    let server = Server::with(&settings).await;
    let anna = person("a", "anna");
    let mute = Client::dial(&server, &anna).await.unwrap();
    assert_eq!(server.negotiate(&anna).await.0, 429);
    server.negotiate_until_let_in(&anna).await;
    drop(mute);
}

#[tokio::test]
async fn connections_that_requests_carry_have_places_too() {
    let server = Server::with(&[(PER_USER, "1")]).await;
    let anna = person("a", "anna");
    let (_, secret) = server.negotiate(&anna).await;
    let url = server.url(&format!("/hubs/notifications?id={secret}"));
    let poll = server.http.get(&url).bearer_auth(&anna);
    assert_eq!(in_time(poll.send()).await.unwrap().status(), 200);
    assert_eq!(server.negotiate(&anna).await.0, 429);
    let leave = server.http.delete(&url).bearer_auth(&anna);
    assert_eq!(in_time(leave.send()).await.unwrap().status(), 202);

    let secret = server.negotiate_until_let_in(&anna).await;
    let url = server.url(&format!("/hubs/notifications?id={secret}"));
    let stream = server.http.get(&url).bearer_auth(&anna);
    let stream = stream.header("accept", "text/event-stream");
    let stream = in_time(stream.send()).await.unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(server.negotiate(&anna).await.0, 429);
    drop(stream);
    server.negotiate_until_let_in(&anna).await;
}
