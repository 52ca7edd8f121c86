//! What befalls a backplane in the middle of the day.

use async_trait::async_trait;
use mesahub_broker::conformance::Fault;

/// Something that cuts the nodes off from their backplane.
#[async_trait]
pub(crate) trait Outage: Send + Sync {
    /// Whether the backplane is away meanwhile, so that it takes nothing, and afterwards has no logs
    /// that do not survive that.
    const IS_AWAY: bool;

    /// Cuts them off.
    async fn begin(&self);

    /// Lets them come back.
    async fn end(&self);
}

/// The server is killed and started again.
pub(crate) struct Restart<F>(pub(crate) F);

#[async_trait]
impl<F: Fault> Outage for Restart<F> {
    const IS_AWAY: bool = true;

    async fn begin(&self) {
        self.0.stop().await;
    }

    async fn end(&self) {
        self.0.start().await;
    }
}
