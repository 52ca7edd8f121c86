//! A chat server: a hub of ten lines, open to everybody.
//!
//! Run it with `cargo run --example chat` and point any SignalR client at
//! `http://127.0.0.1:5081/chat`: it calls `Send` and listens to `said`.

use std::sync::Arc;

use mesahub::auth::AllowAnonymous;
use mesahub::hub::{Caller, Hub, HubError, Node};
use mesahub::transport::{Endpoint, routes};
use mesahub_memory::{MemoryBroker, MemoryConfig};

async fn send(caller: Caller, name: String, text: String) -> Result<(), HubError> {
    Ok(caller.clients().all().send("said", &(name, text)).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (inbox, shards) = Node::inbox();
    let node = Node::start(
        Arc::new(MemoryBroker::new(MemoryConfig::default(), inbox)),
        shards,
    );
    let chat = Hub::builder("chat").method("Send", send).build(&node)?;
    let routes = routes(Endpoint::new(chat, Arc::new(AllowAnonymous)), "/chat");
    warp::serve(routes).run(([127, 0, 0, 1], 5081)).await;
    Ok(())
}
