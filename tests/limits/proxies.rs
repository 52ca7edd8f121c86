//! Whose word is taken for where a client is.

use crate::server::{Server, person};

const PER_ADDRESS: (&str, &str) = ("Mesahub:Limits:Connections:PerAddress", "1");
const TRUSTED: (&str, &str) = ("Mesahub:Server:TrustedProxies:0", "127.0.0.0/8");

/// Negotiates as somebody of whom a header tells.
async fn negotiate(server: &Server, header: &str, value: &str) -> u16 {
    let request = server.negotiation(&person("a", "anna"));
    let answer = request.header(header, value).send().await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn clients_behind_a_proxy_that_is_believed_are_told_apart() {
    let server = Server::with(&[PER_ADDRESS, TRUSTED]).await;
    let from = async |value: &str| negotiate(&server, "x-forwarded-for", value).await;
    assert_eq!(from("198.51.100.1").await, 200);
    assert_eq!(from("198.51.100.1").await, 429);
    assert_eq!(from("198.51.100.2").await, 200);
    // What a client writes itself stands left of what the proxy writes.
    assert_eq!(from("203.0.113.7, 198.51.100.2").await, 429);
    assert_eq!(from("203.0.113.7, 198.51.100.3, 127.0.0.2").await, 200);
    assert_eq!(from("198.51.100.3:4711").await, 429);
    assert_eq!(from("2001:db8:1:2::1").await, 200);
    assert_eq!(from("[2001:db8:1:2:3::9]:4711").await, 429);
    assert_eq!(
        negotiate(&server, "forwarded", "for=198.51.100.9").await,
        200
    );
    assert_eq!(
        negotiate(&server, "forwarded", "for=198.51.100.8").await,
        429
    );
}

#[tokio::test]
async fn the_other_header_is_read_where_it_is_configured() {
    let header = ("Mesahub:Server:ForwardedHeader", "Forwarded");
    let server = Server::with(&[PER_ADDRESS, TRUSTED, header]).await;
    let from = async |value: &str| negotiate(&server, "forwarded", value).await;
    assert_eq!(from("for=198.51.100.1;proto=https").await, 200);
    assert_eq!(from("for=203.0.113.7, For=\"198.51.100.1:80\"").await, 429);
    assert_eq!(from("for=\"[2001:db8::7]\"").await, 200);
    assert_eq!(
        negotiate(&server, "x-forwarded-for", "198.51.100.5").await,
        200
    );
    assert_eq!(
        negotiate(&server, "x-forwarded-for", "198.51.100.6").await,
        429
    );
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let other = ("Mesahub:Server:TrustedProxies:0", "10.0.0.0/8");
    for settings in [vec![PER_ADDRESS], vec![PER_ADDRESS, other]] {
        let server = Server::with(&settings).await;
        let from = async |value: &str| negotiate(&server, "x-forwarded-for", value).await;
        assert_eq!(from("198.51.100.1").await, 200);
        assert_eq!(from("198.51.100.2").await, 429);
    }
}
