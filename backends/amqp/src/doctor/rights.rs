//! What the user may do: each thing is tried in a way that leaves nothing behind.

use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, Error, ErrorKind};
use mesahub_broker::Finding;
use tokio::time::timeout;

use crate::config::AmqpConfig;
use crate::doctor::entrance::told;
use crate::error::of_call;
use crate::names::Names;

const RIGHTS: &str = "rights";

/// The name of a queue, and of an exchange, that nobody makes: RabbitMQ looks at rights first.
pub(super) fn nobodys(names: &Names) -> ShortString {
    format!("{}.doctor", names.exchange).into()
}

/// Tries to configure, write and read what has our prefix. Whether the user may write to the default
/// exchange has been tried before.
pub(super) async fn examine(
    config: &AmqpConfig,
    names: &Names,
    connection: &Connection,
    may_publish: bool,
) -> Finding {
    let mut missing = Vec::new();
    if !may_publish {
        missing.push("write to the default exchange".to_owned());
    }
    for right in [Right::Configure, Right::Write, Right::Read] {
        let attempt = right.attempt(names, connection);
        match timeout(config.response_timeout, attempt).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => missing.push(format!("{} {}…", right.verb(), names.exchange)),
            Ok(Err(error)) => {
                let mend = "look at the server's log: it was there a moment ago";
                return Finding::failed(RIGHTS, told(&of_call(error)), mend);
            }
            Err(_) => {
                let seen = format!("no answer within {:?}", config.response_timeout);
                return Finding::failed(RIGHTS, seen, "look at the server's log and its load");
            }
        }
    }
    let (prefix, user, host) = (&names.exchange, &config.login.user, &config.virtual_host);
    match missing.is_empty() {
        true => Finding::good(
            RIGHTS,
            format!(
                "the user may configure, write and read {prefix}…, and write to the default \
                 exchange"
            ),
        ),
        false => Finding::failed(
            RIGHTS,
            format!("the user may not {}", missing.join(", nor ")),
            format!(
                "grant it: rabbitmqctl set_permissions -p {host} {user} '^{prefix}' \
                 '^{prefix}|^amq.default$' '^{prefix}'"
            ),
        ),
    }
}

#[derive(Clone, Copy)]
enum Right {
    Configure,
    Write,
    Read,
}

impl Right {
    fn verb(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Write => "write",
            Self::Read => "read",
        }
    }

    /// Whether the user has it. On a channel of its own, which RabbitMQ closes when it refuses.
    async fn attempt(self, names: &Names, connection: &Connection) -> Result<bool, Error> {
        let channel = connection.create_channel().await?;
        let tried = match self {
            Self::Configure => configure(names, &channel).await,
            Self::Write => write(names, &channel).await,
            Self::Read => {
                let options = BasicGetOptions::default();
                channel.basic_get(nobodys(names), options).await.map(drop)
            }
        };
        match tried {
            Ok(()) => Ok(true),
            Err(error) => match soft(&error) {
                Some(AMQPSoftError::NOTFOUND) => Ok(true),
                Some(AMQPSoftError::ACCESSREFUSED) => Ok(false),
                _ => Err(error),
            },
        }
    }
}

/// Declares a queue of this connection's own and deletes it.
async fn configure(names: &Names, channel: &Channel) -> Result<(), Error> {
    let own = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let number = getrandom::u64().unwrap_or_default();
    let name: ShortString = format!("{}.{number:016x}", nobodys(names)).into();
    let none = FieldTable::default();
    channel.queue_declare(name.clone(), own, none).await?;
    channel.queue_delete(name, Default::default()).await?;
    Ok(())
}

/// Publishes to an exchange that is not there.
async fn write(names: &Names, channel: &Channel) -> Result<(), Error> {
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let confirm = channel
        .basic_publish(nobodys(names), "".into(), options, b"", properties)
        .await?;
    confirm.await.map(drop)
}

fn soft(error: &Error) -> Option<AMQPSoftError> {
    match error.kind() {
        ErrorKind::ProtocolError(said) => match said.kind() {
            AMQPErrorKind::Soft(kind) => Some(kind.clone()),
            AMQPErrorKind::Hard(_) => None,
        },
        _ => None,
    }
}
