//! Requests to JetStream.

use mesahub_broker::BrokerError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::commands::Commands;
use crate::flight::Reply;

/// What JetStream refused, with its own number for it.
#[derive(Debug, Clone, Deserialize, thiserror::Error)]
#[error("JetStream said: {description} ({err_code})")]
pub(crate) struct Refusal {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    pub(crate) err_code: u32,
    #[serde(default)]
    description: String,
}

/// There is no such entry.
pub(crate) const NO_MESSAGE: u32 = 10_037;

/// There is no such stream.
pub(crate) const NO_STREAM: u32 = 10_059;

/// Another stream has the name already, or the subjects.
pub(crate) const TAKEN: [u32; 2] = [10_058, 10_065];

/// Another message with the same id is on its way into the stream.
const UNDER_WAY: u32 = 10_158;

/// Why a request was not answered as it was meant.
#[derive(Debug)]
pub(crate) enum ApiError {
    Refused(Refusal),
    Broker(BrokerError),
}

#[derive(Deserialize)]
struct Outcome {
    error: Option<Refusal>,
}

/// Asks, and reads the answer.
pub(crate) async fn ask<T: DeserializeOwned>(
    commands: &Commands,
    what: &str,
    request: &impl Serialize,
) -> Result<T, ApiError> {
    let mut answers = ask_all(commands, what, std::slice::from_ref(request)).await?;
    let nothing = || Err(ApiError::Broker(BrokerError::unavailable("no answer")));
    answers.pop().unwrap_or_else(nothing)
}

/// Asks several times at once, and reads the answers, one for each.
pub(crate) async fn ask_all<T: DeserializeOwned>(
    commands: &Commands,
    what: &str,
    requests: &[impl Serialize],
) -> Result<Vec<Result<T, ApiError>>, ApiError> {
    let subject = format!("$JS.API.{what}");
    let mut flight = commands.flight();
    for request in requests {
        let request = serde_json::to_vec(request).map_err(unreadable)?;
        flight.request(&subject, &request);
    }
    let landing = commands.send(flight).await.map_err(ApiError::Broker)?;
    Ok(landing.replies.into_iter().map(read).collect())
}

fn read<T: DeserializeOwned>(reply: Reply) -> Result<T, ApiError> {
    let message = reply.message().map_err(ApiError::Broker)?;
    let Outcome { error } = serde_json::from_slice(&message.payload).map_err(unreadable)?;
    match error {
        Some(refusal) => Err(ApiError::Refused(refusal)),
        None => serde_json::from_slice(&message.payload).map_err(unreadable),
    }
}

fn unreadable(error: serde_json::Error) -> ApiError {
    ApiError::Broker(BrokerError::rejected(error))
}

impl Refusal {
    /// The same in the words of the contract. What is wrong with the server may pass: no leader, no
    /// room; and so does what is on its way.
    pub(crate) fn into_broker(self) -> BrokerError {
        match self.code {
            _ if self.err_code == UNDER_WAY => BrokerError::unavailable(self),
            500.. => BrokerError::unavailable(self),
            _ => BrokerError::rejected(self),
        }
    }
}

impl From<ApiError> for BrokerError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Refused(refusal) => refusal.into_broker(),
            ApiError::Broker(error) => error,
        }
    }
}
