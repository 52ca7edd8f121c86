//! One method for every feature of a hub. The tests with the official clients call them all.
//!
//! Run it with `cargo run --example everything` and point a SignalR client at the address that it
//! prints, at `/everything`.

mod calls;
mod failure;
mod octets;
mod streams;

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use clap::Parser;
use mesahub::auth::{AllowAnonymous, Authenticator, JwtAuthenticator, JwtOptions, SecretKey};
use mesahub::config::{LogLevel, LoggingSettings};
use mesahub::hub::{Hub, Node};
use mesahub::telemetry;
use mesahub::transport::{Endpoint, Origins, TransportOptions, routes};
use mesahub_memory::{MemoryBroker, MemoryConfig};
use tokio::net::TcpListener;

/// Serves a hub with everything, on a free port of the loopback.
#[derive(Parser)]
struct Arguments {
    /// An origin whose pages may connect, such as http://127.0.0.1:3000; may be given again.
    #[arg(long = "origin")]
    origins: Vec<String>,
    /// Lets only those in who show a token that is signed with this; everybody without it.
    #[arg(long)]
    signing_key: Option<String>,
    /// Writes what happens to standard error.
    #[arg(long)]
    verbose: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if arguments.verbose {
        telemetry::start(&LoggingSettings {
            level: LogLevel::Debug,
            ..LoggingSettings::default()
        })?;
    }
    let (inbox, shards) = Node::inbox();
    let broker = MemoryBroker::new(MemoryConfig::default(), inbox);
    let node = Node::start(Arc::new(broker), shards);
    let hub = Hub::builder("everything");
    let hub = streams::streams(calls::calls(hub)).build(&node)?;
    let options = TransportOptions {
        stateful_reconnect: true,
        ..TransportOptions::default()
    };
    let endpoint = Endpoint::new(hub, authenticator(arguments.signing_key)?)
        .origins(Origins::new(arguments.origins)?)
        .options(options);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(
        std::io::stdout(),
        "listening on http://{}",
        listener.local_addr()?
    )?;
    warp::serve(routes(endpoint, "/everything"))
        .incoming(listener)
        .run()
        .await;
    Ok(())
}

fn authenticator(key: Option<String>) -> Result<Arc<dyn Authenticator>, Box<dyn Error>> {
    Ok(match key {
        Some(key) => {
            let key = SecretKey::new(key.into_bytes());
            Arc::new(JwtAuthenticator::new(JwtOptions::new(key))?)
        }
        None => Arc::new(AllowAnonymous),
    })
}
