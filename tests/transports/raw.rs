//! Connections without a hub protocol.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mesahub::auth::AllowAnonymous;
use mesahub::hub::Ending;
use mesahub::transport::{Endpoint, RawConnection, RawSendError};
use tokio::sync::mpsc;

use crate::support::{Frames, Plan, Request, within};

/// Echoes bytes as text and tells when it has ended, and why.
async fn echo() -> (SocketAddr, mpsc::Receiver<Option<Ending>>) {
    let (told, endings) = mpsc::channel(8);
    let address = Plan::start_raw(move |node| {
        Endpoint::raw(node, "echo", Arc::new(AllowAnonymous), move |raw| {
            repeat(raw, told.clone())
        })
    })
    .await;
    (address, endings)
}

async fn repeat(mut connection: RawConnection, told: mpsc::Sender<Option<Ending>>) {
    while let Some(bytes) = connection.recv().await {
        if bytes == "stop" {
            break;
        }
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        if connection.send_text(text).await.is_err() {
            break;
        }
    }
    told.send(connection.ending().cloned()).await.unwrap();
}

async fn token(address: SocketAddr) -> String {
    let answer = Request::negotiate().send(address).await.json();
    answer["connectionToken"].as_str().unwrap().to_owned()
}

async fn upgraded(address: SocketAddr) -> Frames {
    let mut exchange = Request::upgrade("").open(address).await;
    assert_eq!(exchange.head().await.status, 101);
    Frames::over(exchange)
}

#[tokio::test]
async fn bytes_go_both_ways_over_a_websocket() {
    let (address, mut endings) = echo().await;
    let mut client = upgraded(address).await;
    client.send(2, b"one").await;
    assert_eq!(client.receive().await, (1, b"one".to_vec()));
    client.send(1, b"two").await;
    assert_eq!(client.receive().await, (1, b"two".to_vec()));
    client.send(9, b"ping").await;
    assert_eq!(client.receive().await, (10, b"ping".to_vec()));
    client.send(8, &[]).await;
    let ending = within("the handler to end", endings.recv()).await;
    assert_eq!(ending, Some(Some(Ending::TransportClosed)));
}

#[tokio::test]
async fn bytes_go_both_ways_over_long_polling() {
    let (address, mut endings) = echo().await;
    let token = token(address).await;
    assert_eq!(Request::poll(&token).send(address).await.status, 200);
    for text in ["one", "two"] {
        let posted = Request::post(&token, text).send(address).await;
        posted.is_plain(200, "");
        let answer = Request::poll(&token).send(address).await;
        assert_eq!(answer.text(), text);
    }
    assert_eq!(Request::delete(&token).send(address).await.status, 202);
    let ending = within("the handler to end", endings.recv()).await;
    assert_eq!(ending, Some(Some(Ending::TransportClosed)));
}

#[tokio::test]
async fn text_goes_both_ways_over_an_event_stream() {
    let (address, mut endings) = echo().await;
    let token = token(address).await;
    let mut stream = Request::events(&token).open(address).await;
    assert_eq!(stream.head().await.status, 200);
    assert_eq!(stream.part().await.unwrap(), b":\r\n");
    Request::post(&token, "a\nb").send(address).await;
    let event = stream.part().await.unwrap();
    assert_eq!(event, b"data: a\r\ndata: b\r\n\r\n");
    drop(stream);
    let ending = within("the handler to end", endings.recv()).await;
    assert_eq!(ending, Some(Some(Ending::TransportClosed)));
}

#[tokio::test]
async fn a_handler_that_returns_closes_the_connection() {
    let (address, _endings) = echo().await;
    let mut client = upgraded(address).await;
    client.send(1, b"stop").await;
    assert_eq!(client.receive().await, (8, vec![0x03, 0xe8]));

    let token = token(address).await;
    Request::poll(&token).send(address).await;
    Request::post(&token, "stop").send(address).await;
    let told = Request::poll(&token).send(address).await;
    told.is_plain(204, "");
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_own_connection_only() {
    let address = Plan::start_raw(|node| {
        Endpoint::raw(
            node,
            "fragile",
            Arc::new(AllowAnonymous),
            async |mut raw: RawConnection| {
                while let Some(bytes) = raw.recv().await {
                    assert_ne!(bytes, "panic", "as the client wanted");
                    raw.send(bytes).await.unwrap();
                }
            },
        )
    })
    .await;
    let mut steady = upgraded(address).await;
    let mut fragile = upgraded(address).await;
    fragile.send(1, b"panic").await;
    assert_eq!(fragile.receive().await.0, 8);
    steady.send(1, b"still here").await;
    assert_eq!(steady.receive().await, (2, b"still here".to_vec()));
}

#[tokio::test]
async fn bytes_are_refused_where_only_text_can_go() {
    let (told, mut results) = mpsc::channel(1);
    let address = Plan::start_raw(move |node| {
        Endpoint::raw(node, "bytes", Arc::new(AllowAnonymous), move |raw| {
            let told = told.clone();
            async move {
                let sender = raw.sender();
                told.send(sender.send("bytes").await).await.unwrap();
            }
        })
    })
    .await;
    let token = token(address).await;
    let mut stream = Request::events(&token).open(address).await;
    assert_eq!(stream.head().await.status, 200);
    let result = within("the handler to send", results.recv()).await;
    assert_eq!(result, Some(Err(RawSendError::TextOnly)));
}

#[tokio::test]
async fn a_sender_waits_for_a_client_that_does_not_read() {
    let (told, mut sent) = mpsc::channel(1024);
    let address = Plan::start_raw(move |node| {
        Endpoint::raw(node, "flood", Arc::new(AllowAnonymous), move |raw| {
            let told = told.clone();
            async move {
                let chunk = vec![b'x'; 32 * 1024];
                while raw.send(chunk.clone()).await.is_ok() {
                    told.try_send(()).unwrap();
                }
            }
        })
    })
    .await;
    let token = token(address).await;
    Request::poll(&token).send(address).await;
    // Two fit into the buffer of the transport, two wait in front of it.
    for _ in 0..4 {
        within("a chunk to be taken", sent.recv()).await.unwrap();
    }
    let idle = tokio::time::timeout(Duration::from_millis(50), sent.recv()).await;
    assert!(idle.is_err(), "the sender must wait");
    let answer = Request::poll(&token).send(address).await;
    assert_eq!(answer.body.len(), 64 * 1024);
    within("another chunk to be taken", sent.recv())
        .await
        .unwrap();
}
