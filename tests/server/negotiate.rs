//! Negotiation: versions, names, methods, tokens and pages of other origins.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mesahub::auth::{
    Authenticator, JwtAuthenticator, JwtOptions, SecretKey, SigningAlgorithm, TokenSpec,
};
use mesahub::transport::Origins;
use serde_json::json;

use crate::support::{Plan, Request, Response, Server};

const KEY: [u8; 32] = [7; 32];

/// A server that wants a token.
pub(crate) async fn guarded() -> Server {
    let plan = Plan {
        authenticator: guard(),
        ..Plan::default()
    };
    plan.start().await
}

/// Lets in whoever has a [`token`].
pub(crate) fn guard() -> Arc<dyn Authenticator> {
    Arc::new(JwtAuthenticator::new(JwtOptions::new(SecretKey::new(KEY))).unwrap())
}

/// A token for a user of the tenant `pizza`.
pub(crate) fn token(user: &str) -> String {
    sign(&spec(user))
}

fn spec(user: &str) -> TokenSpec {
    TokenSpec {
        tenant: Some("pizza".parse().unwrap()),
        user: Some(user.parse().unwrap()),
        ..TokenSpec::default()
    }
}

fn sign(spec: &TokenSpec) -> String {
    let key = SecretKey::new(KEY);
    spec.mint(&key, SigningAlgorithm::Hs256).unwrap()
}

#[tokio::test]
async fn version_0_names_a_connection_by_its_id_alone() {
    let server = Server::start().await;
    for query in ["", "?negotiateVersion=0", "?NEGOTIATEVERSION=0", "?_=1716"] {
        let answer = Request::negotiate(query).send(&server).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let id = answer.json()["connectionId"].clone();
        assert_eq!(id.as_str().unwrap().len(), 22);
        let expected = format!(
            "{{\"negotiateVersion\":0,\"connectionId\":{id},\"availableTransports\":\
             [{{\"transport\":\"WebSockets\",\"transferFormats\":[\"Text\",\"Binary\"]}}]}}"
        );
        assert_eq!(answer.body, expected, "{query}");
    }
}

#[tokio::test]
async fn version_1_adds_a_secret_token_and_is_the_highest() {
    let server = Server::start().await;
    for query in [
        "?negotiateVersion=1",
        "?negotiateVersion=7",
        "?negotiateversion=1&useStatefulReconnect=true",
        "?tenant=a%26b&NegotiateVersion=1",
    ] {
        let answer = Request::negotiate(query).send(&server).await.json();
        assert_eq!(answer["negotiateVersion"], json!(1), "{query}");
        let (id, token) = (&answer["connectionId"], &answer["connectionToken"]);
        assert_ne!(id, token);
        for name in [id, token] {
            let name = name.as_str().unwrap();
            let safe = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
            assert!(name.len() == 22 && name.chars().all(safe), "{name}");
        }
        assert_eq!(answer.get("useStatefulReconnect"), None);
        assert_eq!(answer.as_object().unwrap().len(), 4, "{answer}");
    }
}

#[tokio::test]
async fn a_version_that_is_not_served_is_refused_in_a_200() {
    let server = Server::start().await;
    let not_an_integer = "The client requested a non-integer protocol version.";
    for (version, text) in [
        ("one", not_an_integer),
        ("1.5", not_an_integer),
        ("", not_an_integer),
        ("99999999999", not_an_integer),
        (
            "-1",
            "The client requested version '-1', but the server does not support this version.",
        ),
    ] {
        let query = format!("?negotiateVersion={version}");
        let answer = Request::negotiate(&query).send(&server).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, json!({ "error": text }).to_string());
    }
}

#[tokio::test]
async fn only_post_negotiates() {
    let server = Server::start().await;
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = Request::new(method, "/hub/negotiate").send(&server).await;
        refuses(&answer, 405, "");
    }
    refuses(&Request::new("PUT", "/hub").send(&server).await, 405, "");
    refuses(&Request::new("PATCH", "/hub").send(&server).await, 405, "");
}

#[tokio::test]
async fn posts_and_deletes_have_their_own_refusals() {
    let server = Server::start().await;
    let negotiated = Request::negotiate("?negotiateVersion=1")
        .send(&server)
        .await;
    let token = negotiated.json()["connectionToken"].clone();
    let known = format!("?ID={}", token.as_str().unwrap());
    let public = negotiated.json()["connectionId"].clone();
    let by_public_id = format!("?id={}", public.as_str().unwrap());
    let early = Request::new("POST", format!("/hub{known}"));
    refuses(&early.send(&server).await, 200, "");
    let attached = Request::upgrade(&known).send(&server).await;
    assert_eq!(attached.status, 101);
    let unknown = "No Connection with that ID";
    let required = "Connection ID required";
    let posted = "POST requests are not allowed for WebSocket connections.";
    let deleted = "Cannot terminate this connection using the DELETE endpoint.";
    for (method, query, status, text) in [
        ("POST", "", 400, required),
        ("POST", "?id=", 400, required),
        ("POST", "?id=nobody", 404, unknown),
        ("POST", "?id=AAAAAAAAAAAAAAAAAAAAAA", 404, unknown),
        ("POST", by_public_id.as_str(), 404, unknown),
        ("POST", known.as_str(), 405, posted),
        ("DELETE", "", 400, required),
        ("DELETE", "?id=nobody", 404, unknown),
        ("DELETE", known.as_str(), 400, deleted),
    ] {
        let answer = Request::new(method, format!("/hub{query}"))
            .send(&server)
            .await;
        refuses(&answer, status, text);
    }
}

