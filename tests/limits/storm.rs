//! All clients come back at once.

use futures_util::future::join_all;

use crate::client::Client;
use crate::server::{Server, in_time, person};

const CLIENTS: usize = 60;

#[tokio::test]
async fn everybody_is_let_in_in_the_end_and_no_place_is_lost() {
    let settings = [
        ("Mesahub:Limits:Admission:Handshakes", "8"),
        ("Mesahub:Limits:Connections:Total", "60"),
    ];
    let server = Server::with(&settings).await;
    let come = async |number: usize| {
        let token = person(&format!("tenant-{}", number % 4), &number.to_string());
        let mut refused = 0;
        loop {
            match Client::dial(&server, &token).await {
                Ok(mut client) => {
                    client.shake_hands().await;
                    return (client, refused);
                }
                Err(status) => {
                    assert_eq!(status, 503);
                    refused += 1;
                }
            }
        }
    };
    for _ in 0..2 {
        let back = in_time(join_all((0..CLIENTS).map(come))).await;
        let refused: usize = back.iter().map(|(_, refused)| refused).sum();
        assert!(refused > 0, "there was no storm");
        assert_eq!(server.negotiate(&person("late", "anna")).await.0, 503);
        // They leave at once, and come again.
        drop(back);
    }
    let late = server.negotiate_until_let_in(&person("late", "anna")).await;
    assert!(!late.is_empty());
}
