//! The way in: the primary, TLS, the login.

use std::io;

use mesahub_broker::Finding;
use tokio::time::timeout;
use tokio_rustls::rustls::{CertificateError, Error as TlsError};

use crate::config::{Address, Deployment, RedisConfig};
use crate::doctor::server::{UPGRADE, VERSION};
use crate::error::LinkError;
use crate::primary::Place;
use crate::socket::Socket;

const PRIMARY: &str = "primary";
const TLS: &str = "TLS";
const LOGIN: &str = "login";

/// A socket that is logged in, if there is a way in.
pub(super) async fn enter(config: &RedisConfig, findings: &mut Vec<Finding>) -> Option<Socket> {
    let at = match (Place::Primary.find(config).await, &config.deployment) {
        (Ok(at), _) => at,
        // What bars the way into a cluster is best seen at one of its nodes.
        (Err(_), Deployment::Cluster { addresses }) if !addresses.is_empty() => {
            addresses[0].clone()
        }
        (Err(error), _) => {
            let mend = "correct the addresses of the Sentinels and the name of the primary";
            findings.push(Finding::failed(PRIMARY, with_cause(&error), mend));
            return None;
        }
    };
    if let Deployment::Sentinel { service, .. } = &config.deployment {
        let seen = format!("the Sentinels say that {service:?} is at {at}");
        findings.push(Finding::good(PRIMARY, seen));
    }
    let mut socket = match connect(config, &at).await {
        Ok(socket) => socket,
        Err(error) => {
            findings.push(not_connected(config, &at, &error));
            return None;
        }
    };
    if config.tls.is_some() {
        let seen = format!("the certificate of {at} is trusted");
        findings.push(Finding::good(TLS, seen));
    }
    match log_in(config, &mut socket, &at).await {
        Ok(()) => {
            let user = config.login.user.as_deref().unwrap_or("default");
            let seen = format!("let in as the user {user:?}");
            findings.push(Finding::good(LOGIN, seen));
            Some(socket)
        }
        Err(error) => {
            findings.push(not_let_in(config, &error));
            None
        }
    }
}

async fn connect(config: &RedisConfig, at: &Address) -> Result<Socket, LinkError> {
    let silent = || LinkError::Silent(at.to_string(), config.connect_timeout);
    let connecting = timeout(config.connect_timeout, Socket::connect(config, at)).await;
    connecting.unwrap_or_else(|_| Err(silent()))
}

async fn log_in(config: &RedisConfig, socket: &mut Socket, at: &Address) -> Result<(), LinkError> {
    let silent = || LinkError::Silent(at.to_string(), config.connect_timeout);
    let logging_in = timeout(config.connect_timeout, socket.log_in(config)).await;
    logging_in.unwrap_or_else(|_| Err(silent()))
}

fn not_connected(config: &RedisConfig, at: &Address, error: &LinkError) -> Finding {
    if config.tls.is_none() {
        let mend = "start the server there, or correct the host and the port";
        return Finding::failed("connection", with_cause(error), mend);
    }
    let (seen, mend) = match error {
        LinkError::Connect(_, cause) => match of_tls(cause) {
            Some(TlsError::InvalidCertificate(why)) => distrust(at, why),
            _ => (
                format!("{at} does not speak TLS: {cause}"),
                "turn TLS off, or name the port at which the server speaks TLS",
            ),
        },
        LinkError::Silent(..) => (
            format!("{at} takes connections and does not answer in TLS"),
            "turn TLS off, or name the port at which the server speaks TLS",
        ),
        other => (
            with_cause(other),
            "install the certificates of authorities on this machine",
        ),
    };
    Finding::failed(TLS, seen, mend)
}

fn distrust(at: &Address, why: &CertificateError) -> (String, &'static str) {
    match why {
        CertificateError::UnknownIssuer => (
            format!("the certificate of {at} is of an authority that this machine does not trust"),
            "install the certificate of that authority on this machine, or give the server a \
             certificate of a known one",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            format!(
                "the certificate of {at} is for another name than {:?}",
                at.host
            ),
            "configure the name that the certificate is for",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            format!("the certificate of {at} has expired"),
            "renew it, or set the clock of this machine",
        ),
        other => (
            format!("the certificate of {at} is not accepted: {other}"),
            "give the server a valid certificate",
        ),
    }
}

fn not_let_in(config: &RedisConfig, error: &LinkError) -> Finding {
    let LinkError::Refused(text) = error else {
        let mend = match (error, &config.tls) {
            (LinkError::Protocol(_), _) => "name the host and the port of Redis",
            (_, None) => "if this port speaks TLS, turn TLS on; otherwise look at the server's log",
            (_, Some(_)) => "look at the server's log",
        };
        return Finding::failed(LOGIN, with_cause(error), mend);
    };
    let (check, seen, mend) = match text.split(' ').next().unwrap_or_default() {
        "NOAUTH" => (
            LOGIN,
            "the server wants a password".to_owned(),
            "configure the password",
        ),
        "WRONGPASS" => (
            LOGIN,
            "the server does not accept the user or the password".to_owned(),
            "correct the user and the password",
        ),
        "DENIED" => (
            LOGIN,
            "the server is in protected mode and takes no connections from other machines"
                .to_owned(),
            "give it a password, and bind it to the addresses that nodes come from",
        ),
        "ERR" if text.contains("unknown command") => (
            VERSION,
            "the server does not know HELLO, so it is older than Redis 6".to_owned(),
            UPGRADE,
        ),
        _ => (
            LOGIN,
            format!("the server said: {text}"),
            "do what it says, and look at its log",
        ),
    };
    Finding::failed(check, seen, mend)
}

/// The error of TLS beneath one of the socket.
fn of_tls(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

fn with_cause(error: &LinkError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
