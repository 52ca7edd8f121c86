//! What happens by itself: pings, and the ends of those who keep silent or stay too long.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mesahub::auth::{AuthError, Authenticator, Principal};
use mesahub::hub::{Ending, HubOptions};
use serde_json::json;

use crate::support::{Client, Incoming, Plan, Raw, Sent, Server};

const TIMED_OUT: &str =
    "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}";

/// Lets everybody in for a short time.
struct ShortStay(Duration);

impl Authenticator for ShortStay {
    fn authenticate(&self, _token: &str) -> Result<Principal, AuthError> {
        self.without_token()
    }

    fn without_token(&self) -> Result<Principal, AuthError> {
        Ok(Principal {
            expires_at: Some(Timestamp::now() + self.0),
            ..Principal::anonymous()
        })
    }
}

fn impatient() -> HubOptions {
    HubOptions {
        keep_alive_interval: Duration::from_millis(100),
        client_timeout_interval: Duration::from_millis(300),
        ..HubOptions::default()
    }
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_is_let_go() {
    let server = Server::with(HubOptions {
        handshake_timeout: Duration::from_millis(200),
        ..HubOptions::default()
    })
    .await;
    let mut silent = Raw::open(&server).await;
    let mut hesitant = Raw::open(&server).await;
    hesitant.text("{\"protocol\":").await;
    for raw in [&mut silent, &mut hesitant] {
        let canceled = "{\"error\":\"Handshake was canceled.\"}";
        assert_eq!(raw.receive().await, Sent::text(canceled));
        raw.part().await;
    }
    assert_eq!(server.hub.connection_count(), 0);
}

#[tokio::test]
async fn a_handshake_in_time_stops_that_deadline() {
    let server = Server::with(HubOptions {
        handshake_timeout: Duration::from_millis(500),
        ..HubOptions::default()
    })
    .await;
    let mut quick = Client::connect(&server).await;
    // The deadline of this one ends after that of the other would have.
    let mut silent = Raw::open(&server).await;
    assert_eq!(
        silent.receive().await,
        Sent::text("{\"error\":\"Handshake was canceled.\"}")
    );
    assert_eq!(quick.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn every_client_is_pinged_again_and_again() {
    let server = Server::with(impatient()).await;
    let mut client = Client::connect(&server).await;
    for _ in 0..3 {
        let ping = Incoming::Message("{\"type\":6}".to_owned());
        assert_eq!(client.receive_any().await, ping);
    }
}

#[tokio::test]
async fn only_a_client_that_pings_is_missed_when_it_stops() {
    for detailed in [false, true] {
        let server = Server::with(HubOptions {
            enable_detailed_errors: detailed,
            ..impatient()
        })
        .await;
        let mut old = Client::connect(&server).await;
        let mut modern = Client::connect(&server).await;
        modern.send("{\"type\":6}").await;
        let goodbye = if detailed {
            TIMED_OUT.replace(
                "error.",
                "error. OperationCanceledException: Client hasn't sent a message/ping within the \
                 configured ClientTimeoutInterval.",
            )
        } else {
            TIMED_OUT.to_owned()
        };
        modern.is_sent_away_with(&goodbye).await;
        assert_eq!(
            server.stage.ending_of(modern.id).await,
            Ending::ClientTimeout
        );
        // This one has been silent for longer.
        assert_eq!(old.call("Add", json!([1, 2])).await, json!(3));
        server.counts(1).await;
    }
}

#[tokio::test]
async fn any_message_shows_that_a_client_is_there() {
    let server = Server::with(impatient()).await;
    let mut client = Client::connect(&server).await;
    client.send("{\"type\":6}").await;
    // Eight pings of the server take more than twice the client timeout.
    for _ in 0..8 {
        let ping = Incoming::Message("{\"type\":6}".to_owned());
        assert_eq!(client.receive_any().await, ping);
        client.send("{\"type\":99}").await;
    }
    assert_eq!(client.call("Add", json!([1, 2])).await, json!(3));
}

#[tokio::test]
async fn the_silence_of_a_client_that_is_not_read_does_not_count() {
    let server = Server::with(HubOptions {
        invocation_backlog: 1,
        ..impatient()
    })
    .await;
    let mut paused = Client::connect(&server).await;
    paused.send("{\"type\":6}").await;
    paused.begin("SlowEcho", json!(["one"])).await;
    paused.begin("SlowEcho", json!(["two"])).await;
    server.stage.started(1).await;
    let mut silent = Client::connect(&server).await;
    silent.send("{\"type\":6}").await;
    silent.is_sent_away_with(TIMED_OUT).await;
    server.stage.gate.add_permits(2);
    for (id, text) in [(1, "one"), (2, "two")] {
        let completion = format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":\"{text}\"}}");
        assert_eq!(paused.message().await, completion);
    }
}

#[tokio::test]
async fn a_connection_ends_with_its_credential_and_may_come_back() {
    let plan = |close_on_expiry| Plan {
        authenticator: Arc::new(ShortStay(Duration::from_secs(1))),
        options: HubOptions {
            close_on_expiry,
            ..HubOptions::default()
        },
        ..Plan::default()
    };
    let lenient = plan(false).start().await;
    let mut stays = Client::connect(&lenient).await;
    let strict = plan(true).start().await;
    let mut leaves = Client::connect(&strict).await;
    leaves
        .is_sent_away_with("{\"type\":7,\"allowReconnect\":true}")
        .await;
    assert_eq!(
        strict.stage.ending_of(leaves.id).await,
        Ending::CredentialExpired
    );
    strict.counts(0).await;
    // Its credential ended earlier.
    assert_eq!(stays.call("Add", json!([1, 2])).await, json!(3));
}
