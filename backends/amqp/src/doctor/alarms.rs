//! Whether RabbitMQ takes messages. Short of memory or disk it reads nothing from who publishes, and
//! says so to whoever does it next.

use futures_util::StreamExt;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Connection, Event};
use mesahub_broker::{BrokerError, Finding};
use tokio::time::timeout;

use crate::config::AmqpConfig;
use crate::doctor::entrance::told;
use crate::doctor::rights::nobodys;
use crate::error::of_call;
use crate::names::Names;

const ALARMS: &str = "alarms";

/// What came of publishing.
pub(super) struct Alarms {
    /// Nothing where the user may not publish, which is no alarm.
    pub(super) finding: Option<Finding>,
    /// Whether the user may publish to queues by their names.
    pub(super) may_publish: bool,
}

/// Publishes to a queue that is not there.
pub(super) async fn examine(config: &AmqpConfig, names: &Names, connection: &Connection) -> Alarms {
    let mut events = Box::pin(connection.events_listener());
    let blocked = async {
        loop {
            match events.next().await {
                Some(Event::ConnectionBlocked(reason)) => return reason,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    };
    let publishing = async {
        tokio::select! {
            taken = publish(names, connection) => Ok(taken),
            reason = blocked => Err(reason),
        }
    };
    let (finding, may_publish) = match timeout(config.response_timeout, publishing).await {
        Ok(Ok(Ok(()))) => {
            let seen = "there are none: RabbitMQ takes messages";
            (Some(Finding::good(ALARMS, seen)), true)
        }
        Ok(Ok(Err(error @ BrokerError::Unavailable { .. }))) => {
            let mend = "look at the server's log: it was there a moment ago";
            (Some(Finding::failed(ALARMS, told(&error), mend)), true)
        }
        Ok(Ok(Err(_))) => (None, false),
        Ok(Err(reason)) => (Some(short(&reason)), true),
        Err(_) => {
            let seen = format!("no message was taken within {:?}", config.response_timeout);
            let mend = "look at its load, and at `rabbitmqctl status` for alarms";
            (Some(Finding::failed(ALARMS, seen, mend)), true)
        }
    };
    Alarms {
        finding,
        may_publish,
    }
}

async fn publish(names: &Names, connection: &Connection) -> Result<(), BrokerError> {
    let sending = async {
        let channel = connection.create_channel().await?;
        let select = ConfirmSelectOptions::default();
        channel.confirm_select(select).await?;
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let confirm = channel
            .basic_publish("".into(), nobodys(names), options, b"", properties)
            .await?;
        confirm.await.map(drop)
    };
    sending.await.map_err(of_call)
}

fn short(reason: &str) -> Finding {
    Finding::failed(
        ALARMS,
        format!("RabbitMQ takes no messages: {reason}"),
        "free memory or disk there, or move vm_memory_high_watermark or disk_free_limit; \
         `rabbitmqctl status` names the alarm",
    )
}
