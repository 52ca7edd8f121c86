//! What a run does.

use std::time::Duration;

use mesahub_protocol::Protocol;
use serde_json::Value;

use super::address::Address;
use super::error::LoadError;

/// What a run does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The hub.
    pub hub: Address,
    /// How its messages are encoded.
    pub protocol: Protocol,
    /// Whether clients ask where to connect first, as all do unless they are told to skip it. One
    /// request, on a connection of its own.
    pub negotiate: bool,
    /// How many clients there are, at least 1.
    pub connections: usize,
    /// How many of them begin to connect each second, at least 1.
    pub ramp: u32,
    /// The tokens of the clients, taken in turn: the first client has the first token, and after
    /// the last the first comes again. None for none.
    pub tokens: Vec<String>,
    /// What the clients are members of.
    pub channels: Channels,
    /// The hub method that makes a client a member, called once for each channel. None where the
    /// server does it by itself; then `Ping` is called, which the hub need not have, since any answer
    /// to a call shows that the client has been welcomed.
    pub join: Option<Call>,
    /// Who publishes, and how.
    pub publishing: Publishing,
    /// Messages a second, over all channels: more than 0.
    pub rate: f64,
    /// For how long messages are published; zero for not at all.
    pub duration: Duration,
    /// Bytes of a message, as far as they are chosen here: what is less than its mark has is as long
    /// as the mark, some 60 bytes.
    pub size: usize,
    /// Whether all connections are cut at once when all are there.
    pub storm: bool,
    /// How long a client tries to connect, and how long a message may be on its way when nothing
    /// else comes any more.
    pub patience: Duration,
}

/// The channels: groups, or whatever the server has that a message goes to.
#[derive(Clone, Debug)]
pub struct Channels {
    /// How many there are, at least 1.
    pub count: usize,
    /// What they are called; `{index}` stands for a number from 0.
    pub name: String,
    /// How many of them each client is in, 1 to `count`: the first client in the first ones, the
    /// next in those behind them, and so on around.
    pub per_connection: usize,
}

/// A call of a hub method.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: String,
    /// Its arguments, an array. In their texts `{channel}` stands for the name of a channel,
    /// `{message}` for the message and `{uuid}` for a new GUID.
    pub arguments: Vec<Value>,
}

/// Who publishes, and how. Each channel has one publisher, which waits for each answer.
#[derive(Clone, Debug)]
pub enum Publishing {
    /// By a hub method, over connections beside those of the clients.
    Hub {
        /// The method.
        call: Call,
        /// The token of the publishers.
        token: Option<String>,
        /// How many publishers there are, at least 1; no more than channels are used.
        publishers: usize,
    },
    /// By POST requests with bodies of JSON, each with an `Idempotency-Key`.
    Http {
        /// Where to.
        url: String,
        /// The bearer token.
        token: Option<String>,
        /// The body, with the same placeholders in its texts as arguments have.
        body: Value,
        /// How many publishers there are, at least 1; no more than channels are used.
        publishers: usize,
    },
}

impl Plan {
    /// Looks whether it holds together.
    pub(super) fn check(&self) -> Result<(), LoadError> {
        let channels = &self.channels;
        let publishers = match &self.publishing {
            Publishing::Hub { publishers, .. } | Publishing::Http { publishers, .. } => *publishers,
        };
        let wrong = [
            (self.connections == 0, "at least one connection is needed"),
            (
                self.ramp == 0,
                "at least one connection has to begin each second",
            ),
            (channels.count == 0, "at least one channel is needed"),
            (
                !(1..=channels.count).contains(&channels.per_connection),
                "each connection is in at least one channel, and in no more than there are",
            ),
            (
                channels.count > 1 && !channels.name.contains("{index}"),
                "the name of channels needs {index} where there are several",
            ),
            (publishers == 0, "at least one publisher is needed"),
            (
                !(self.rate.is_finite() && self.rate > 0.0),
                "the rate is more than 0 messages a second",
            ),
        ];
        match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, text)) => Err(LoadError::Plan(text)),
            None => Ok(()),
        }
    }

    /// The channels of a client.
    pub(super) fn channels_of(&self, client: usize) -> impl Iterator<Item = usize> + use<> {
        let (count, each) = (self.channels.count, self.channels.per_connection);
        let first = client.wrapping_mul(each) % count;
        (0..each).map(move |offset| (first + offset) % count)
    }

    /// How many members each channel has.
    pub(super) fn members(&self) -> Vec<u64> {
        let mut members = vec![0; self.channels.count];
        for client in 0..self.connections {
            for channel in self.channels_of(client) {
                members[channel] += 1;
            }
        }
        members
    }

    /// The name of a channel.
    pub(super) fn name(&self, channel: usize) -> String {
        self.channels.name.replace("{index}", &channel.to_string())
    }

    /// The token of a client.
    pub(super) fn token(&self, client: usize) -> Option<&str> {
        let turn = client.checked_rem(self.tokens.len())?;
        Some(&self.tokens[turn])
    }
}
