//! A server that says something else of itself than it is.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Passes everything on to the server at a port, and replaces one text with another as long in
/// what the server answers. Serves until the set is dropped.
pub(crate) async fn replacing(
    port: u16,
    from: &str,
    to: &str,
    tasks: &mut JoinSet<()>,
) -> SocketAddr {
    assert_eq!(from.len(), to.len(), "lengths are part of the protocol");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (from, to) = (from.as_bytes().to_vec(), to.as_bytes().to_vec());
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            connections.spawn(pass(client, server, from.clone(), to.clone()));
        }
    });
    address
}

async fn pass(client: TcpStream, server: TcpStream, from: Vec<u8>, to: Vec<u8>) {
    let (mut asking, mut answering) = client.into_split();
    let (mut answers, mut questions) = server.into_split();
    let back = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = answers.read(&mut buffer).await {
            let part = &mut buffer[..read];
            for at in 0..=part.len().saturating_sub(from.len()) {
                if part[at..].starts_with(&from) {
                    part[at..at + to.len()].copy_from_slice(&to);
                }
            }
            if answering.write_all(part).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = back => {}
        _ = copy(&mut asking, &mut questions) => {}
    }
}
