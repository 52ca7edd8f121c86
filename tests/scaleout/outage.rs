//! What befalls a backplane in the middle of the day.

use async_trait::async_trait;

/// Something that cuts the nodes off from their backplane.
#[async_trait]
pub(crate) trait Outage: Send + Sync {
    /// Whether the backplane takes nothing meanwhile.
    const IS_AWAY: bool;

    /// Whether every node has to notice it, and to say that something may be missing.
    const IS_NOTICED: bool;

    /// Whether the logs are gone that do not survive a restart.
    const FORGETS: bool;

    /// Cuts them off.
    async fn begin(&self);

    /// Lets them come back.
    async fn end(&self);
}

/// Power over a server.
#[async_trait]
pub(crate) trait Power: Send + Sync {
    /// Kills it, as nothing that it could prepare for.
    async fn kill(&self);

    /// Starts it again, with what it had on disk.
    async fn restart(&self);

    /// Lets it hang, with its connections open.
    async fn freeze(&self);

    /// Lets it go on.
    async fn thaw(&self);
}

/// Gives [`Power`] over a kind of server, all of which are handled alike.
macro_rules! has_power {
    ($server:ty) => {
        #[async_trait::async_trait]
        impl $crate::outage::Power for $server {
            async fn kill(&self) {
                self.stop().await.unwrap();
            }

            async fn restart(&self) {
                Self::restart(self).await.unwrap();
            }

            async fn freeze(&self) {
                Self::freeze(self).await.unwrap();
            }

            async fn thaw(&self) {
                Self::thaw(self).await.unwrap();
            }
        }
    };
}
pub(crate) use has_power;

/// The server is killed and started again.
pub(crate) struct Restart<S>(pub(crate) S);

/// The server hangs for a while.
pub(crate) struct Freeze<S>(pub(crate) S);

#[async_trait]
impl<S: Power> Outage for Restart<S> {
    const IS_AWAY: bool = true;
    const IS_NOTICED: bool = true;
    const FORGETS: bool = true;

    async fn begin(&self) {
        self.0.kill().await;
    }

    async fn end(&self) {
        self.0.restart().await;
    }
}

#[async_trait]
impl<S: Power> Outage for Freeze<S> {
    const IS_AWAY: bool = true;
    // It may go on before a node has lost patience.
    const IS_NOTICED: bool = false;
    const FORGETS: bool = false;

    async fn begin(&self) {
        self.0.freeze().await;
    }

    async fn end(&self) {
        self.0.thaw().await;
    }
}
