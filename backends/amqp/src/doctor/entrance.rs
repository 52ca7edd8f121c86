//! The way in: TLS, the login, the virtual host.

use std::error::Error;

use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPHardError};
use mesahub_broker::{BrokerError, Finding};

use crate::config::AmqpConfig;
use crate::dial::{Dialled, dial};
use crate::error::{LinkError, is_distrust};

const TLS: &str = "TLS";
const LOGIN: &str = "login";
const HOST: &str = "virtual host";

/// A connection, if there is a way in.
pub(super) async fn enter(config: &AmqpConfig, findings: &mut Vec<Finding>) -> Option<Dialled> {
    let dialled = match dial(config, "doctor").await {
        Ok(dialled) => dialled,
        Err(error) => {
            findings.push(barred(config, error));
            return None;
        }
    };
    if config.tls.is_some() {
        let seen = format!("the certificate of {} is trusted", dialled.at);
        findings.push(Finding::good(TLS, seen));
    }
    let seen = format!("{} lets the user {:?} in", dialled.at, config.login.user);
    findings.push(Finding::good(LOGIN, seen));
    Some(dialled)
}

fn barred(config: &AmqpConfig, error: LinkError) -> Finding {
    let (host, user) = (&config.virtual_host, &config.login.user);
    let (check, mend) = match &error {
        LinkError::Connect(_, cause) => match cause.kind() {
            ErrorKind::ProtocolError(said) => match said.kind() {
                AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED | AMQPHardError::INVALIDPATH) => (
                    HOST,
                    format!(
                        "create it with `rabbitmqctl add_vhost {host}`, and let the user in with \
                         `rabbitmqctl set_permissions -p {host} {user} …`"
                    ),
                ),
                _ => (LOGIN, "correct the user and the password".to_owned()),
            },
            ErrorKind::IOError(cause) if is_distrust(cause) => (
                TLS,
                "name the certificate of its authority in AuthoritiesFile, and the server by the \
                 name that its certificate is for"
                    .to_owned(),
            ),
            _ => (LOGIN, port(config)),
        },
        LinkError::Silent(..) => (LOGIN, port(config)),
        _ => (LOGIN, "configure an address".to_owned()),
    };
    Finding::failed(check, told(&error.into_broker()), mend)
}

/// What to do where something answers that is not understood, or nothing does.
fn port(config: &AmqpConfig) -> String {
    let speaks = match config.tls {
        Some(_) => "name the port at which RabbitMQ speaks AMQP with TLS, or turn TLS off",
        None => "name the port at which RabbitMQ speaks AMQP without TLS, or turn TLS on",
    };
    format!("{speaks}; or look at its log and its load")
}

/// The error with its causes, without repetition.
pub(super) fn told(error: &BrokerError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
