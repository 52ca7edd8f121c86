//! One client that stops reading, among two hundred.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mesahub::hub::{Ending, HubOptions};

use crate::support::{Client, Incoming, Plan, Server};

const CLIENTS: usize = 200;
const OUTBOX: usize = 64 * 1024;
const MESSAGE: usize = 2 * 1024;

/// A frame around a message: its header, the call around the text, the end mark.
const AROUND: usize = 64;

/// More than fit into the outbox and the kernel's buffers together.
const MOST_ROUNDS: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_client_loses_its_connection_and_the_others_notice_nothing() {
    let plan = Plan {
        options: HubOptions {
            outbox_limit: OUTBOX,
            ..HubOptions::default()
        },
        send_buffer: Some(16 * 1024),
        ..Plan::default()
    };
    let server = plan.start().await;
    // The oldest member is served first, so everybody else would wait behind it.
    let mut stalled = Client::connect_narrow(&server).await;
    let mut others = Vec::new();
    for _ in 1..CLIENTS {
        others.push(Client::connect(&server).await);
    }
    let connection = server.hub.find(stalled.id).unwrap();

    let (mut beside, mut most_queued) = (Vec::new(), 0);
    while connection.ending().is_none() {
        assert!(
            beside.len() < MOST_ROUNDS,
            "the stalled client still takes messages"
        );
        beside.push(round(&server, &mut others, beside.len()).await);
        most_queued = most_queued.max(connection.queued_bytes());
    }
    assert_eq!(
        server.stage.ending_of(stalled.id).await,
        Ending::SlowConsumer
    );
    assert!(most_queued > OUTBOX / 2, "{most_queued} bytes were queued");
    assert!(
        most_queued <= OUTBOX + MESSAGE + AROUND,
        "{most_queued} bytes were queued"
    );
    assert_eq!(connection.queued_bytes(), 0);
    assert_eq!(server.node.counters().overflowed.value(), 1);
    // Everybody else had so many messages while it stood there, stalled and connected.
    assert!(beside.len() > OUTBOX / (MESSAGE + AROUND));

    server.counts(CLIENTS - 1).await;
    let mut without = Vec::new();
    for number in beside.len()..beside.len() * 2 {
        without.push(round(&server, &mut others, number).await);
    }
    report("with the stalled client", &mut beside);
    report("without it", &mut without);
    assert_eq!(server.node.counters().overflowed.value(), 1);

    let mut read = 0;
    loop {
        match stalled.receive().await {
            Incoming::Message(message) => assert_eq!(message, heard(read)),
            Incoming::Lost => break,
            Incoming::Closed(status) => panic!("an orderly end with {status}"),
        }
        read += 1;
    }
    assert!(read < beside.len());
}

/// Sends one message and waits until everybody has it as the next one; how long that took.
async fn round(server: &Server, clients: &mut [Client], number: usize) -> Duration {
    let begin = Instant::now();
    server
        .hub
        .clients()
        .all()
        .send("Heard", &[text(number)])
        .await
        .unwrap();
    let heard = heard(number);
    let messages = join_all(clients.iter_mut().map(Client::message)).await;
    assert!(messages.iter().all(|message| *message == heard));
    begin.elapsed()
}

fn text(number: usize) -> String {
    format!("{number:0>width$}", width = MESSAGE)
}

fn heard(number: usize) -> String {
    format!(
        "{{\"type\":1,\"target\":\"Heard\",\"arguments\":[\"{}\"]}}",
        text(number)
    )
}

fn report(what: &str, rounds: &mut [Duration]) {
    rounds.sort_unstable();
    let (median, longest) = (rounds[rounds.len() / 2], rounds[rounds.len() - 1]);
    eprintln!(
        "{} rounds to {} clients {what}: median {median:?}, longest {longest:?}",
        rounds.len(),
        CLIENTS - 1
    );
}
