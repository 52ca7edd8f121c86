//! The way in: TLS, the login, and what the server says of itself first.

use mesahub_broker::{Finding, MAX_PAYLOAD};

use crate::config::NatsConfig;
use crate::doctor::told::told;
use crate::error::{LinkError, is_distrust};
use crate::servers::Servers;
use crate::socket::Socket;

const TLS: &str = "TLS";
const LOGIN: &str = "login";
const VERSION: &str = "version";
const PAYLOADS: &str = "payloads";

/// The oldest version that has all that is needed.
const OLDEST: (u32, u32) = (2, 9);

const UPGRADE: &str = "upgrade to NATS 2.9 or later";

/// A socket that is logged in, if there is a way in.
pub(super) async fn enter(config: &NatsConfig, findings: &mut Vec<Finding>) -> Option<Socket> {
    let socket = match Servers::new(config.clone()).open().await {
        Ok(socket) => socket,
        Err(error) => {
            findings.push(barred(error));
            return None;
        }
    };
    if config.tls.is_some() {
        let seen = format!("the certificate of {} is trusted", socket.at());
        findings.push(Finding::good(TLS, seen));
    }
    findings.push(Finding::good(LOGIN, format!("let in at {}", socket.at())));
    findings.push(version(socket.version()));
    let seen = format!("messages of up to {} bytes", socket.max_payload());
    findings.push(Finding::good(PAYLOADS, seen));
    Some(socket)
}

/// What stands in the way.
fn barred(error: LinkError) -> Finding {
    let (check, mend) = match &error {
        LinkError::SmallPayloads { .. } => (
            PAYLOADS,
            format!("set max_payload to {MAX_PAYLOAD} or more in the server's configuration"),
        ),
        LinkError::TooOld(_) => (VERSION, UPGRADE.to_owned()),
        LinkError::TlsOnly(_) => (TLS, "turn TLS on".to_owned()),
        LinkError::NoTls(_) => (
            TLS,
            "turn TLS off, or give the server a certificate".to_owned(),
        ),
        LinkError::Authorities(_) => (
            TLS,
            "install certificates of authorities, or correct CertificateAuthority".to_owned(),
        ),
        LinkError::Connect(_, source) if is_distrust(source) => (
            TLS,
            "name the certificate of its authority in CertificateAuthority, and the server by the \
             name that its certificate is for"
                .to_owned(),
        ),
        LinkError::Refused(_) => (
            LOGIN,
            "correct the user and the password, or the token, nkey or credentials".to_owned(),
        ),
        LinkError::Seed(_) | LinkError::CredentialsFile(..) | LinkError::Credentials(_) => (
            LOGIN,
            "correct the seed of the nkey, or bring a file as `nsc` writes it".to_owned(),
        ),
        LinkError::Protocol(_) | LinkError::Unreadable(..) => (
            LOGIN,
            "name the host and the port at which NATS takes clients".to_owned(),
        ),
        _ => (
            LOGIN,
            "start a server that is configured, or look at its log".to_owned(),
        ),
    };
    Finding::failed(check, told(&error.into_broker()), mend)
}

fn version(version: &str) -> Finding {
    let name = format!("NATS {version}");
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST => Finding::good(VERSION, name),
        (Some(_), Some(_)) => Finding::failed(VERSION, format!("{name} is too old"), UPGRADE),
        _ => Finding::unknown(VERSION, "the server tells no version that says much"),
    }
}

#[cfg(test)]
mod tests {
    use mesahub_broker::Verdict;

    use super::version;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version("2.10.1").seen, "NATS 2.10.1");
        for good in ["2.9.0", "2.10.0-beta", "3.0.0"] {
            assert_eq!(version(good).verdict, Verdict::Good, "{good}");
        }
        for old in ["2.8.4", "1.4.1"] {
            assert!(version(old).is_failure(), "{old}");
        }
        assert_eq!(version("").verdict, Verdict::Unknown);
    }
}
