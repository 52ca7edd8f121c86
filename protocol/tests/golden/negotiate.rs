//! Negotiate queries and responses.

use mesahub_protocol::{NegotiateError, NegotiateQuery, NegotiateResponse, TransportKind};

const ALL: &[TransportKind] = &[
    TransportKind::WebSockets,
    TransportKind::ServerSentEvents,
    TransportKind::LongPolling,
];

const ALL_OFFERED: &str = r#"[{"transport":"WebSockets","transferFormats":["Text","Binary"]},{"transport":"ServerSentEvents","transferFormats":["Text"]},{"transport":"LongPolling","transferFormats":["Text","Binary"]}]"#;

fn query(version: i64, use_stateful_reconnect: bool) -> NegotiateQuery {
    NegotiateQuery {
        version,
        use_stateful_reconnect,
    }
}

#[test]
fn the_full_response_has_the_official_bytes() {
    let mut response =
        NegotiateResponse::connection(1, "qL0mJ0m3c1nBv6Xw1r2yOA", "7eGm3n9gPV0mB1c1v5aY_w", ALL);
    response.use_stateful_reconnect = true;
    let body = format!(
        r#"{{"useStatefulReconnect":true,"negotiateVersion":1,"connectionId":"qL0mJ0m3c1nBv6Xw1r2yOA","connectionToken":"7eGm3n9gPV0mB1c1v5aY_w","availableTransports":{ALL_OFFERED}}}"#
    );
    assert_eq!(response.body(), body);
    assert_eq!(
        serde_json::from_str::<NegotiateResponse>(&body).unwrap(),
        response
    );
}

#[test]
fn version_zero_has_no_token() {
    assert_eq!(
        NegotiateResponse::connection(0, "id", "token", &[TransportKind::ServerSentEvents]).body(),
        r#"{"negotiateVersion":0,"connectionId":"id","availableTransports":[{"transport":"ServerSentEvents","transferFormats":["Text"]}]}"#
    );
}

#[test]
fn a_redirect_has_the_official_bytes() {
    let response = NegotiateResponse::redirect(
        "https://edge7.example.net/client/?hub=live",
        Some("eyJ...".to_owned()),
    );
    assert_eq!(
        response.body(),
        r#"{"negotiateVersion":0,"url":"https://edge7.example.net/client/?hub=live","accessToken":"eyJ...","availableTransports":[]}"#
    );
}

#[test]
fn a_token_lifetime_is_written_when_there_is_one() {
    let mut response = NegotiateResponse::connection(1, "id", "token", &[]);
    response.token_lifetime_seconds = Some(3600);
    assert!(
        response
            .body()
            .ends_with(r#","availableTransports":[],"tokenLifetimeSeconds":3600}"#)
    );
}

#[test]
fn a_query_is_read_whatever_its_case_and_escapes() {
    let cases = [
        ("", query(0, false)),
        ("negotiateVersion=1", query(1, false)),
        (
            "NEGOTIATEVERSION=1&UseStatefulReconnect=TRUE",
            query(1, true),
        ),
        (
            "negotiate%56ersion=%31&useStatefulReconnect=t%72ue",
            query(1, true),
        ),
        (
            "hub=live&negotiateVersion=+1+&access_token=%zz",
            query(1, false),
        ),
        (
            "negotiateVersion=1&useStatefulReconnect=yes",
            query(1, false),
        ),
        ("negotiateVersion=0&negotiateVersion=1", query(1, false)),
        ("negotiateVersion=-1", query(-1, false)),
        ("negotiateVersion=99&%", query(99, false)),
    ];
    for (text, expected) in cases {
        assert_eq!(NegotiateQuery::parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn a_version_that_is_no_integer_is_refused() {
    for text in [
        "negotiateVersion",
        "negotiateVersion=1.0",
        "negotiateVersion=99999999999",
    ] {
        assert_eq!(
            NegotiateQuery::parse(text),
            Err(NegotiateError::NotAnInteger),
            "{text}"
        );
    }
    assert_eq!(
        NegotiateError::NotAnInteger.body(),
        r#"{"error":"The client requested a non-integer protocol version."}"#
    );
}

#[test]
fn the_version_agreed_on_is_at_most_one_and_at_least_the_minimum() {
    assert_eq!(query(7, false).agreed_version(0), Ok(1));
    assert_eq!(query(0, false).agreed_version(0), Ok(0));
    assert_eq!(
        query(-1, false).agreed_version(0).unwrap_err().body(),
        r#"{"error":"The client requested version '-1', but the server does not support this version."}"#
    );
    assert_eq!(
        query(0, false).agreed_version(1),
        Err(NegotiateError::VersionTooLow(0))
    );
}
