//! Which node of a cluster has which partition.
//!
//! One task asks: now and then, and at once when somebody notices that what is known is wrong.
//! Whoever acts on it watches, and is told of each answer, the same one too: something may have
//! gone and come back in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::config::{Address, Deployment, RedisConfig};
use crate::error::LinkError;
use crate::partition::Partition;
use crate::resp::Value;
use crate::socket::Socket;

/// Which primary has which partition; one that nobody has is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    owners: BTreeMap<Partition, Address>,
}

/// What is known, and a way to have it asked again.
#[derive(Clone, Debug)]
pub(crate) struct Atlas {
    pub(crate) known: watch::Receiver<Arc<Topology>>,
    doubt: Arc<Notify>,
}

impl Topology {
    /// The primary of a partition.
    pub(crate) fn owner(&self, partition: Partition) -> Option<&Address> {
        self.owners.get(&partition)
    }

    /// Whether every partition has one.
    pub(crate) fn is_whole(&self) -> bool {
        Partition::all().all(|partition| self.owners.contains_key(&partition))
    }

    /// The primaries that have partitions, each once, in order.
    pub(crate) fn nodes(&self) -> Vec<Address> {
        let mut nodes: Vec<_> = self.owners.values().cloned().collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}

impl Atlas {
    /// What is known, with the task that keeps it true.
    pub(crate) fn new(
        config: Arc<RedisConfig>,
        first: Topology,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()>) {
        let doubt = Arc::new(Notify::new());
        let (sender, known) = watch::channel(Arc::new(first));
        let keeping = keep(config, sender, Arc::clone(&doubt), stop);
        (Self { known, doubt }, keeping)
    }

    /// Has it asked again, soon.
    pub(crate) fn doubt(&self) {
        self.doubt.notify_one();
    }
}

async fn keep(
    config: Arc<RedisConfig>,
    sender: watch::Sender<Arc<Topology>>,
    doubt: Arc<Notify>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(&config);
    let keeping = async {
        loop {
            match timeout(config.response_timeout, doubt.notified()).await {
                Ok(()) => sleep(backoff.next()).await,
                Err(_) => backoff.reset(),
            }
            let before = Arc::clone(&sender.borrow());
            match ask(&config, &before.nodes()).await {
                Ok(now) => {
                    if now != *before {
                        tracing::info!(nodes = ?now.nodes(), "the Redis Cluster has changed");
                    }
                    sender.send_replace(Arc::new(now));
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "no node of the Redis Cluster says where things are");
                }
            }
        }
    };
    stop.run_until_cancelled(keeping).await;
}

