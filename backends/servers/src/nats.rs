//! A private NATS.

use std::path::PathBuf;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::{Certificate, Process, Program, ServerError, free_port};

const REMEDY: &str = "apt-get install nats-server";

/// The address of somebody else's server, `host:port`.
const VARIABLE: &str = "MESAHUB_TEST_NATS";

/// How a private NATS is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NatsOptions {
    /// Lines of its configuration beside those for the port and the folder, such as
    /// `authorization { token: "…" }`.
    pub configuration: String,
    /// Runs without JetStream.
    pub without_jet_stream: bool,
    /// Speaks TLS only, with this certificate.
    pub certificate: Option<Certificate>,
}

/// A NATS, private on a free port of the loopback interface and gone when this is dropped, or
/// somebody else's where an address is in the environment and nothing special is asked for.
#[derive(Debug)]
pub struct NatsServer {
    host: String,
    port: u16,
    private: Option<Private>,
}

#[derive(Debug)]
struct Private {
    is_bare: bool,
    process: Mutex<Process>,
    configuration: PathBuf,
    _folder: TempDir,
}

impl NatsServer {
    /// Starts one, with JetStream unless it is to be without.
    ///
    /// # Errors
    /// When `nats-server` is missing or does not serve.
    pub async fn start(options: NatsOptions) -> Result<Self, ServerError> {
        if options == NatsOptions::default()
            && let Ok(address) = std::env::var(VARIABLE)
        {
            return Self::given(&address);
        }
        Self::start_at(free_port()?, options).await
    }

    /// Starts a private one on this port.
    pub(crate) async fn start_at(port: u16, options: NatsOptions) -> Result<Self, ServerError> {
        let folder = tempfile::tempdir().map_err(ServerError::io("making a folder"))?;
        let configuration = folder.path().join("nats.conf");
        let text = options.text(port, &folder);
        let written = std::fs::write(&configuration, text);
        written.map_err(ServerError::io("writing the configuration"))?;
        let program = Program {
            name: "nats-server",
            remedy: REMEDY,
            arguments: vec!["-c".to_owned(), configuration.display().to_string()],
            environment: Vec::new(),
            folder: folder.path().to_owned(),
        };
        let is_bare = options.without_jet_stream;
        let process = Process::start(program, move || serves(port, is_bare)).await?;
        Ok(Self {
            host: "127.0.0.1".to_owned(),
            port,
            private: Some(Private {
                is_bare,
                process: Mutex::new(process),
                configuration,
                _folder: folder,
            }),
        })
    }

    fn given(address: &str) -> Result<Self, ServerError> {
        let parts = address.rsplit_once(':');
        let read = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let Some((host, port)) = read else {
            let wrong = std::io::Error::other("expected host:port");
            return Err(ServerError::io(format!("reading {VARIABLE}"))(wrong));
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
        let (port, is_bare) = (self.port, private.is_bare);
        let mut process = private.process.lock().await;
        process.restart(move || serves(port, is_bare)).await
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

    /// Has it read its configuration again, in which one text now stands in the place of another.
    /// Whoever may not be connected by it any more is cut off by the server.
    ///
    /// # Errors
    /// When the configuration cannot be written, or the server is not ours.
    pub async fn reconfigure(&self, before: &str, after: &str) -> Result<(), ServerError> {
        let private = self.private()?;
        let file = &private.configuration;
        let text = std::fs::read_to_string(file);
        let text = text.map_err(ServerError::io("reading the configuration"))?;
        let written = std::fs::write(file, text.replace(before, after));
        written.map_err(ServerError::io("writing the configuration"))?;
        private.process.lock().await.hang_up();
        Ok(())
    }

    fn private(&self) -> Result<&Private, ServerError> {
        let variable = VARIABLE;
        self.private
            .as_ref()
            .ok_or(ServerError::NoPower { variable })
    }
}

impl NatsOptions {
    fn text(&self, port: u16, folder: &TempDir) -> String {
        let mut text = format!("listen: \"127.0.0.1:{port}\"\n");
        if !self.without_jet_stream {
            let store = folder.path().join("store");
            text += &format!(
                "jetstream {{ store_dir: {:?} }}\n",
                store.display().to_string()
            );
        }
        if let Some(certificate) = &self.certificate {
            text += &format!(
                "tls {{ cert_file: {:?}, key_file: {:?}, timeout: 20 }}\n",
                certificate.certificate.display().to_string(),
                certificate.key.display().to_string()
            );
        }
        text + &self.configuration + "\n"
    }
}

/// Whether it answers, and JetStream too where it has it and needs no login.
async fn serves(port: u16, is_bare: bool) -> bool {
    let looking = async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let guarded = ["\"auth_required\":true", "\"tls_required\":true"];
        if is_bare || guarded.iter().any(|mark| line.contains(mark)) {
            return line.starts_with("INFO").then_some(());
        }
        let ask = b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPUB $JS.API.INFO a 0\r\n\r\n";
        stream.write_all(ask).await.ok()?;
        while !line.starts_with("MSG a") {
            line.clear();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
        }
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        (!line.contains("\"error\"")).then_some(())
    };
    // Where nobody answers for JetStream yet, nothing comes.
    let patience = std::time::Duration::from_secs(2);
    matches!(tokio::time::timeout(patience, looking).await, Ok(Some(())))
}
