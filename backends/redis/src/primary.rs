//! Where the server is that takes writes.

use tokio::time::timeout;

use crate::config::{Address, Deployment, RedisConfig};
use crate::error::LinkError;
use crate::resp::Value;
use crate::socket::Socket;

/// What a connection leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Whichever server takes writes; in a cluster, any that does.
    Primary,
    /// This node of a cluster.
    Node(Address),
}

impl Place {
    /// Its address now.
    pub(crate) async fn find(&self, config: &RedisConfig) -> Result<Address, LinkError> {
        match self {
            Self::Primary => primary(config).await,
            Self::Node(address) => Ok(address.clone()),
        }
    }
}

/// The address of the primary. Sentinels are asked in turn, the first that knows is believed, and
/// what it names is asked for its role: a Sentinel may not have noticed a change yet.
async fn primary(config: &RedisConfig) -> Result<Address, LinkError> {
    let (asked, service) = match &config.deployment {
        Deployment::Single(address) => return Ok(address.clone()),
        Deployment::Sentinel { addresses, service } => (addresses, Some(service)),
        Deployment::Cluster { addresses } => (addresses, None),
    };
    let mut last = LinkError::NoPrimary(service.cloned());
    for address in asked {
        let asking = async {
            let primary = match service {
                Some(service) => ask(config, address, service).await?,
                None => Some(address.clone()),
            };
            match primary {
                Some(primary) if takes_writes(config, &primary).await? => Ok(Some(primary)),
                _ => Ok(None),
            }
        };
        match timeout(config.connect_timeout, asking).await {
            Ok(Ok(Some(primary))) => return Ok(primary),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => last = error,
            Err(_) => last = LinkError::Silent(address.to_string(), config.connect_timeout),
        }
    }
    Err(last)
}

async fn ask(
    config: &RedisConfig,
    sentinel: &Address,
    service: &str,
) -> Result<Option<Address>, LinkError> {
    let mut socket = Socket::open(config, sentinel).await?;
    let named = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", service];
    let Value::List(answer) = socket.ask(&named).await? else {
        return Ok(None);
    };
    let text = |at: usize| Some(String::from_utf8_lossy(answer.get(at)?.text()?).into_owned());
    let (Some(host), Some(port)) = (text(0), text(1)) else {
        return Ok(None);
    };
    Ok(port.parse().ok().map(|port| Address::new(host, port)))
}

async fn takes_writes(config: &RedisConfig, at: &Address) -> Result<bool, LinkError> {
    let mut socket = Socket::open(config, at).await?;
    let Value::List(role) = socket.ask(&["ROLE"]).await? else {
        return Ok(false);
    };
    let role = role.first().and_then(Value::text);
    Ok(role.is_some_and(|role| role == "master"))
}
