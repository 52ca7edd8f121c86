//! A private RabbitMQ.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::process::find;
use crate::{Certificate, Kind, Process, Program, ServerError, free_port};

const KIND: Kind = Kind::RABBITMQ;

/// How a private RabbitMQ is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RabbitOptions {
    /// Lines of `rabbitmq.conf` beside those for the port and the folder.
    pub configuration: String,
    /// Speaks TLS only, with this certificate.
    pub certificate: Option<Certificate>,
}

/// A RabbitMQ, private on a free port of the loopback interface and gone when this is dropped, or
/// somebody else's where an address is in the environment and nothing special is asked for.
///
/// It takes 10 to 20 seconds to start, so tests share one where they can.
#[derive(Debug)]
pub struct RabbitServer {
    host: String,
    port: u16,
    private: Option<Private>,
}

/// Fields are dropped in this order: the server before what it needs.
#[derive(Debug)]
struct Private {
    process: Mutex<Process>,
    is_tls: bool,
    /// What `rabbitmqctl` needs to find it.
    environment: Vec<(String, String)>,
    /// Erlang's directory of nodes. RabbitMQ would start one that outlives it.
    _epmd: Process,
    _folder: TempDir,
}

impl RabbitServer {
    /// Starts one.
    ///
    /// # Errors
    /// When `rabbitmq-server` is missing or does not serve.
    pub async fn start(options: RabbitOptions) -> Result<Self, ServerError> {
        if options == RabbitOptions::default()
            && let Ok(address) = std::env::var(KIND.variable)
        {
            return Self::given(&address);
        }
        let folder = tempfile::tempdir().map_err(ServerError::io("making a folder"))?;
        let (port, epmd_port) = (free_port()?, free_port()?);
        let environment = environment(folder.path(), port, epmd_port, free_port()?);
        write(folder.path(), "rabbitmq.conf", &options.text(port))?;
        write(folder.path(), "enabled_plugins", "[].")?;
        let epmd = ["-port", &epmd_port.to_string(), "-address", "127.0.0.1"];
        let epmd = Program {
            name: "epmd",
            remedy: KIND.remedy,
            arguments: epmd.map(str::to_owned).into(),
            environment: Vec::new(),
            folder: folder.path().to_owned(),
        };
        let epmd = Process::start(epmd, move || listens(epmd_port)).await?;
        let program = Program {
            name: KIND.program,
            remedy: KIND.remedy,
            arguments: Vec::new(),
            environment: environment.clone(),
            folder: folder.path().to_owned(),
        };
        let is_tls = options.certificate.is_some();
        let process = Process::start(program, move || serves(port, is_tls)).await?;
        Ok(Self {
            host: "127.0.0.1".to_owned(),
            port,
            private: Some(Private {
                process: Mutex::new(process),
                is_tls,
                environment,
                _epmd: epmd,
                _folder: folder,
            }),
        })
    }