/// Asks the known nodes and then the configured ones in turn, until one tells of a cluster that
/// works; else believes the one that has seen most.
pub(crate) async fn ask(config: &RedisConfig, known: &[Address]) -> Result<Topology, LinkError> {
    let configured = match &config.deployment {
        Deployment::Cluster { addresses } => addresses.as_slice(),
        _ => &[],
    };
    let unknown = configured.iter().filter(|one| !known.contains(one));
    let mut best: Option<(u64, Topology)> = None;
    let mut last = LinkError::NoPrimary(None);
    for address in known.iter().chain(unknown) {
        match timeout(config.connect_timeout, ask_one(config, address)).await {
            Ok(Ok((None, topology))) => return Ok(topology),
            Ok(Ok((Some(epoch), topology))) => {
                if best.as_ref().is_none_or(|(seen, _)| *seen < epoch) {
                    best = Some((epoch, topology));
                }
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = LinkError::Silent(address.to_string(), config.connect_timeout),
        }
    }
    best.map(|(_, topology)| topology).ok_or(last)
}

/// What one node says; with the epoch up to which it has followed where it says that the cluster
/// does not work.
async fn ask_one(config: &RedisConfig, at: &Address) -> Result<(Option<u64>, Topology), LinkError> {
    let mut socket = Socket::open(config, at).await?;
    let server = socket.server();
    if !server.is_cluster {
        return Err(LinkError::NoCluster(at.to_string()));
    }
    let major = server.version.split('.').next().unwrap_or_default();
    if config.is_sharded() && major.parse::<u32>().is_ok_and(|major| major < 7) {
        return Err(LinkError::TooOld(at.to_string(), server.version.clone()));
    }
    let info = socket.ask(&["CLUSTER", "INFO"]).await?;
    let info = String::from_utf8_lossy(info.text().map_or(&b""[..], |info| info)).into_owned();
    let fact = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
    let epoch = fact("cluster_current_epoch:").and_then(|epoch| epoch.parse().ok());
    let works = fact("cluster_state:") == Some("ok");
    let slots = socket.ask(&["CLUSTER", "SLOTS"]).await?;
    let topology = read(&slots, at).ok_or(LinkError::Protocol(crate::resp::NoResp))?;
    Ok(((!works).then_some(epoch.unwrap_or(0)), topology))
}

/// Reads the answer to `CLUSTER SLOTS`, `[[first, last, [host, port, …], replica…]…]`. A node that
/// does not know its own host is at the one where it was asked.
fn read(slots: &Value, asked: &Address) -> Option<Topology> {
    let number = |value: &Value| std::str::from_utf8(value.text()?).ok()?.parse::<u16>().ok();
    let mut topology = Topology::default();
    for range in list(slots)? {
        let [first, last, primary, ..] = list(range)? else {
            return None;
        };
        let (first, last) = (number(first)?, number(last)?);
        let [host, port, ..] = list(primary)? else {
            return None;
        };
        let host = host.text().map(|host| String::from_utf8_lossy(host));
        let host = host.filter(|host| !host.is_empty() && host != "?");
        let host = host.map_or_else(|| asked.host.clone(), std::borrow::Cow::into_owned);
        let address = Address::new(host, number(port)?);
        let here = Partition::all().filter(|one| (first..=last).contains(&one.slot()));
        let owners = here.map(|partition| (partition, address.clone()));
        topology.owners.extend(owners);
    }
    Some(topology)
}

fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(items) => Some(items),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::BytesMut;

    use super::{Address, Partition, read};
    use crate::resp::take;

    #[test]
    fn the_slots_tell_the_owner_of_each_partition() {
        let bytes = "*2\r\n\
            *4\r\n:0\r\n:8191\r\n*4\r\n$1\r\na\r\n:1\r\n$2\r\nid\r\n*0\r\n*4\r\n$1\r\nr\r\n:9\r\n$1\r\nx\r\n*0\r\n\
            *3\r\n:8192\r\n:16383\r\n*4\r\n_\r\n:2\r\n$2\r\nid\r\n*0\r\n";
        let slots = take(&mut BytesMut::from(bytes)).unwrap().unwrap();
        let topology = read(&slots, &Address::new("asked", 5)).unwrap();
        let (low, high) = (Address::new("a", 1), Address::new("asked", 2));
        for partition in Partition::all() {
            let expected = if partition.slot() < 8192 { &low } else { &high };
            assert_eq!(topology.owner(partition), Some(expected));
        }
        assert_eq!(topology.nodes(), [low, high]);
        assert!(topology.is_whole());
    }

    #[test]
    fn a_partition_without_an_owner_is_missing_and_nonsense_is_refused() {
        let read = |text: &str| {
            let slots = take(&mut BytesMut::from(text)).unwrap().unwrap();
            read(&slots, &Address::new("asked", 5))
        };
        let nobody = read("*0\r\n").unwrap();
        assert!(Partition::all().all(|one| nobody.owner(one).is_none()));
        assert!(!nobody.is_whole());
        for text in ["+OK\r\n", "*1\r\n:1\r\n", "*1\r\n*3\r\n:0\r\n:x\r\n*0\r\n"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
