//! Where the server is that takes writes.

use tokio::time::timeout;

use crate::config::{Address, Deployment, RedisConfig};
use crate::error::LinkError;
use crate::resp::Value;
use crate::socket::Socket;

/// The address of the primary. Sentinels are asked in turn, the first that knows is believed, and
/// what it names is asked for its role: a Sentinel may not have noticed a change yet.
pub(crate) async fn find(config: &RedisConfig) -> Result<Address, LinkError> {
    let (sentinels, service) = match &config.deployment {
        Deployment::Single(address) => return Ok(address.clone()),
        Deployment::Sentinel { addresses, service } => (addresses, service),
    };
    let mut last = LinkError::NoPrimary(service.clone());
    for sentinel in sentinels {
        let asking = ask(config, sentinel, service);
        match timeout(config.connect_timeout, asking).await {
            Ok(Ok(Some(primary))) => return Ok(primary),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => last = error,
            Err(_) => last = LinkError::Silent(sentinel.to_string(), config.connect_timeout),
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
    socket
        .send(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", service])
        .await?;
    let Value::List(answer) = socket.next().await? else {
        return Ok(None);
    };
    let text = |value: &Value| Some(String::from_utf8_lossy(value.text()?).into_owned());
    let [Some(host), Some(port)] = [answer.first(), answer.get(1)].map(|one| one.and_then(text))
    else {
        return Ok(None);
    };
    let Ok(port) = port.parse() else {
        return Ok(None);
    };
    let primary = Address::new(host, port);
    let mut socket = Socket::open(config, &primary).await?;
    socket.send(&["ROLE"]).await?;
    let is_primary = match socket.next().await? {
        Value::List(role) => role
            .first()
            .and_then(Value::text)
            .is_some_and(|role| role == "master"),
        _ => false,
    };
    Ok(is_primary.then_some(primary))
}
