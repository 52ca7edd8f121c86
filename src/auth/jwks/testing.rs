//! Where tests get key sets from: a server that answers the same to all, and a source that does as
//! it is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::error::FetchError;
use super::fetch::Source;
use super::url::KeySetUrl;

/// A server that writes the same bytes to whoever asks it anything.
pub(super) struct Answering {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _stop: DropGuard,
}

impl Answering {
    pub(super) async fn with(answer: Vec<u8>) -> Self {
        Self::start(Some(answer)).await
    }

    /// One that takes every request and answers none.
    pub(super) async fn never() -> Self {
        Self::start(None).await
    }

    async fn start(answer: Option<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let serving = serve(listener, answer, Arc::clone(&asked));
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move {
            tokio::select! {
                () = serving => {}
                () = stopped.cancelled() => {}
            }
        });
        Self {
            address,
            asked,
            _stop: stop.drop_guard(),
        }
    }

    pub(super) fn url(&self) -> KeySetUrl {
        format!("http://{}/keys", self.address).parse().unwrap()
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, answer: Option<Vec<u8>>, asked: Arc<AtomicUsize>) {
    let mut held = Vec::new();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        asked.fetch_add(1, Ordering::SeqCst);
        read_head(&mut stream).await;
        match &answer {
            // Whoever has read enough hangs up before all is written.
            Some(answer) => drop(stream.write_all(answer).await),
            None => held.push(stream),
        }
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

/// A source that says what it is told to. Each fetch waits until it is let through.
pub(super) struct Scripted {
    answer: Mutex<Result<Vec<u8>, FetchError>>,
    fetches: AtomicUsize,
    through: Semaphore,
}

impl Scripted {
    /// One whose fetches are let through.
    pub(super) fn saying(answer: Result<Vec<u8>, FetchError>) -> Arc<Self> {
        Self::new(answer, 1_000_000)
    }

    /// One whose fetches wait.
    pub(super) fn gated(answer: Result<Vec<u8>, FetchError>) -> Arc<Self> {
        Self::new(answer, 0)
    }

    fn new(answer: Result<Vec<u8>, FetchError>, through: usize) -> Arc<Self> {
        Arc::new(Self {
            answer: Mutex::new(answer),
            fetches: AtomicUsize::new(0),
            through: Semaphore::new(through),
        })
    }

    /// Says something else from now on.
    pub(super) fn say(&self, answer: Result<Vec<u8>, FetchError>) {
        *self.answer.lock() = answer;
    }

    /// Lets one more fetch through.
    pub(super) fn let_through(&self) {
        self.through.add_permits(1);
    }

    /// How many fetches have begun.
    pub(super) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Source for Scripted {
    async fn fetch(&self) -> Result<Vec<u8>, FetchError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        self.through.acquire().await.unwrap().forget();
        self.answer.lock().clone()
    }
}
