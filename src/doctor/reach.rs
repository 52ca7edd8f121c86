//! Whether there is a way to the servers: names and ports.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mesahub_broker::{Finding, Verdict};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use crate::config::Address;

/// How long a name or a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

const ADDRESS: &str = "address";
const CONNECTION: &str = "connection";

/// Looks each server up and connects to it: whether any can be reached. Where one can, others that
/// cannot are no more than a warning. No servers at all can be reached.
pub(super) async fn reach(servers: &[Address], tell: &mut (dyn FnMut(Finding) + Send)) -> bool {
    let mut findings = Vec::new();
    let mut reached = servers.is_empty();
    for server in servers {
        let found = reach_one(server, &mut findings).await;
        reached |= found;
    }
    for finding in findings {
        tell(match finding.verdict {
            Verdict::Failed { mend } if reached => {
                Finding::warning(finding.check, finding.seen, mend)
            }
            _ => finding,
        });
    }
    reached
}

async fn reach_one(server: &Address, findings: &mut Vec<Finding>) -> bool {
    let Address { host, port } = server;
    let addresses: Vec<SocketAddr> = match timeout(PATIENCE, lookup_host((&**host, *port))).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => {
            findings.push(unknown_name(host, &error.to_string()));
            return false;
        }
        Err(_) => {
            findings.push(unknown_name(host, &format!("no answer in {PATIENCE:?}")));
            return false;
        }
    };
    if host.parse::<IpAddr>().is_err() {
        let list: Vec<String> = addresses.iter().map(|it| it.ip().to_string()).collect();
        let seen = format!("{host} is {}", list.join(", "));
        findings.push(Finding::good(ADDRESS, seen));
    }
    let mut last = Finding::failed(
        CONNECTION,
        format!("{host} has no addresses"),
        "configure another host",
    );
    for address in addresses {
        let before = Instant::now();
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => {
                let seen = format!(
                    "{address} takes connections, within {:.1?}",
                    before.elapsed()
                );
                findings.push(Finding::good(CONNECTION, seen));
                return true;
            }
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                last = Finding::failed(
                    CONNECTION,
                    format!("nothing listens at {address}"),
                    "start the server, or correct the host and the port",
                );
            }
            Ok(Err(error)) => {
                last = Finding::failed(
                    CONNECTION,
                    format!("{address} cannot be reached: {error}"),
                    "correct the host, or the network of this machine",
                );
            }
            Err(_) => {
                last = Finding::failed(
                    CONNECTION,
                    format!("{address} did not answer within {PATIENCE:?}"),
                    "start the server, or let its firewall take connections from this machine",
                );
            }
        }
    }
    findings.push(last);
    false
}

fn unknown_name(host: &str, why: &str) -> Finding {
    Finding::failed(
        ADDRESS,
        format!("the name {host} was not found: {why}"),
        "correct the host in the configuration, or the name servers of this machine",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::{Finding, Verdict};
    use tokio::net::TcpListener;

    use super::reach;
    use crate::config::Address;

    async fn findings(servers: &[(&str, u16)]) -> (bool, Vec<Finding>) {
        let address = |(host, port): &(&str, u16)| Address {
            host: (*host).to_owned(),
            port: *port,
        };
        let servers: Vec<Address> = servers.iter().map(address).collect();
        let mut findings = Vec::new();
        let reached = reach(&servers, &mut |finding| findings.push(finding)).await;
        (reached, findings)
    }

    #[tokio::test]
    async fn one_server_that_cannot_be_reached_is_a_warning_beside_one_that_can() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap().port();
        let (reached, findings) = findings(&[("127.0.0.1", 1), ("127.0.0.1", open)]).await;
        assert!(reached);
        assert!(findings[0].seen.contains("nothing listens"), "{findings:?}");
        assert!(matches!(findings[0].verdict, Verdict::Warning { .. }));
        assert_eq!(findings[1].verdict, Verdict::Good);
    }

    #[tokio::test]
    async fn without_any_server_that_answers_it_has_failed() {
        let (reached, findings) = findings(&[("127.0.0.1", 1), ("no such host", 1)]).await;
        assert!(!reached);
        assert!(findings.iter().all(Finding::is_failure), "{findings:?}");
        assert!(findings[1].seen.contains("was not found"), "{findings:?}");
    }
}
