//! A connection on which commands go out: one multiplexed connection, kept by a task.
//!
//! While it is lost, commands fail at once with what stood in the way last; nothing waits for it
//! to come back, and nothing that was on its way is repeated.

use std::sync::Arc;
use std::time::Duration;

use mesahub_broker::BrokerError;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, PushInfo,
    PushKind, RedisConnectionInfo, RedisError, TlsCertificates,
};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::config::{Address, RedisConfig};
use crate::error::{self, ends_connection, of_connecting};
use crate::primary::Place;
use crate::scripts::Scripts;

/// What commands are sent with.
#[derive(Clone, Debug)]
pub(crate) struct Connected {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) scripts: Arc<Scripts>,
    lost: Arc<Notify>,
}

/// The state of the connection.
pub(crate) type State = Result<Connected, BrokerError>;

impl Connected {
    /// Looks at a failed command, which may mean that the connection is of no use any more.
    pub(crate) fn failed(&self, error: &RedisError, waited: Duration) -> BrokerError {
        if ends_connection(error) {
            self.lost.notify_one();
        }
        error::of_command(error, waited)
    }
}

/// Connects.
pub(crate) async fn open(config: &RedisConfig, place: &Place) -> State {
    let at = place
        .find(config)
        .await
        .map_err(error::LinkError::into_broker)?;
    let lost = Arc::new(Notify::new());
    let told = Arc::clone(&lost);
    let settings = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(config.connect_timeout))
        .set_response_timeout(Some(config.response_timeout))
        .set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                told.notify_one();
            }
            Ok::<(), redis::aio::SendError>(())
        });
    let client = client(config, &at).map_err(of_connecting)?;
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&settings)
        .await
        .map_err(of_connecting)?;
    let scripts = Scripts::load(&mut connection)
        .await
        .map_err(of_connecting)?;
    Ok(Connected {
        connection,
        scripts: Arc::new(scripts),
        lost,
    })
}

/// Keeps the state true until told to stop.
pub(crate) async fn keep(
    config: Arc<RedisConfig>,
    place: Place,
    state: watch::Sender<State>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(&config);
    let keeping = async {
        loop {
            let connected = state.borrow().clone();
            if let Ok(connected) = connected {
                backoff.reset();
                let lost = watch_over(&config, connected).await;
                tracing::warn!(
                    error = &lost as &dyn std::error::Error,
                    "lost Redis for commands"
                );
                let _ = state.send_replace(Err(lost));
            }
            sleep(backoff.next()).await;
            let _ = state.send_replace(open(&config, &place).await);
        }
    };
    stop.run_until_cancelled(keeping).await;
    let _ = state.send_replace(Err(BrokerError::Closed));
}

/// Waits until the connection is lost, and asks for a sign of life now and then.
async fn watch_over(config: &RedisConfig, mut connected: Connected) -> BrokerError {
    loop {
        let lost = connected.lost.notified();
        if tokio::time::timeout(config.response_timeout, lost)
            .await
            .is_ok()
        {
            return BrokerError::unavailable("the connection to Redis was lost");
        }
        let pong: Result<String, RedisError> = redis::cmd("PING")
            .query_async(&mut connected.connection)
            .await;
        if let Err(error) = pong {
            return BrokerError::unavailable(error);
        }
    }
}

fn client(config: &RedisConfig, at: &Address) -> Result<Client, RedisError> {
    let mut login = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP3)
        .set_db(config.database.into());
    if let Some(user) = &config.login.user {
        login = login.set_username(user);
    }
    if let Some(password) = &config.login.password {
        login = login.set_password(password);
    }
    let Some(tls) = &config.tls else {
        let address = ConnectionAddr::Tcp(at.host.clone(), at.port);
        return Client::open(address.into_connection_info()?.set_redis_settings(login));
    };
    let address = ConnectionAddr::TcpTls {
        host: at.host.clone(),
        port: at.port,
        insecure: false,
        tls_params: None,
    };
    // The client library asks for the provider of the process; whoever has chosen one keeps it.
    let _ = aws_lc_rs::default_provider().install_default();
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: tls.authorities.as_ref().map(|pem| pem.clone().into_bytes()),
    };
    Client::build_with_tls(
        address.into_connection_info()?.set_redis_settings(login),
        certificates,
    )
}
