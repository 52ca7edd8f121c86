//! What clients are told when messages may be missing for good.

use mesahub_broker::{BrokerError, Topic};
use mesahub_protocol::{Protocol, encode_invocation};
use serde::Serialize;

use crate::hub::frame::Encoded;
use crate::hub::topics::group_of;

/// The client method that is called, with a [`Lost`], when messages of a group that a log keeps
/// may be missing and the log cannot tell which.
pub const LOST: &str = "Lost";

/// Messages of a channel may be missing: whoever shows its state has to fetch it anew. What is sent
/// after this comes as always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The channel: the name of the group.
    pub channel: String,
    /// Why.
    pub reason: LostReason,
}

/// Why it cannot be told what a channel has carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LostReason {
    /// The log no longer holds all that followed.
    TooOld,
    /// The log does not know the place after which to read.
    UnknownPosition,
    /// There is no log, or it cannot be read now.
    Unavailable,
    /// The connection may not listen to the channel.
    NotMember,
}

impl LostReason {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::TooOld,
        Self::UnknownPosition,
        Self::Unavailable,
        Self::NotMember,
    ];

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::UnknownPosition => "unknown_position",
            Self::Unavailable => "unavailable",
            Self::NotMember => "not_member",
        }
    }

    /// What an error of a log means for whoever wanted to read it.
    pub(crate) fn of(error: &BrokerError) -> Self {
        match error {
            BrokerError::UnknownPosition { .. } => Self::UnknownPosition,
            _ => Self::Unavailable,
        }
    }
}

/// The call that tells the members of a topic.
pub(crate) fn told(topic: &Topic, reason: LostReason) -> Encoded {
    let lost = Lost {
        channel: group_of(topic).unwrap_or(topic.as_str()).to_owned(),
        reason,
    };
    let mut encoded = Encoded::new();
    for protocol in Protocol::ALL {
        let mut raw = Vec::with_capacity(128);
        encode_invocation(*protocol, &mut raw, None, LOST, &(&lost,))
            .expect("a name and a reason can always be encoded");
        encoded.insert(*protocol, raw.into());
    }
    encoded
}
