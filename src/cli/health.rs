//! `mesahub health`.

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use mesahub::config::Loaded;
use reqwest::Client;

use super::arguments::HealthArguments;

/// Asks the server, and fails unless it answers 200 in time.
pub(super) fn run(
    loaded: impl FnOnce() -> Result<Loaded, Box<dyn Error>>,
    wanted: &HealthArguments,
) -> Result<(), Box<dyn Error>> {
    let server = match &wanted.server {
        Some(server) => server.trim_end_matches('/').to_owned(),
        None => format!("http://{}", near(loaded()?.settings.mesahub.server.address)),
    };
    let question = if wanted.ready { "ready" } else { "live" };
    let url = format!("{server}/health/{question}");
    let patience = Duration::from_secs(wanted.timeout.into());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (status, text) = runtime.block_on(async {
        let client = Client::builder().timeout(patience).build()?;
        let answer = client.get(&url).send().await?;
        Ok::<_, reqwest::Error>((answer.status(), answer.text().await?))
    })?;
    if !status.is_success() {
        return Err(format!("{url} answered {status}: {text}").into());
    }
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// Where a server that listens on an address is reached from its own machine.
pub(super) fn near(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::near;

    #[test]
    fn a_server_on_all_addresses_is_asked_on_the_loopback() {
        for (listens, asked) in [
            ("0.0.0.0:5080", "127.0.0.1:5080"),
            ("[::]:5080", "[::1]:5080"),
            ("10.0.0.7:80", "10.0.0.7:80"),
        ] {
            assert_eq!(near(listens.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
