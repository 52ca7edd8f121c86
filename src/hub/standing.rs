//! How a topic stands with the broker, and who waits for it.

use mesahub_broker::Position;
use tokio::sync::oneshot;

use crate::hub::membership::{Answer, SubscribeFailed};

/// How a topic stands with the broker.
#[derive(Default)]
pub(crate) enum Interest {
    /// The broker does not deliver, and nothing has been asked of it.
    #[default]
    None,
    /// The broker does not deliver yet, and these joins wait for it.
    Wanted(Waiting),
    /// A call is on its way or has failed: the broker may deliver or not. These joins wait.
    Unsure(Waiting),
    /// The broker delivers.
    Live,
}

/// The joins that wait for the broker.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) joins: Vec<oneshot::Sender<Answer>>,
    /// Where the log ended before the broker was asked to deliver.
    pub(crate) from: Option<Position>,
}

impl Interest {
    /// Tells whoever waits.
    pub(crate) fn settle(self, outcome: &Result<(), SubscribeFailed>) {
        if let Self::Wanted(waiting) | Self::Unsure(waiting) = self {
            for join in waiting.joins {
                let _ = join.send(outcome.clone().map(|()| waiting.from));
            }
        }
    }
}
