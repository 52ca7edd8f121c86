//! Reads this node's own queue: what went by the exchange.

use std::convert::Infallible;

use bytes::Bytes;
use mesahub_broker::{Gap, GapScope, Inbox};

use crate::error::LinkError;
use crate::framing::{Frame, decode};
use crate::intake::Intake;
use crate::member::Member;

/// Reads until the connection is lost. When everything was restored after an interruption, the
/// gap is told first: what was published after the subscriptions were back waits in the queue.
pub(crate) async fn read(
    member: &Member,
    inbox: &Inbox,
    opening: impl Future<Output = Result<Intake, LinkError>>,
    is_restored: bool,
) -> Result<Infallible, LinkError> {
    if is_restored {
        let topics = GapScope::All;
        // Whoever no longer reads its shard misses nothing.
        let _ = inbox.gap(Gap { topics }).await;
    }
    let mut intake = opening.await?;
    loop {
        let delivery = intake.next().await?;
        member.moved();
        let tag = delivery.delivery_tag;
        let body = Bytes::from(delivery.data);
        match decode(&body) {
            Some(Frame::Live { topic, payload }) => {
                if let Some(held) = member.table.hold(topic).await {
                    member.deliver(inbox, held, payload, None).await;
                }
            }
            Some(Frame::Fence { number }) => member.fences.resolve(number, ()),
            _ => tracing::warn!("dropped what another software has published"),
        }
        intake.done(tag);
    }
}
