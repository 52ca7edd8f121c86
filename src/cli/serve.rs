//! `mesahub serve`.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;

use mesahub::app::App;
use mesahub::config::Loaded;
use mesahub::telemetry;
use tokio::net::TcpListener;

use super::{open_files, token};

/// Runs the server until the process is told to stop.
pub(super) fn serve(loaded: Loaded, address: Option<SocketAddr>) -> Result<(), Box<dyn Error>> {
    telemetry::start(&loaded.settings.mesahub.logging)?;
    open_files::allow_most();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async move {
        let stop = stop_signal()?;
        let address = address.unwrap_or(loaded.settings.mesahub.server.address);
        let mut app = App::build(&loaded).await?;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("cannot listen on {address}: {error}"))?;
        if let Some(address) = app.metrics_address() {
            let listener = TcpListener::bind(address)
                .await
                .map_err(|error| format!("cannot serve metrics on {address}: {error}"))?;
            tracing::info!(address = %listener.local_addr()?, "metrics are served");
            app.serve_metrics(listener);
        }
        if let Err(error) = announce(&loaded, listener.local_addr()?) {
            // Whoever started it does not listen any more: no reason not to serve.
            tracing::warn!(%error, "cannot say where it listens");
        }
        app.run(listener, stop).await;
        Ok(())
    })
}

/// Says on standard output where it listens, and in development how to get in.
fn announce(loaded: &Loaded, address: SocketAddr) -> Result<(), Box<dyn Error>> {
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    if loaded.environment.is_development() {
        token::print_samples(loaded)?;
    }
    Ok(())
}

/// Resolves at SIGTERM or Ctrl-C.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Resolves at Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot wait for Ctrl-C");
        }
    })
}
