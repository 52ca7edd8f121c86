//! A server that is a container of an engine on this machine.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use testcontainers::core::{ExecCommand, IntoContainerPort};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use crate::{Kind, ServerError};

/// How long it may take until it serves, once the image is there.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often is looked whether it does.
const LOOK: Duration = Duration::from_millis(50);

/// What to run in it.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// The port of this machine's loopback interface that leads to the server's.
    pub(crate) port: u16,
    /// What the image is to run, in the way it wants it.
    pub(crate) command: Vec<String>,
    /// Files of this machine, and where they are in the container.
    pub(crate) files: Vec<(PathBuf, String)>,
}

/// A running container. It is removed when this is dropped.
pub(crate) struct Container {
    kind: &'static Kind,
    container: ContainerAsync<GenericImage>,
}

impl Container {
    /// Brings the image, starts a container and waits until `serves` says that it does.
    pub(crate) async fn start(
        kind: &'static Kind,
        recipe: Recipe,
        serves: impl AsyncFnMut() -> bool,
    ) -> Result<Self, ServerError> {
        let (name, tag) = kind.image;
        let mut request = GenericImage::new(name, tag)
            .with_mapped_port(recipe.port, kind.port.tcp())
            .with_cmd(recipe.command);
        for (from, to) in recipe.files {
            request = request.with_copy_to(to, from);
        }
        let container = request.start().await.map_err(refused)?;
        let started = Self { kind, container };
        started.wait(serves).await?;
        Ok(started)
    }

    /// Kills the server.
    pub(crate) async fn kill(&self) -> Result<(), ServerError> {
        let stopped = self.container.stop_with_timeout(Some(0)).await;
        stopped.map_err(refused)
    }

    /// Starts it again as it was started, and waits until it serves.
    pub(crate) async fn restart(
        &self,
        serves: impl AsyncFnMut() -> bool,
    ) -> Result<(), ServerError> {
        self.kill().await?;
        self.container.start().await.map_err(refused)?;
        self.wait(serves).await
    }

    /// Freezes it: its sockets stay open and nothing answers.
    pub(crate) async fn freeze(&self) -> Result<(), ServerError> {
        self.container.pause().await.map_err(refused)
    }

    /// Lets it go on.
    pub(crate) async fn thaw(&self) -> Result<(), ServerError> {
        self.container.unpause().await.map_err(refused)
    }

    /// Runs a command inside: whether it succeeded, and what it printed.
    pub(crate) async fn run(&self, words: Vec<String>) -> Result<(bool, String), ServerError> {
        // The exit code comes last in the output: asking for it by itself would tie the caller to
        // one thread.
        let shell = ["sh", "-c", r#""$@" 2>&1; printf '\n%s' $?"#, "run"];
        let command = shell.map(str::to_owned).into_iter().chain(words);
        let running = self.container.exec(ExecCommand::new(command)).await;
        let printed = running.map_err(refused)?.stdout_to_vec().await;
        let printed = String::from_utf8_lossy(&printed.map_err(refused)?).into_owned();
        let (text, code) = printed.rsplit_once('\n').unwrap_or_default();
        Ok((code == "0", text.to_owned()))
    }

    async fn wait(&self, mut serves: impl AsyncFnMut() -> bool) -> Result<(), ServerError> {
        let since = Instant::now();
        while !serves().await {
            if since.elapsed() > PATIENCE {
                let name = self.kind.program;
                let what = format!("{name} does not serve in its container after {PATIENCE:?}");
                return Err(ServerError::Container(what));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = (self.kind.name, self.container.id());
        write!(out, "Container({kind} {id})")
    }
}

fn refused(error: testcontainers::TestcontainersError) -> ServerError {
    ServerError::io("having a container")(std::io::Error::other(error))
}
