//! An address that publishes keys, or something else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

/// Answers whoever asks.
pub(crate) struct Issuer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Issuer {
    pub(crate) async fn publishing(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            answer: Arc::default(),
        };
        issuer.publish(keys);
        let (asked, answer) = (Arc::clone(&issuer.asked), Arc::clone(&issuer.answer));
        TaskTracker::new().spawn(serve(listener, asked, answer));
        issuer
    }

    /// Publishes these keys from now on.
    pub(crate) fn publish(&self, keys: &[Value]) {
        let set = json!({ "keys": keys });
        self.answer("200 OK", "", set.to_string().as_bytes());
    }

    /// Answers this from now on.
    pub(crate) fn answer(&self, status: &str, header: &str, body: &[u8]) {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\n{header}connection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        *self.answer.lock() = [head.as_bytes(), body].concat();
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/.well-known/jwks.json", self.address)
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, asked: Arc<AtomicUsize>, answer: Arc<Mutex<Vec<u8>>>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        asked.fetch_add(1, Ordering::SeqCst);
        read_head(&mut stream).await;
        let answer = answer.lock().clone();
        // Whoever has read enough hangs up before all is written.
        let _ = stream.write_all(&answer).await;
    }
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
}
