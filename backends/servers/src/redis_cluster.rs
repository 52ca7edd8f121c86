//! A private Redis Cluster.

use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::sleep;

use crate::{Kind, Origin, Power, RedisOptions, RedisServer, ServerError, free_port};

/// How long the nodes may take to agree.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often is looked whether they do.
const LOOK: Duration = Duration::from_millis(50);

/// After how much silence a node counts as gone, in milliseconds.
const NODE_TIMEOUT: &str = "3000";

/// Keys that move in one step.
const KEYS_AT_ONCE: &str = "100";

/// A private Redis Cluster on free ports of the loopback interface. It is gone when this is
/// dropped.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts so many primaries, which share the slots, with so many replicas each, and waits
    /// until all agree. It keeps nothing on disk but who is who.
    ///
    /// # Errors
    /// When a program is missing or does not serve, or when the nodes do not come to agree. In
    /// containers they would not reach each other, so the program is needed.
    pub async fn start(primaries: usize, replicas: usize) -> Result<Self, ServerError> {
        let kind = &Kind::REDIS;
        if Origin::here(kind, Power::Needed).await? == Origin::Container {
            let remedy = kind.remedy;
            let what = format!("a Redis Cluster needs the program; bring it with: {remedy}");
            return Err(ServerError::Container(what));
        }
        let mut nodes = Vec::new();
        for _ in 0..primaries * (1 + replicas) {
            let bus = free_port()?.to_string();
            let arguments = [
                ["--cluster-enabled", "yes"],
                ["--cluster-port", &bus],
                ["--cluster-node-timeout", NODE_TIMEOUT],
                ["--repl-diskless-sync-delay", "0"],
            ];
            let options = RedisOptions {
                arguments: arguments
                    .concat()
                    .iter()
                    .map(|it| (*it).to_owned())
                    .collect(),
                ..RedisOptions::default()
            };
            nodes.push(RedisServer::start(options).await?);
        }
        let cluster = Self { nodes };
        let mut command = Command::new("redis-cli");
        command.args(["--cluster", "create"]);
        for node in &cluster.nodes {
            command.arg(format!("127.0.0.1:{}", node.port()));
        }
        let replicas = replicas.to_string();
        command.args(["--cluster-replicas", &replicas, "--cluster-yes"]);
        let created = command.stdin(Stdio::null()).output().await;
        let created = created.map_err(ServerError::io("running redis-cli"))?;
        if !created.status.success() {
            let told = String::from_utf8_lossy(&created.stdout).into_owned();
            return Err(failed("making a cluster", told));
        }
        cluster.agreed().await?;
        Ok(cluster)
    }

    /// Its nodes; the first ones began as primaries.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Kills every node.
    ///
    /// # Errors
    /// When one could not be waited for.
    pub async fn stop(&self) -> Result<(), ServerError> {
        for node in &self.nodes {
            node.stop().await?;
        }
        Ok(())
    }

    /// Starts every node again, with nothing in it, and waits until all agree.
    ///
    /// # Errors
    /// When one does not serve, or when they do not come to agree.
    pub async fn restart(&self) -> Result<(), ServerError> {
        for node in &self.nodes {
            node.restart().await?;
        }
        self.agreed().await
    }

    /// The node that has a slot, as the first node that answers knows it.
    ///
    /// # Errors
    /// When none says so.
    pub async fn owner(&self, slot: u16) -> Result<&RedisServer, ServerError> {
        for node in &self.nodes {
            let Ok(slots) = node.command(&["CLUSTER", "NODES"]).await else {
                continue;
            };
            let has = |range: &str| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                match (first.parse::<u16>(), last.parse::<u16>()) {
                    (Ok(first), Ok(last)) => (first..=last).contains(&slot),
                    _ => false,
                }
            };
            let line = slots.lines().find(|line| line.split(' ').skip(8).any(has));
            let port = line.and_then(port_of);
            if let Some(owner) = self.nodes.iter().find(|node| Some(node.port()) == port) {
                return Ok(owner);
            }
        }
        Err(failed("looking for a slot", format!("nobody has {slot}")))
    }

    /// Moves a slot with its keys to another node, as an operator does, and waits until its new
    /// and its old node know of it.
    ///
    /// # Errors
    /// When a node refuses a step.
    pub async fn move_slot(&self, slot: u16, to: &RedisServer) -> Result<(), ServerError> {
        let from = self.owner(slot).await?;
        let (source, target) = (id(from).await?, id(to).await?);
        let slot = slot.to_string();
        let set = ["CLUSTER", "SETSLOT", &slot];
        to.command(&[&set[..], &["IMPORTING", &source]].concat())
            .await?;
        from.command(&[&set[..], &["MIGRATING", &target]].concat())
            .await?;
        let port = to.port().to_string();
        loop {
            let some = ["CLUSTER", "GETKEYSINSLOT", &slot, KEYS_AT_ONCE];
            let keys = from.command(&some).await?;
            let keys: Vec<_> = keys.lines().filter(|key| !key.is_empty()).collect();
            if keys.is_empty() {
                break;
            }
            let to = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            from.command(&[&to[..], &keys].concat()).await?;
        }
        for node in [to, from] {
            node.command(&[&set[..], &["NODE", &target]].concat())
                .await?;
        }
        Ok(())
    }

    /// Waits until every node that answers says that the cluster works, has its part in it, as a
    /// primary with slots or as a replica that has caught up, and is of one mind with the others
    /// about who has what.
    ///
    /// # Errors
    /// When that does not come about within a minute.
    pub async fn agreed(&self) -> Result<(), ServerError> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let (mut works, mut ports, mut slots) = (true, Vec::new(), Vec::new());
            for node in &self.nodes {
                let Ok(info) = node.command(&["CLUSTER", "INFO"]).await else {
                    continue;
                };
                works &= info.contains("cluster_state:ok");
                ports.push(node.port().to_string());
                slots.push(node.command(&["CLUSTER", "SLOTS"]).await?);
            }
            // A replica is listed when it has its primary's data, and not before.
            works &= slots.first().is_some_and(|all| {
                let listed = |port: &String| all.lines().any(|line| line == port);
                ports.iter().all(listed)
            });
            if works && slots.windows(2).all(|two| two[0] == two[1]) {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        Err(failed(
            "waiting for a cluster",
            format!("its nodes do not agree after {PATIENCE:?}"),
        ))
    }
}

async fn id(node: &RedisServer) -> Result<String, ServerError> {
    node.command(&["CLUSTER", "MYID"]).await
}

/// The port in a line of `CLUSTER NODES`, `id host:port@bus …`.
fn port_of(line: &str) -> Option<u16> {
    let address = line.split(' ').nth(1)?;
    let (_, port) = address.split('@').next()?.rsplit_once(':')?;
    port.parse().ok()
}

fn failed(doing: &str, told: String) -> ServerError {
    ServerError::io(doing)(io::Error::other(told))
}
