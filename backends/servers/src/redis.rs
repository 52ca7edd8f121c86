//! A Redis.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::container::{Container, Recipe};
use crate::running::Running;
use crate::{Certificate, Kind, Origin, Power, Process, Program, ServerError, free_port};

const KIND: &Kind = &Kind::REDIS;

/// Where its files are in a container.
const FOLDER: &str = "/mesahub";

/// How a private Redis is to be.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// Arguments of `redis-server` beside the port and the folder, such as `--requirepass`.
    pub arguments: Vec<String>,
    /// Speaks TLS only, with this certificate.
    pub certificate: Option<Certificate>,
    /// Runs as a Sentinel, with this configuration. Not in a container, where it would not reach
    /// the servers that it watches.
    pub sentinel: Option<String>,
}

/// A Redis, gone when this is dropped unless it is somebody else's.
#[derive(Debug)]
pub struct RedisServer {
    host: String,
    port: u16,
    is_tls: bool,
    running: Running,
    _folder: Option<TempDir>,
}

impl RedisServer {
    /// One to talk to: that of `MESAHUB_TEST_REDIS`, else a private one.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn reach() -> Result<Self, ServerError> {
        match Origin::here(KIND, Power::Unneeded).await? {
            Origin::Address { host, port } => Ok(Self {
                host,
                port,
                is_tls: false,
                running: Running::Elsewhere(KIND),
                _folder: None,
            }),
            Origin::Program(_) | Origin::Container => Self::start(RedisOptions::default()).await,
        }
    }

    /// Starts a private one on a free port of the loopback interface. It keeps nothing on disk.
    ///
    /// # Errors
    /// When there is neither a program nor an engine, or it does not serve.
    pub async fn start(options: RedisOptions) -> Result<Self, ServerError> {
        let folder = tempfile::tempdir().map_err(ServerError::io("making a folder"))?;
        let (port, is_tls) = (free_port()?, options.certificate.is_some());
        let serves = move || serves(port, is_tls);
        let running = match Origin::here(KIND, Power::Needed).await? {
            Origin::Container => {
                let recipe = options.into_recipe(port)?;
                let container = Container::start(KIND, recipe, serves).await?;
                Running::Container(Box::new(container))
            }
            Origin::Program(_) | Origin::Address { .. } => {
                let program = options.into_program(port, folder.path())?;
                Running::Process(Mutex::new(Process::start(program, serves).await?))
            }
        };
        Ok(Self {
            host: "127.0.0.1".to_owned(),
            port,
            is_tls,
            running,
            _folder: Some(folder),
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
        self.running.stop().await
    }

    /// Starts it again, with nothing in it.
    ///
    /// # Errors
    /// When it does not serve, or is not ours.
    pub async fn restart(&self) -> Result<(), ServerError> {
        let (port, is_tls) = (self.port, self.is_tls);
        self.running.restart(move || serves(port, is_tls)).await
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

    /// Has `redis-cli` send a command, and gives what is answered.
    ///
    /// # Errors
    /// When it cannot be run, or answers with an error.
    pub async fn command(&self, words: &[&str]) -> Result<String, ServerError> {
        let (succeeded, text) = match &self.running {
            Running::Container(container) => {
                let port = KIND.port.to_string();
                let head = ["redis-cli", "-p", &port, "-e"];
                let words = head.iter().chain(words).map(|word| (*word).to_owned());
                container.run(words.collect()).await?
            }
            Running::Elsewhere(_) | Running::Process(_) => {
                let mut command = Command::new("redis-cli");
                command.args(["-h", &self.host, "-p", &self.port.to_string(), "-e"]);
                let answered = command.args(words).stdin(Stdio::null()).output().await;
                let answered = answered.map_err(ServerError::io("running redis-cli"))?;
                let bytes = [answered.stdout, answered.stderr].concat();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                (answered.status.success(), text)
            }
        };
        match succeeded {
            true => Ok(text.trim().to_owned()),
            false => Err(ServerError::io(format!("redis-cli {words:?}"))(
                std::io::Error::other(text),
            )),
        }
    }
}

impl RedisOptions {
    fn into_program(self, port: u16, folder: &Path) -> Result<Program, ServerError> {
        let mut arguments = Vec::new();
        match &self.sentinel {
            Some(sentinel) => {
                let file = folder.join("sentinel.conf");
                let written = std::fs::write(&file, sentinel);
                written.map_err(ServerError::io("writing the configuration"))?;
                arguments.extend([file.display().to_string(), "--sentinel".to_owned()]);
            }
            None => arguments.extend(NOTHING_ON_DISK.map(str::to_owned)),
        }
        arguments.extend(pair("--bind", "127.0.0.1"));
        arguments.extend(pair("--dir", &folder.display().to_string()));
        let file = |path: &Path| path.display().to_string();
        arguments.extend(listening(port, self.certificate.as_ref(), file));
        arguments.extend(self.arguments);
        Ok(Program {
            name: KIND.program,
            remedy: KIND.remedy,
            arguments,
            environment: Vec::new(),
            folder: folder.to_owned(),
        })
    }

    fn into_recipe(self, port: u16) -> Result<Recipe, ServerError> {
        let is_node = self
            .arguments
            .iter()
            .any(|word| word == "--cluster-enabled");
        if self.sentinel.is_some() || is_node {
            let what = format!(
                "a Sentinel and a cluster need the program; bring it with: {}",
                KIND.remedy
            );
            return Err(ServerError::Container(what));
        }
        let mut command = vec![KIND.program.to_owned()];
        command.extend(NOTHING_ON_DISK.map(str::to_owned));
        // Who may connect is decided by the port of the loopback interface that leads there.
        command.extend(pair("--protected-mode", "no"));
        command.extend(listening(KIND.port, self.certificate.as_ref(), inside));
        command.extend(self.arguments);
        let files = self.certificate.iter().flat_map(|it| {
            let files = [&it.authority, &it.certificate, &it.key];
            files.map(|file| (file.clone(), inside(file)))
        });
        Ok(Recipe {
            port,
            command,
            files: files.collect(),
        })
    }
}

const NOTHING_ON_DISK: [&str; 4] = ["--save", "", "--appendonly", "no"];

/// Where a file is in a container.
fn inside(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    format!("{FOLDER}/{}", name.to_string_lossy())
}

fn listening(
    port: u16,
    certificate: Option<&Certificate>,
    place: impl Fn(&Path) -> String,
) -> Vec<String> {
    let port = port.to_string();
    let Some(certificate) = certificate else {
        return pair("--port", &port).into();
    };
    [
        pair("--port", "0"),
        pair("--tls-port", &port),
        pair("--tls-cert-file", &place(&certificate.certificate)),
        pair("--tls-key-file", &place(&certificate.key)),
        pair("--tls-ca-cert-file", &place(&certificate.authority)),
        pair("--tls-auth-clients", "no"),
    ]
    .concat()
}

fn pair(name: &str, value: &str) -> [String; 2] {
    [name.to_owned(), value.to_owned()]
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::RedisOptions;
    use crate::Authority;

    #[test]
    fn in_a_container_files_are_where_the_arguments_say() {
        let folder = tempfile::tempdir().unwrap();
        let certificate = Authority::new().unwrap().issue(folder.path()).unwrap();
        let options = RedisOptions {
            arguments: vec!["--requirepass".to_owned(), "secret".to_owned()],
            certificate: Some(certificate),
            sentinel: None,
        };
        let recipe = options.into_recipe(12_345).unwrap();
        assert_eq!(recipe.port, 12_345);
        assert_eq!(recipe.command[0], "redis-server");
        assert_eq!(recipe.command[recipe.command.len() - 1], "secret");
        assert_eq!(recipe.files.len(), 3);
        for (from, to) in recipe.files {
            assert!(from.is_file());
            assert!(recipe.command.contains(&to), "{to} in {:?}", recipe.command);
        }
    }

    #[test]
    fn a_sentinel_in_a_container_is_refused_with_the_command_that_helps() {
        let options = RedisOptions {
            sentinel: Some(String::new()),
            ..RedisOptions::default()
        };
        let text = options.into_recipe(1).unwrap_err().to_string();
        assert!(text.contains("apt-get install redis-server"), "{text}");
    }
}
