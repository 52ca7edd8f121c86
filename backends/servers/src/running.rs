//! A server that runs, and the power over it.

use tokio::sync::Mutex;

use crate::container::Container;
use crate::{Kind, Process, ServerError};

/// A server that runs. Over somebody else's there is no power.
#[derive(Debug)]
pub(crate) enum Running {
    Elsewhere(&'static Kind),
    Process(Mutex<Process>),
    Container(Box<Container>),
}

impl Running {
    /// Kills it.
    pub(crate) async fn stop(&self) -> Result<(), ServerError> {
        match self {
            Self::Elsewhere(kind) => Err(no_power(kind)),
            Self::Process(process) => process.lock().await.kill(),
            Self::Container(container) => container.kill().await,
        }
    }

    /// Starts it again as it was started, and waits until it serves.
    pub(crate) async fn restart(
        &self,
        serves: impl AsyncFnMut() -> bool,
    ) -> Result<(), ServerError> {
        match self {
            Self::Elsewhere(kind) => Err(no_power(kind)),
            Self::Process(process) => process.lock().await.restart(serves).await,
            Self::Container(container) => container.restart(serves).await,
        }
    }

    /// Freezes it: its sockets stay open and nothing answers.
    pub(crate) async fn freeze(&self) -> Result<(), ServerError> {
        match self {
            Self::Elsewhere(kind) => return Err(no_power(kind)),
            Self::Process(process) => process.lock().await.freeze(),
            Self::Container(container) => container.freeze().await?,
        }
        Ok(())
    }

    /// Asks it to read its configuration again.
    pub(crate) async fn hang_up(&self) -> Result<(), ServerError> {
        match self {
            Self::Elsewhere(kind) => Err(no_power(kind)),
            Self::Process(process) => {
                process.lock().await.hang_up();
                Ok(())
            }
            Self::Container(_) => Err(ServerError::Container(
                "its configuration cannot be changed; install the program".to_owned(),
            )),
        }
    }

    /// Lets it go on.
    pub(crate) async fn thaw(&self) -> Result<(), ServerError> {
        match self {
            Self::Elsewhere(kind) => return Err(no_power(kind)),
            Self::Process(process) => process.lock().await.thaw(),
            Self::Container(container) => container.thaw().await?,
        }
        Ok(())
    }
}

fn no_power(kind: &Kind) -> ServerError {
    ServerError::NoPower {
        variable: kind.variable,
    }
}

#[cfg(test)]
mod tests {
    use super::Running;
    use crate::{Kind, ServerError};

    #[tokio::test]
    async fn there_is_no_power_over_somebody_elses_server() {
        let theirs = Running::Elsewhere(&Kind::REDIS);
        for refused in [
            theirs.stop().await,
            theirs.restart(async || true).await,
            theirs.freeze().await,
            theirs.thaw().await,
        ] {
            let variable = "MESAHUB_TEST_REDIS";
            assert!(matches!(refused, Err(ServerError::NoPower { variable: v }) if v == variable));
        }
    }
}
