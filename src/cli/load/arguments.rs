//! What `mesahub load` may be told.

use std::path::PathBuf;

use clap::Args;
use mesahub::load::Address;
use serde_json::Value;

/// Which server to load, and how.
#[derive(Debug, Args)]
pub(crate) struct LoadArguments {
    /// The hub, such as http://127.0.0.1:5080/hubs/notifications; by default the one that this
    /// configuration describes, on this machine.
    #[arg(value_name = "URL")]
    pub(super) hub: Option<Address>,
    /// How many clients connect.
    #[arg(long, default_value_t = 100)]
    pub(super) connections: usize,
    /// How many of them begin each second.
    #[arg(long, default_value_t = 500)]
    pub(super) ramp: u32,
    /// The hub protocol: json or messagepack.
    #[arg(long, default_value = "json", value_name = "NAME")]
    pub(super) protocol: String,
    /// Connect without asking where first.
    #[arg(long)]
    pub(super) skip_negotiation: bool,
    /// A token of the clients; repeated, they are taken in turn.
    #[arg(long, value_name = "TOKEN")]
    pub(super) token: Vec<String>,
    /// A file with a token on each line, taken in turn.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub(super) token_file: Option<PathBuf>,
    /// Connect without tokens.
    #[arg(long, conflicts_with_all = ["token", "token_file"])]
    pub(super) anonymous: bool,
    /// How many channels there are to publish to.
    #[arg(long, default_value_t = 1)]
    pub(super) channels: usize,
    /// What they are called; {index} is their number.
    #[arg(long, default_value = "load-{index}", value_name = "NAME")]
    pub(super) channel_name: String,
    /// How many channels each client is in.
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    pub(super) channels_per_connection: usize,
    /// A hub method with which a client joins a channel.
    #[arg(long, value_name = "METHOD")]
    pub(super) join: Option<String>,
    /// Its arguments, as JSON.
    #[arg(long, default_value = r#"["{channel}"]"#, value_name = "JSON", value_parser = json)]
    pub(super) join_arguments: Value,
    /// A hub method to publish with.
    #[arg(long, value_name = "METHOD", conflicts_with = "publish_url")]
    pub(super) publish: Option<String>,
    /// Its arguments, as JSON; {channel}, {message} and {uuid} are filled in.
    #[arg(long, default_value = r#"["{channel}","{message}"]"#, value_name = "JSON", value_parser = json)]
    pub(super) publish_arguments: Value,
    /// Where to publish with POST requests instead.
    #[arg(long, value_name = "URL")]
    pub(super) publish_url: Option<String>,
    /// The body of these requests, as JSON; {channel}, {message} and {uuid} are filled in. By
    /// default a new order of the tenant that is called as the channel is.
    #[arg(long, value_name = "JSON", value_parser = json)]
    pub(super) publish_body: Option<Value>,
    /// The token of whoever publishes.
    #[arg(long, value_name = "TOKEN")]
    pub(super) publish_token: Option<String>,
    /// How many publish side by side, each to channels of its own.
    #[arg(long, default_value_t = 4)]
    pub(super) publishers: usize,
    /// Messages a second, over all channels.
    #[arg(long, default_value_t = 10.0)]
    pub(super) rate: f64,
    /// For how many seconds messages are published; 0 for none.
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    pub(super) duration: f64,
    /// Bytes of a message, without what is around it.
    #[arg(long, default_value_t = 200, value_name = "BYTES")]
    pub(super) size: usize,
    /// Cut all connections at once when all are there, and measure until all are back.
    #[arg(long)]
    pub(super) storm: bool,
    /// How many seconds a client tries to connect, and a message may be on its way.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(super) patience: u32,
    /// Print the report as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

fn json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}
