//! What the user may do: each thing is tried in a way that leaves nothing behind.

use bytes::Bytes;
use mesahub_broker::{Finding, Topic};

use crate::commands::inbox;
use crate::config::NatsConfig;
use crate::error::{LinkError, denied};
use crate::socket::Socket;
use crate::wire::{self, PING, PONG, Word};

const API: &str = "$JS.API.INFO";

/// Numbers of our subscriptions.
const TOPIC: u64 = 1;
const ANSWERS: u64 = 2;

/// What came of trying.
pub(super) struct Tried {
    /// Whether it is about listening, and where.
    denied: Vec<(bool, String)>,
    /// Where answers come.
    answers: String,
    /// What JetStream told of the account; nothing where nobody answers for it.
    pub(super) account: Option<Bytes>,
}

/// Tries to listen and to publish where a node does. Waits until JetStream has answered, if it was
/// asked and may be heard.
pub(super) async fn attempt(config: &NatsConfig, socket: &mut Socket) -> Result<Tried, LinkError> {
    let topic = Topic::new("mesahub:doctor:rights").expect("the name is short");
    let (at, inbox) = (config.prefix.topic(&topic), inbox());
    let mut tried = Tried {
        denied: Vec::new(),
        answers: format!("{inbox}.*"),
        account: None,
    };
    let mut out = Vec::new();
    wire::subscribe(&mut out, &at, TOPIC);
    wire::subscribe(&mut out, &tried.answers, ANSWERS);
    wire::publish(&mut out, &at, None, "", b"");
    let asked = format!("{inbox}.account");
    if config.log.is_some() {
        // No stream has this name, so whichever holds the subject refuses it.
        let nowhere = wire::headers("Nats-Expected-Stream", "none");
        let kept = config.prefix.log(&topic);
        wire::publish(
            &mut out,
            &kept,
            Some(&format!("{inbox}.log")),
            &nowhere,
            b"",
        );
        wire::publish(&mut out, API, Some(&asked), "", b"");
    }
    out.extend_from_slice(PING);
    socket.write(&out).await?;
    let mut has_answered = config.log.is_none();
    let mut is_through = false;
    loop {
        match socket.next().await? {
            Word::Pong => is_through = true,
            Word::Ping => socket.write(PONG).await?,
            Word::Error(text) => match denied(&text) {
                Some((listening, subject)) => tried.denied.push((listening, subject.to_owned())),
                None => return Err(LinkError::Refused(text)),
            },
            Word::Message(message) if message.sid == ANSWERS && message.subject == asked => {
                has_answered = true;
                let is_nobody = message.status() == Some(503);
                tried.account = (!is_nobody).then_some(message.payload);
            }
            _ => {}
        }
        if is_through && (has_answered || !tried.may_ask()) {
            return Ok(tried);
        }
    }
}

impl Tried {
    /// Whether JetStream may be asked, and its answer heard.
    pub(super) fn may_ask(&self) -> bool {
        let bars = |(listening, subject): &(bool, String)| match listening {
            true => *subject == self.answers,
            false => subject == API,
        };
        !self.denied.iter().any(bars)
    }

    pub(super) fn finding(&self, config: &NatsConfig) -> Finding {
        const RIGHTS: &str = "rights";
        let prefix = &config.prefix;
        let (kept, asked) = match config.log {
            Some(_) => (format!(", {}", prefix.logs()), ", $JS.API.>"),
            None => (String::new(), ""),
        };
        let needed = format!(
            "publish at {topics}{kept}{asked}, and subscribe at {topics}, _INBOX.>",
            topics = prefix.topics()
        );
        if self.denied.is_empty() {
            return Finding::good(RIGHTS, format!("the user may {needed}"));
        }
        let missing = self.denied.iter().map(|(listening, subject)| {
            let what = if *listening { "subscribe" } else { "publish" };
            format!("{what} at {subject}")
        });
        let missing: Vec<_> = missing.collect();
        let seen = format!("the user may not {}", missing.join(", nor "));
        let mend = format!("grant the user in the server's configuration to {needed}");
        Finding::failed(RIGHTS, seen, mend)
    }
}
