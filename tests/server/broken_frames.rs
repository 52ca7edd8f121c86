//! Too much in a frame, or nothing at all, costs its sender its socket, and nobody else anything.

use mesahub::hub::Ending;

use crate::honest::Honest;
use crate::support::{Raw, Sent, Server};

#[tokio::test]
async fn a_frame_that_announces_too_much_is_refused_as_soon_as_too_much_has_come() {
    let server = Server::start().await;
    let mut honest = Honest::connect(&server).await;
    for length in [1_u64 << 20, 1 << 40, u64::MAX >> 1] {
        let mut raw = Raw::connect(&server).await;
        let mut head = vec![0x81, 0xff];
        head.extend(length.to_be_bytes());
        head.extend([0; 4]);
        raw.write(&head).await;
        // The default bound, and the one byte too many.
        raw.write(&[b'x'; 32_768]).await;
        let last =
            "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}";
        assert_eq!(raw.receive().await, Sent::text(last), "{length}");
        assert_eq!(raw.receive().await, Sent::close());
        let ending = server.stage.ending_of(raw.id).await;
        assert!(matches!(ending, Ending::ProtocolViolation(_)), "{ending}");
        server.counts(2).await;
        honest.are_untouched(&server, "an announcement").await;
    }
}

#[tokio::test]
async fn a_message_far_over_the_limit_is_refused_while_it_arrives() {
    let server = Server::start().await;
    let mut honest = Honest::connect(&server).await;
    for _ in 0..20 {
        let mut raw = Raw::connect(&server).await;
        raw.text("x".repeat(300_000)).await;
        let last =
            "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}";
        assert_eq!(raw.receive().await, Sent::text(last));
        assert_eq!(raw.receive().await, Sent::close());
        server.counts(2).await;
        honest.are_untouched(&server, "too much").await;
    }
}

#[tokio::test]
async fn a_socket_that_vanishes_is_a_lost_transport() {
    let server = Server::start().await;
    let raw = Raw::connect(&server).await;
    let id = raw.id;
    drop(raw);
    let ending = server.stage.ending_of(id).await;
    assert!(matches!(ending, Ending::TransportLost(_)), "{ending}");
    assert!(!ending.is_graceful());
    server.counts(0).await;
}