    fn given(address: &str) -> Result<Self, ServerError> {
        let parts = address.rsplit_once(':');
        let read = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let Some((host, port)) = read else {
            let wrong = std::io::Error::other("expected host:port");
            return Err(ServerError::io(format!("reading {}", KIND.variable))(wrong));
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            private: None,
        })
    }

    /// Its host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it.
    ///
    /// # Errors
    /// When it could not be waited for, or is not ours.
    pub async fn stop(&self) -> Result<(), ServerError> {
        self.private()?.process.lock().await.kill()
    }

    /// Starts it again, with what it had on disk.
    ///
    /// # Errors
    /// When it does not serve, or is not ours.
    pub async fn restart(&self) -> Result<(), ServerError> {
        let private = self.private()?;
        let (port, is_tls) = (self.port, private.is_tls);
        let mut process = private.process.lock().await;
        process.restart(move || serves(port, is_tls)).await
    }

    /// Freezes it: its sockets stay open and nothing answers.
    ///
    /// # Errors
    /// When it is not ours.
    pub async fn freeze(&self) -> Result<(), ServerError> {
        self.private()?.process.lock().await.freeze();
        Ok(())
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it is not ours.
    pub async fn thaw(&self) -> Result<(), ServerError> {
        self.private()?.process.lock().await.thaw();
        Ok(())
    }

    /// Has `rabbitmqctl` do something, and gives what it prints.
    ///
    /// # Errors
    /// When it cannot be run, ends with an error, or the server is not ours.
    pub async fn control(&self, words: &[&str]) -> Result<String, ServerError> {
        let private = self.private()?;
        let path = find("rabbitmqctl").ok_or(ServerError::Missing {
            program: "rabbitmqctl",
            remedy: KIND.remedy,
        })?;
        let mut command = Command::new(path);
        command.args(["--quiet"]).args(words);
        command.envs(private.environment.iter().cloned());
        let answered = command.stdin(Stdio::null()).output().await;
        let answered = answered.map_err(ServerError::io("running rabbitmqctl"))?;
        let text = String::from_utf8_lossy(&answered.stdout).trim().to_owned();
        if answered.status.success() {
            return Ok(text);
        }
        let told = String::from_utf8_lossy(&answered.stderr).into_owned();
        Err(ServerError::io(format!("rabbitmqctl {words:?}"))(
            std::io::Error::other(text + &told),
        ))
    }

    fn private(&self) -> Result<&Private, ServerError> {
        let variable = KIND.variable;
        self.private
            .as_ref()
            .ok_or(ServerError::NoPower { variable })
    }
}

impl RabbitOptions {
    /// The configuration as RabbitMQ reads it.
    fn text(&self, port: u16) -> String {
        let mut text = "loopback_users = none\ndisk_free_limit.absolute = 10MB\n".to_owned();
        match &self.certificate {
            None => text += &format!("listeners.tcp.1 = 127.0.0.1:{port}\n"),
            Some(certificate) => {
                text += "listeners.tcp = none\n";
                text += &format!("listeners.ssl.1 = 127.0.0.1:{port}\n");
                for (key, file) in [
                    ("cacertfile", &certificate.authority),
                    ("certfile", &certificate.certificate),
                    ("keyfile", &certificate.key),
                ] {
                    text += &format!("ssl_options.{key} = {}\n", file.display());
                }
                text += "ssl_options.verify = verify_none\n";
            }
        }
        text + &self.configuration
    }
}

/// A node with a name, ports and a home of its own, which shares nothing with a RabbitMQ that runs
/// on this machine.
fn environment(folder: &Path, port: u16, epmd: u16, distribution: u16) -> Vec<(String, String)> {
    let at = |name: &str| folder.join(name).display().to_string();
    let variables = [
        ("HOME", at("")),
        ("ERL_EPMD_PORT", epmd.to_string()),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
        ("RABBITMQ_NODENAME", format!("mesahub{port}@localhost")),
        ("RABBITMQ_DIST_PORT", distribution.to_string()),
        ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
        ("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins")),
        ("RABBITMQ_MNESIA_BASE", at("data")),
        ("RABBITMQ_LOG_BASE", at("log")),
        ("RABBITMQ_LOGS", "-".to_owned()),
        // The start script becomes the server only where it believes that systemd runs it.
        ("NOTIFY_SOCKET", at("no-systemd")),
    ];
    variables
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), ServerError> {
    let written = std::fs::write(folder.join(name), text);
    written.map_err(ServerError::io("writing the configuration"))
}

async fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

/// Whether it begins a connection. RabbitMQ listens once all else is up.
async fn serves(port: u16, is_tls: bool) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        return false;
    };
    if is_tls {
        return true;
    }
    let mut answer = [0; 1];
    let asked = stream.write_all(b"AMQP\x00\x00\x09\x01").await;
    asked.is_ok() && matches!(stream.read(&mut answer).await, Ok(1))
}
