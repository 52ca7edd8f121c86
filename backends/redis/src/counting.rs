//! Who listens.

use mesahub_broker::BrokerError;
use tokio::time::timeout;

use crate::config::{Address, Deployment, RedisConfig};
use crate::error::LinkError;
use crate::resp::Value;
use crate::socket::Socket;
use crate::topology;

impl RedisConfig {
    /// Whether each node counts only subscribers of its own. Plain channels reach the whole of a
    /// cluster, whichever node one listens at.
    pub(crate) fn counts_by_node(&self) -> bool {
        matches!(self.deployment, Deployment::Cluster { .. }) && !self.is_sharded()
    }
}

/// The subscribers of a plain channel at all primaries of a cluster. Those at replicas are not
/// seen.
pub(crate) async fn everywhere(config: &RedisConfig, channel: &str) -> Result<u64, BrokerError> {
    let topology = topology::ask(config, &[]).await;
    let mut count = 0;
    for at in topology.map_err(LinkError::into_broker)?.nodes() {
        let patience = config.connect_timeout + config.response_timeout;
        let asked = timeout(patience, at_node(config, &at, channel)).await;
        let asked = asked.unwrap_or_else(|_| Err(LinkError::Silent(at.to_string(), patience)));
        count += asked.map_err(LinkError::into_broker)?;
    }
    Ok(count)
}

async fn at_node(config: &RedisConfig, at: &Address, channel: &str) -> Result<u64, LinkError> {
    let mut socket = Socket::open(config, at).await?;
    let answer = socket.ask(&["PUBSUB", "NUMSUB", channel]).await?;
    let count = match &answer {
        Value::List(items) => items.get(1).and_then(Value::text),
        _ => None,
    };
    let count = count.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    count.ok_or(LinkError::Protocol(crate::resp::NoResp))
}
