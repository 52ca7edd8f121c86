//! Says where the tests would get each kind of server from on this machine, a line for each.
//!
//! ```text
//! redis: /usr/bin/redis-server
//! nats: missing: nats-server is not installed, …
//! ```

#![allow(clippy::print_stdout, reason = "it talks to whoever ran it")]

use mesahub_test_servers::{Kind, Origin, Power};

#[tokio::main]
async fn main() {
    for kind in Kind::ALL {
        match Origin::here(kind, Power::Needed).await {
            Ok(origin) => println!("{}: {origin}", kind.name),
            Err(error) => println!("{}: missing: {error}", kind.name),
        }
    }
}