#[tokio::test]
async fn transports_that_are_not_served_are_named() {
    let server = Server::start().await;
    let negotiated = Request::negotiate("").send(&server).await.json();
    let path = format!("/hub?id={}", negotiated["connectionId"].as_str().unwrap());
    let poll = Request::new("GET", path.as_str()).send(&server).await;
    refuses(
        &poll,
        404,
        "LongPolling transport not supported by this end point type",
    );
    let events = Request::new("GET", path.as_str()).header("Accept", "text/event-stream");
    let text = "ServerSentEvents transport not supported by this end point type";
    refuses(&events.send(&server).await, 404, text);
}

#[tokio::test]
async fn a_caller_without_a_good_token_is_told_why() {
    let server = guarded().await;
    let good = token("ann");
    let expired = sign(&TokenSpec {
        issued_at: Some(Timestamp::now() - Duration::from_secs(7_200)),
        ..spec("ann")
    });
    let (head, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", "A".repeat(43));
    let invalid =
        |text: &str| format!("Bearer error=\"invalid_token\", error_description=\"{text}\"");
    for (token, code, challenge) in [
        (None, "token_missing", "Bearer".to_owned()),
        (
            Some(&expired),
            "token_expired",
            invalid("the token has expired"),
        ),
        (
            Some(&forged),
            "token_bad_signature",
            invalid("the token's signature is wrong"),
        ),
    ] {
        for request in [
            Request::negotiate("?negotiateVersion=1"),
            Request::upgrade(""),
            Request::new("DELETE", "/hub?id=x"),
        ] {
            let request = match token {
                Some(token) => request.bearer(token),
                None => request,
            };
            let answer = request.send(&server).await;
            assert_eq!(answer.status, 401);
            assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
            assert_eq!(answer.json()["code"], json!(code));
        }
    }
}

#[tokio::test]
async fn a_token_may_stand_in_the_query() {
    let server = guarded().await;
    let query = format!("?negotiateVersion=1&access_token={}", token("ann"));
    assert_eq!(Request::negotiate(&query).send(&server).await.status, 200);
    let upgraded = Request::upgrade(&format!("?access_token={}", token("ann")));
    assert_eq!(upgraded.send(&server).await.status, 101);
}

#[tokio::test]
async fn a_preflight_needs_no_token_and_lets_listed_pages_in() {
    let server = plan_with_origin().start().await;
    for path in ["/hub", "/hub/negotiate"] {
        let answer = Request::new("OPTIONS", path)
            .header("Origin", "https://app.example.com")
            .header("Access-Control-Request-Method", "POST")
            .header(
                "Access-Control-Request-Headers",
                "authorization,x-requested-with,x-signalr-user-agent",
            )
            .send(&server)
            .await;
        assert_eq!(answer.status, 204, "{path}");
        for (name, value) in [
            ("access-control-allow-origin", "https://app.example.com"),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET, POST, DELETE"),
            (
                "access-control-allow-headers",
                "authorization,x-requested-with,x-signalr-user-agent",
            ),
            ("vary", "Origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
    }
}

#[tokio::test]
async fn every_answer_to_a_listed_page_can_be_read_by_it() {
    let server = plan_with_origin().start().await;
    let requests = [
        (401, Request::negotiate("")),
        (200, Request::negotiate("").bearer(&token("ann"))),
        (405, Request::new("PUT", "/hub").bearer(&token("ann"))),
        (404, Request::new("POST", "/hub?id=x").bearer(&token("ann"))),
    ];
    for (status, request) in requests {
        let answer = request
            .header("Origin", "https://app.example.com")
            .send(&server)
            .await;
        assert_eq!(answer.status, status);
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, Some("https://app.example.com"));
        let credentials = answer.header("access-control-allow-credentials");
        assert_eq!(credentials, Some("true"));
    }
}

#[tokio::test]
async fn other_pages_are_allowed_nothing() {
    let server = plan_with_origin().start().await;
    for request in [
        Request::new("OPTIONS", "/hub/negotiate").header("Access-Control-Request-Method", "POST"),
        Request::negotiate("").bearer(&token("ann")),
    ] {
        let answer = request
            .header("Origin", "https://evil.example.com")
            .send(&server)
            .await;
        for header in ["origin", "credentials", "methods", "headers"] {
            assert_eq!(
                answer.header(&format!("access-control-allow-{header}")),
                None
            );
        }
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

fn plan_with_origin() -> Plan {
    let options = JwtOptions::new(SecretKey::new(KEY));
    Plan {
        authenticator: Arc::new(JwtAuthenticator::new(options).unwrap()),
        origins: Origins::new(["https://app.example.com"]).unwrap(),
        ..Plan::default()
    }
}

fn refuses(answer: &Response, status: u16, text: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, text));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
}
