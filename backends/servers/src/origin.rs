//! Where a server comes from.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::core::client::docker_client_instance;
use tokio::time::timeout;

use crate::process::find;
use crate::{Kind, ServerError};

/// How long an engine may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a server comes from, in the order of preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is there already and somebody else's.
    Address {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
    },
    /// A program of this machine is started.
    Program(PathBuf),
    /// A container is started, since an engine answers and there is no program.
    Container,
}

/// Whether a test only talks to a server or also stops and freezes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It talks to it.
    Unneeded,
    /// It has power over it, so it must have one of its own.
    Needed,
}

/// What there is to choose from.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// What the variable says.
    pub address: Option<String>,
    /// Where the program is.
    pub program: Option<PathBuf>,
    /// How an engine would be reached.
    pub engine: Option<Docker>,
}

impl Surroundings {
    /// Those of this machine. Whether an engine answers is not known yet.
    pub async fn here(kind: &Kind) -> Self {
        let address = std::env::var(kind.variable).ok();
        Self {
            address: address.filter(|address| !address.is_empty()),
            program: find(kind.program),
            engine: docker_client_instance().await.ok(),
        }
    }
}

impl Origin {
    /// Where a server of this kind comes from on this machine.
    ///
    /// # Errors
    /// As [`choose`](Self::choose).
    pub async fn here(kind: &Kind, power: Power) -> Result<Self, ServerError> {
        Self::choose(kind, power, &Surroundings::here(kind).await).await
    }

    /// The first that is there of an address, unless power is needed; a program; and an engine
    /// that answers within 5 seconds.
    ///
    /// # Errors
    /// [`ServerError::Missing`] when there is none of them, with the command that brings the
    /// program.
    pub async fn choose(
        kind: &Kind,
        power: Power,
        around: &Surroundings,
    ) -> Result<Self, ServerError> {
        if let (Power::Unneeded, Some(address)) = (power, &around.address) {
            return at(kind, address);
        }
        if let Some(program) = &around.program {
            return Ok(Self::Program(program.clone()));
        }
        if let Some(engine) = &around.engine
            && let Ok(Ok(_)) = timeout(PATIENCE, engine.ping()).await
        {
            return Ok(Self::Container);
        }
        Err(ServerError::Missing {
            program: kind.program,
            remedy: kind.remedy,
        })
    }
}

fn at(kind: &Kind, address: &str) -> Result<Origin, ServerError> {
    let parts = address.rsplit_once(':');
    let read = parts.and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
    let Some((host, port)) = read else {
        let wrong = std::io::Error::other(format!("{address:?} is not host:port"));
        return Err(ServerError::io(format!("reading {}", kind.variable))(wrong));
    };
    Ok(Origin::Address { host, port })
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { host, port } => write!(out, "the one at {host}:{port}"),
            Self::Program(path) => path.display().fmt(out),
            Self::Container => out.write_str("a container"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use testcontainers::bollard::API_DEFAULT_VERSION;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;
    use tokio::task::JoinSet;

    use super::*;

    /// Something that answers a ping as an engine does, and nothing else.
    fn engine(socket: &Path, answering: &mut JoinSet<()>) -> Docker {
        let listener = UnixListener::bind(socket).unwrap();
        answering.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let read = stream.read(&mut request).await.unwrap();
                let is_ping = request[..read].windows(6).any(|part| part == b"/_ping");
                let status = if is_ping { "200 OK" } else { "404 Not Found" };
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nOK");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        client(socket)
    }

    fn client(socket: &Path) -> Docker {
        let address = format!("unix://{}", socket.display());
        Docker::connect_with_unix(&address, 5, API_DEFAULT_VERSION).unwrap()
    }

    async fn chosen(power: Power, around: &Surroundings) -> Result<Origin, ServerError> {
        Origin::choose(&Kind::REDIS, power, around).await
    }

    #[tokio::test]
    async fn an_address_comes_before_a_program_and_that_before_a_container() {
        let folder = tempfile::tempdir().unwrap();
        let mut answering = JoinSet::new();
        let program = PathBuf::from("/usr/bin/redis-server");
        let mut around = Surroundings {
            address: Some("kitchen:6379".to_owned()),
            program: Some(program.clone()),
            engine: Some(engine(&folder.path().join("docker.sock"), &mut answering)),
        };
        let host = "kitchen".to_owned();
        let address = Origin::Address { host, port: 6379 };
        assert_eq!(chosen(Power::Unneeded, &around).await.unwrap(), address);
        let own = chosen(Power::Needed, &around).await.unwrap();
        assert_eq!(own, Origin::Program(program));
        around.program = None;
        let own = chosen(Power::Needed, &around).await.unwrap();
        assert_eq!(own, Origin::Container);
    }

    #[tokio::test]
    async fn an_engine_that_does_not_answer_is_none_and_the_command_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        // The socket stays behind when nobody listens at it any more.
        drop(UnixListener::bind(&socket).unwrap());
        let nobody = client(&socket);
        for engine in [None, Some(nobody)] {
            let around = Surroundings {
                engine,
                ..Surroundings::default()
            };
            let error = chosen(Power::Needed, &around).await.unwrap_err();
            let text = error.to_string();
            assert!(text.contains("apt-get install redis-server"), "{text}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_none_names_its_variable() {
        let around = Surroundings {
            address: Some("kitchen".to_owned()),
            ..Surroundings::default()
        };
        let error = chosen(Power::Unneeded, &around).await.unwrap_err();
        assert!(error.to_string().contains("MESAHUB_TEST_REDIS"), "{error}");
    }
}
