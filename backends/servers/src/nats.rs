//! A NATS.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::container::{Container, Recipe};
use crate::running::Running;
use crate::{Certificate, Kind, Origin, Power, Process, Program, ServerError, free_port};

const KIND: &Kind = &Kind::NATS;

/// Where its files are in a container.
const FOLDER: &str = "/mesahub";

/// The name of its configuration.
const CONFIGURATION: &str = "nats.conf";

/// How a private NATS is to be.
#[derive(Debug, Clone, Default)]
pub struct NatsOptions {
    /// Lines of its configuration beside those for the port and the folder, such as
    /// `authorization { token: "…" }`.
    pub configuration: String,
    /// Runs without JetStream.
    pub without_jet_stream: bool,
    /// Speaks TLS only, with this certificate.
    pub certificate: Option<Certificate>,
}

/// A NATS, gone when this is dropped unless it is somebody else's.
#[derive(Debug)]
pub struct NatsServer {
    host: String,
    port: u16,
    is_bare: bool,
    running: Running,
    folder: Option<TempDir>,
}

impl NatsServer {
    /// One to talk to, with JetStream: that of `MESAHUB_TEST_NATS`, else a private one.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn reach() -> Result<Self, ServerError> {
        match Origin::here(KIND, Power::Unneeded).await? {
            Origin::Address { host, port } => Ok(Self {
                host,
                port,
                is_bare: false,
                running: Running::Elsewhere(KIND),
                folder: None,
            }),
            Origin::Program(_) | Origin::Container => Self::start(NatsOptions::default()).await,
        }
    }

    /// Starts a private one on a free port of the loopback interface, with JetStream unless it is
    /// to be without.
    ///
    /// # Errors
    /// When there is neither a program nor an engine, or it does not serve.
    pub async fn start(options: NatsOptions) -> Result<Self, ServerError> {
        let port = free_port()?;
        match Origin::here(KIND, Power::Needed).await? {
            Origin::Container => Self::start_container(port, options).await,
            Origin::Program(_) | Origin::Address { .. } => Self::start_at(port, options).await,
        }
    }

    /// Starts the program on this port.
    pub(crate) async fn start_at(port: u16, options: NatsOptions) -> Result<Self, ServerError> {
        let folder = tempfile::tempdir().map_err(ServerError::io("making a folder"))?;
        let place = |path: &Path| path.display().to_string();
        let listen = format!("127.0.0.1:{port}");
        let file = options.write(&folder, &listen, &folder.path().join("store"), place)?;
        let program = Program {
            name: KIND.program,
            remedy: KIND.remedy,
            arguments: vec!["-c".to_owned(), file.display().to_string()],
            environment: Vec::new(),
            folder: folder.path().to_owned(),
        };
        let is_bare = options.without_jet_stream;
        let process = Process::start(program, move || serves(port, is_bare)).await?;
        Ok(Self::private(
            port,
            is_bare,
            Running::Process(Mutex::new(process)),
            folder,
        ))
    }

    async fn start_container(port: u16, options: NatsOptions) -> Result<Self, ServerError> {
        let folder = tempfile::tempdir().map_err(ServerError::io("making a folder"))?;
        let recipe = options.recipe(port, &folder)?;
        let is_bare = options.without_jet_stream;
        let container = Container::start(KIND, recipe, move || serves(port, is_bare)).await?;
        Ok(Self::private(
            port,
            is_bare,
            Running::Container(Box::new(container)),
            folder,
        ))
    }

    fn private(port: u16, is_bare: bool, running: Running, folder: TempDir) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port,
            is_bare,
            running,
            folder: Some(folder),
        }
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
        self.running.stop().await
    }

    /// Starts it again, with what it had on disk.
    ///
    /// # Errors
    /// When it does not serve, or is not ours.
    pub async fn restart(&self) -> Result<(), ServerError> {
        let (port, is_bare) = (self.port, self.is_bare);
        self.running.restart(move || serves(port, is_bare)).await
    }

    /// Freezes it: its sockets stay open and nothing answers.
    ///
    /// # Errors
    /// When it is not ours.
    pub async fn freeze(&self) -> Result<(), ServerError> {
        self.running.freeze().await
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it is not ours.
    pub async fn thaw(&self) -> Result<(), ServerError> {
        self.running.thaw().await
    }

    /// Has it read its configuration again, in which one text now stands in the place of another.
    /// Whoever may not be connected by it any more is cut off by the server.
    ///
    /// # Errors
    /// When the configuration cannot be written, or the server is no program that we started.
    pub async fn reconfigure(&self, before: &str, after: &str) -> Result<(), ServerError> {
        if let Some(folder) = &self.folder {
            let file = folder.path().join(CONFIGURATION);
            let text = std::fs::read_to_string(&file);
            let text = text.map_err(ServerError::io("reading the configuration"))?;
            let written = std::fs::write(&file, text.replace(before, after));
            written.map_err(ServerError::io("writing the configuration"))?;
        }
        self.running.hang_up().await
    }
}

impl NatsOptions {
    /// Writes the configuration, in which files are where `place` says.
    fn write(
        &self,
        folder: &TempDir,
        listen: &str,
        store: &Path,
        place: impl Fn(&Path) -> String,
    ) -> Result<PathBuf, ServerError> {
        let mut text = format!("listen: {listen:?}\n");
        if !self.without_jet_stream {
            let store = store.display().to_string();
            text += &format!("jetstream {{ store_dir: {store:?} }}\n");
        }
        if let Some(certificate) = &self.certificate {
            text += &format!(
                "tls {{ cert_file: {:?}, key_file: {:?}, timeout: 20 }}\n",
                place(&certificate.certificate),
                place(&certificate.key)
            );
        }
        let file = folder.path().join(CONFIGURATION);
        let written = std::fs::write(&file, text + &self.configuration + "\n");
        written.map_err(ServerError::io("writing the configuration"))?;
        Ok(file)
    }

    fn recipe(&self, port: u16, folder: &TempDir) -> Result<Recipe, ServerError> {
        let listen = format!("0.0.0.0:{}", KIND.port);
        let store = Path::new(FOLDER).join("store");
        let file = self.write(folder, &listen, &store, inside)?;
        let certificate = self.certificate.iter();
        let files = certificate.flat_map(|it| [it.certificate.clone(), it.key.clone()]);
        Ok(Recipe {
            port,
            // The image runs the program with these arguments.
            command: vec!["-c".to_owned(), inside(&file)],
            files: files
                .chain([file.clone()])
                .map(|file| (file.clone(), inside(&file)))
                .collect(),
        })
    }
}

/// Where a file is in a container.
fn inside(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    format!("{FOLDER}/{}", name.to_string_lossy())
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
    matches!(timeout(Duration::from_secs(2), looking).await, Ok(Some(())))
}
