//! One server for the tests of a binary, which take it one after the other.

use std::sync::{Arc, Weak};

use mesahub_test_servers::{RabbitOptions, RabbitServer};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Gone with the last test that holds it or waits for it.
static SHARED: Mutex<Weak<Mutex<RabbitServer>>> = Mutex::const_new(Weak::new());

/// The server, for this test alone until the guard is dropped.
pub async fn server() -> OwnedMutexGuard<RabbitServer> {
    let mut shared = SHARED.lock().await;
    let server = match shared.upgrade() {
        Some(server) => server,
        None => {
            let server = RabbitServer::start(RabbitOptions::default()).await.unwrap();
            let server = Arc::new(Mutex::new(server));
            *shared = Arc::downgrade(&server);
            server
        }
    };
    drop(shared);
    server.lock_owned().await
}
