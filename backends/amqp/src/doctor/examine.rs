//! Looks at RabbitMQ with the eyes of an operator.

use std::error::Error;
use std::time::Duration;

use mesahub_broker::Finding;

use crate::config::AmqpConfig;
use crate::dial::dial;
use crate::error::LinkError;

/// Whether RabbitMQ lets us in, and where. Takes as long as connecting to every address may.
pub async fn examine(config: &AmqpConfig) -> Vec<Finding> {
    let finding = match dial(config, "doctor").await {
        Ok(dialled) => {
            let seen = format!("{} lets us in", dialled.at);
            dialled.close(Duration::from_secs(1)).await;
            Finding::good("login", seen)
        }
        Err(error) => {
            let mend = "start RabbitMQ there, or correct the address, the user, the password or \
                        the virtual host";
            Finding::failed("login", told(error), mend)
        }
    };
    vec![finding]
}

/// The error with its causes.
fn told(error: LinkError) -> String {
    let error = error.into_broker();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
