//! A private Redis.

use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::{Certificate, Process, Program, ServerError, free_port};

const REMEDY: &str = "apt-get install redis-server";

/// How a private Redis is to be.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// Arguments of `redis-server` beside the port and the folder, such as `--requirepass`.
    pub arguments: Vec<String>,
    /// Speaks TLS only, with this certificate.
    pub certificate: Option<Certificate>,
    /// Runs as a Sentinel, with this configuration.
    pub sentinel: Option<String>,
}

/// A private Redis on a free port of the loopback interface. It is gone when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    is_tls: bool,
    process: Mutex<Process>,
    _folder: TempDir,
}

impl RedisServer {
    /// Starts one that keeps nothing on disk.
    ///
    /// # Errors
    /// When `redis-server` is missing or does not serve.
    pub async fn start(options: RedisOptions) -> Result<Self, ServerError> {
        let folder = tempfile::tempdir().map_err(ServerError::io("making a folder"))?;
        let port = free_port()?;
        let mut arguments = Vec::new();
        if let Some(sentinel) = &options.sentinel {
            let file = folder.path().join("sentinel.conf");
            let written = std::fs::write(&file, sentinel);
            written.map_err(ServerError::io("writing the configuration"))?;
            arguments.extend([file.display().to_string(), "--sentinel".to_owned()]);
        } else {
            let plain = ["--save", "", "--appendonly", "no"];
            arguments.extend(plain.map(str::to_owned));
        }
        let pair = |name: &str, value: String| [name.to_owned(), value];
        arguments.extend(pair("--bind", "127.0.0.1".to_owned()));
        arguments.extend(pair("--dir", folder.path().display().to_string()));
        match &options.certificate {
            None => arguments.extend(pair("--port", port.to_string())),
            Some(certificate) => {
                arguments.extend(pair("--port", "0".to_owned()));
                arguments.extend(pair("--tls-port", port.to_string()));
                let file = |path: &std::path::Path| path.display().to_string();
                arguments.extend(pair("--tls-cert-file", file(&certificate.certificate)));
                arguments.extend(pair("--tls-key-file", file(&certificate.key)));
                arguments.extend(pair("--tls-ca-cert-file", file(&certificate.authority)));
                arguments.extend(pair("--tls-auth-clients", "no".to_owned()));
            }
        }
        arguments.extend(options.arguments);
        let program = Program {
            name: "redis-server",
            remedy: REMEDY,
            arguments,
            environment: Vec::new(),
            folder: folder.path().to_owned(),
        };
        let is_tls = options.certificate.is_some();
        let process = Process::start(program, move || serves(port, is_tls)).await?;
        Ok(Self {
            port,
            is_tls,
            process: Mutex::new(process),
            _folder: folder,
        })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it.
    ///
    /// # Errors
    /// When it could not be waited for.
    pub async fn stop(&self) -> Result<(), ServerError> {
        self.process.lock().await.kill()
    }

    /// Starts it again, with nothing in it.
    ///
    /// # Errors
    /// When it does not serve.
    pub async fn restart(&self) -> Result<(), ServerError> {
        let (port, is_tls) = (self.port, self.is_tls);
        let mut process = self.process.lock().await;
        process.restart(move || serves(port, is_tls)).await
    }

    /// Freezes it: its sockets stay open and nothing answers.
    pub async fn freeze(&self) {
        self.process.lock().await.freeze();
    }

    /// Lets it go on.
    pub async fn thaw(&self) {
        self.process.lock().await.thaw();
    }

    /// Has `redis-cli` send a command, and gives what is answered.
    ///
    /// # Errors
    /// When it cannot be run, or answers with an error.
    pub async fn command(&self, words: &[&str]) -> Result<String, ServerError> {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-e"]);
        let answered = command.args(words).stdin(Stdio::null()).output().await;
        let answered = answered.map_err(ServerError::io("running redis-cli"))?;
        let text = String::from_utf8_lossy(&answered.stdout).trim().to_owned();
        if answered.status.success() {
            return Ok(text);
        }
        let told = String::from_utf8_lossy(&answered.stderr).into_owned();
        Err(ServerError::io(format!("redis-cli {words:?}"))(
            std::io::Error::other(text + &told),
        ))
    }
}

/// Whether it answers, if only that a password is wanted.
async fn serves(port: u16, is_tls: bool) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        return false;
    };
    if is_tls {
        return true;
    }
    let mut answer = [0; 8];
    if stream.write_all(b"PING\r\n").await.is_err() {
        return false;
    }
    match stream.read(&mut answer).await {
        Ok(read) => answer[..read].starts_with(b"+PONG") || answer[..read].starts_with(b"-NOAUTH"),
        Err(_) => false,
    }
}
