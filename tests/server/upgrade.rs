//! From a request to a WebSocket: which token opens which connection, and for whom.

use mesahub::hub::ConnectionId;
use mesahub::transport::Origins;
use serde_json::json;

use crate::negotiate::{guarded, token};
use crate::support::{Client, Plan, Raw, Request, Sent, Server, TEXT, masked};

#[tokio::test]
async fn an_upgrade_is_answered_as_rfc_6455_wants_it() {
    let server = Server::start().await;
    let answer = Request::upgrade("")
        .header("Sec-WebSocket-Protocol", "chat")
        .header("Sec-WebSocket-Extensions", "permessage-deflate")
        .send(&server)
        .await;
    assert_eq!(answer.status, 101);
    // The answer that section 1.3 computes for its example.
    let accept = answer.header("sec-websocket-accept");
    assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert_eq!(answer.header("sec-websocket-protocol"), None);
    assert_eq!(answer.header("sec-websocket-extensions"), None);
}

#[tokio::test]
async fn what_comes_with_the_upgrade_is_not_lost() {
    let server = Server::start().await;
    let handshake = masked(TEXT, b"{\"protocol\":\"json\",\"version\":1}\x1e");
    let call = b"{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\",\"arguments\":[1,2]}\x1e";
    let early = [handshake, masked(TEXT, call)].concat();
    // Cut in the middle of a frame, so that a part has been read with the request.
    let (begin, end) = early.split_at(60);
    let upgraded = Request::upgrade("").followed_by(begin.to_vec());
    let upgraded = upgraded.send(&server).await;
    assert_eq!(upgraded.status, 101);
    let mut raw = Raw::upgraded(ConnectionId::random(), upgraded.stream);
    assert_eq!(raw.receive().await, Sent::text("{}"));
    raw.write(end).await;
    let completion = "{\"type\":3,\"invocationId\":\"1\",\"result\":3}";
    assert_eq!(raw.receive().await, Sent::text(completion));
}

#[tokio::test]
async fn an_upgrade_that_is_none_is_refused() {
    let server = Server::start().await;
    let old = Request::upgrade("").header("Sec-WebSocket-Version", "8");
    let old = old.send(&server).await;
    assert_eq!(
        (old.status, old.body.as_str()),
        (426, "WebSocket version 13 is required")
    );
    assert_eq!(old.header("sec-websocket-version"), Some("13"));
    let absent = Request::upgrade("").without("Sec-WebSocket-Version");
    assert_eq!(absent.send(&server).await.status, 426);
    let keyless = Request::upgrade("")
        .without("Sec-WebSocket-Key")
        .send(&server)
        .await;
    assert_eq!(
        (keyless.status, keyless.body.as_str()),
        (400, "Sec-WebSocket-Key is missing")
    );
}

#[tokio::test]
async fn a_connection_may_skip_negotiation() {
    let server = Server::start().await;
    let upgraded = Request::upgrade("").send(&server).await;
    assert_eq!(upgraded.status, 101);
    let empty = Request::upgrade("?id=").send(&server).await;
    assert_eq!(empty.status, 101);
}

#[tokio::test]
async fn a_negotiated_connection_keeps_its_id() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let id = client.call("WhoAmI", json!([])).await;
    assert_eq!(id, json!(client.id.as_str()));
    assert!(server.hub.find(client.id).is_some());
}

#[tokio::test]
async fn an_unknown_token_opens_nothing() {
    let server = Server::start().await;
    let negotiated = Request::negotiate("?negotiateVersion=1")
        .send(&server)
        .await
        .json();
    let public = negotiated["connectionId"].as_str().unwrap();
    for token in ["nobody", "AAAAAAAAAAAAAAAAAAAAAA", public] {
        let answer = Request::upgrade(&format!("?id={token}"))
            .send(&server)
            .await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (404, "No Connection with that ID")
        );
    }
}

#[tokio::test]
async fn a_token_opens_one_socket_at_a_time() {
    let server = Server::start().await;
    let negotiated = Request::negotiate("").send(&server).await.json();
    let query = format!("?iD={}", negotiated["connectionId"].as_str().unwrap());
    let first = Request::upgrade(&query).send(&server).await;
    assert_eq!(first.status, 101);
    let second = Request::upgrade(&query).send(&server).await;
    assert_eq!((second.status, second.body.as_str()), (409, ""));
}

#[tokio::test]
async fn a_token_is_forgotten_with_its_connection() {
    let server = Server::start().await;
    let negotiated = Request::negotiate("?negotiateVersion=1")
        .send(&server)
        .await
        .json();
    let query = format!("?id={}", negotiated["connectionToken"].as_str().unwrap());
    let upgraded = Request::upgrade(&query).send(&server).await;
    drop(upgraded);
    crate::support::within("the token to be forgotten", async {
        loop {
            let answer = Request::upgrade(&query).send(&server).await;
            match answer.status {
                404 => break,
                status => assert_eq!(status, 409),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_opens_nothing_for_another_user() {
    let server = guarded().await;
    let negotiate = Request::negotiate("?negotiateVersion=1").bearer(&token("ann"));
    let negotiated = negotiate.send(&server).await.json();
    let query = format!("?id={}", negotiated["connectionToken"].as_str().unwrap());
    let stolen = Request::upgrade(&query)
        .bearer(&token("bob"))
        .send(&server)
        .await;
    assert_eq!(
        (stolen.status, stolen.body.as_str()),
        (403, "This connection belongs to another user")
    );
    let own = Request::upgrade(&query)
        .bearer(&token("ann"))
        .send(&server)
        .await;
    assert_eq!(own.status, 101);
}

#[tokio::test]
async fn pages_of_other_origins_open_no_socket() {
    let plan = Plan {
        origins: Origins::new(["https://app.example.com"]).unwrap(),
        ..Plan::default()
    };
    let server = plan.start().await;
    let own = format!("http://{}", server.address);
    for (origin, status) in [
        ("https://evil.example.com", 403),
        ("null", 403),
        ("https://app.example.com.evil.net", 403),
        ("https://app.example.com", 101),
        (own.as_str(), 101),
    ] {
        let answer = Request::upgrade("")
            .header("Origin", origin)
            .send(&server)
            .await;
        assert_eq!(answer.status, status, "{origin}");
    }
    assert_eq!(Request::upgrade("").send(&server).await.status, 101);
    let raw = Raw::connect(&server).await;
    assert!(server.hub.find(raw.id).is_some());
}

#[tokio::test]
async fn a_host_may_serve_the_hub_with_a_loop_of_its_own() {
    let plan = Plan {
        served_by_warp: true,
        ..Plan::default()
    };
    let server = plan.start().await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
    let large = "x".repeat(20_000);
    assert_eq!(client.call("Echo", json!([large])).await, json!(large));
    client.send("{\"type\":7}").await;
    client.is_sent_away_with("{\"type\":7}").await;
    server.counts(0).await;
}
