//! What a handler may return, and how it becomes a completion.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use mesahub_protocol::{EncodeError, Protocol, encode_error, encode_result, encode_void};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::hub::connection::Connection;
use crate::hub::error::HubError;
use crate::hub::frame::frame;
use crate::hub::streaming;

/// Where an answer goes: the connection, and the invocation's id if its caller wants an answer.
#[derive(Clone, Debug)]
pub struct ReplyTo {
    pub(crate) connection: Option<Arc<Connection>>,
    pub(crate) protocol: Protocol,
    pub(crate) invocation_id: Option<Arc<str>>,
    pub(crate) cancelled: Option<CancellationToken>,
    pub(crate) detailed: bool,
}

/// The completion of a call as it is sent, if its caller wants one.
#[derive(Default)]
pub struct Answer {
    pub(crate) bytes: Option<Bytes>,
    /// Dropped once the completion is on its way.
    pub(crate) kept: Option<Box<dyn Send>>,
}

/// A value to answer with, and something that is kept until the answer is on its way and then
/// dropped: what it does then comes behind the answer.
pub(crate) struct Keeping<T> {
    pub(crate) value: T,
    pub(crate) kept: Box<dyn Send>,
}

/// What a handler may return: nothing, a value, a stream of values, or a `Result` of one of them.
/// The items of a stream may themselves be `Result`s; the first error ends it. `M` only helps
/// inference.
pub trait IntoReply<M>: Send + 'static {
    /// Whether it is a stream.
    const STREAMS: bool = false;

    /// Answers the caller.
    ///
    /// # Errors
    /// The handler's own, or a value that cannot be encoded.
    fn reply(self, to: ReplyTo) -> impl Future<Output = Result<Answer, HubError>> + Send;
}

/// An item of a stream: a value, or a `Result` of one.
pub trait IntoItem<M>: Send {
    /// The value that is sent.
    type Value: Serialize + Send;

    /// Turns it into a value or an error.
    ///
    /// # Errors
    /// The stream's own.
    fn into_item(self) -> Result<Self::Value, HubError>;
}

/// Marks something that is a value itself.
#[derive(Debug)]
pub struct Plain;

/// Marks a `Result`.
#[derive(Debug)]
pub struct Fallible;

/// Marks a `Result` of a [`Keeping`].
#[derive(Debug)]
pub(crate) struct FallibleKeeping;

/// Marks a stream whose items are marked `M`.
#[derive(Debug)]
pub struct Streaming<M>(M);

/// Marks a `Result` of a stream whose items are marked `M`.
#[derive(Debug)]
pub struct FallibleStreaming<M>(M);

impl<T: Serialize + Send + 'static> IntoReply<Plain> for T {
    async fn reply(self, to: ReplyTo) -> Result<Answer, HubError> {
        let value = self;
        Ok(to.result(&value)?)
    }
}

impl<T, E> IntoReply<Fallible> for Result<T, E>
where
    T: Serialize + Send + 'static,
    E: Into<HubError> + Send + 'static,
{
    async fn reply(self, to: ReplyTo) -> Result<Answer, HubError> {
        let value = self.map_err(Into::into)?;
        Ok(to.result(&value)?)
    }
}

impl<T, E> IntoReply<FallibleKeeping> for Result<Keeping<T>, E>
where
    T: Serialize + Send + 'static,
    E: Into<HubError> + Send + 'static,
{
    async fn reply(self, to: ReplyTo) -> Result<Answer, HubError> {
        let Keeping { value, kept } = self.map_err(Into::into)?;
        let kept = Some(kept);
        Ok(Answer {
            kept,
            ..to.result(&value)?
        })
    }
}

impl<S, M> IntoReply<Streaming<M>> for S
where
    S: Stream<Item: IntoItem<M>> + Send + 'static,
{
    const STREAMS: bool = true;

    async fn reply(self, to: ReplyTo) -> Result<Answer, HubError> {
        Ok(streaming::send_all(self, &to).await)
    }
}

impl<S, E, M> IntoReply<FallibleStreaming<M>> for Result<S, E>
where
    S: Stream<Item: IntoItem<M>> + Send + 'static,
    E: Into<HubError> + Send + 'static,
{
    const STREAMS: bool = true;

    async fn reply(self, to: ReplyTo) -> Result<Answer, HubError> {
        let stream = self.map_err(Into::into)?;
        Ok(streaming::send_all(stream, &to).await)
    }
}

impl<T: Serialize + Send> IntoItem<Plain> for T {
    type Value = T;

    fn into_item(self) -> Result<T, HubError> {
        Ok(self)
    }
}

impl<T: Serialize + Send, E: Into<HubError> + Send> IntoItem<Fallible> for Result<T, E> {
    type Value = T;

    fn into_item(self) -> Result<T, HubError> {
        self.map_err(Into::into)
    }
}

impl ReplyTo {
    /// For handlers that nobody called.
    pub(crate) fn nobody() -> Self {
        Self {
            connection: None,
            protocol: Protocol::Json,
            invocation_id: None,
            cancelled: None,
            detailed: false,
        }
    }

    pub(crate) fn result<T: Serialize + ?Sized>(&self, value: &T) -> Result<Answer, EncodeError> {
        self.completion(|out, id| encode_result(self.protocol, out, id, value))
    }

    /// The end of a stream.
    pub(crate) fn void(&self) -> Answer {
        let written = self.completion(|out, id| {
            encode_void(self.protocol, out, id);
            Ok(())
        });
        written.unwrap_or_default()
    }

    pub(crate) fn error(&self, text: &str) -> Answer {
        let written = self.completion(|out, id| {
            encode_error(self.protocol, out, id, text);
            Ok(())
        });
        written.unwrap_or_default()
    }

    fn completion(
        &self,
        write: impl FnOnce(&mut Vec<u8>, &str) -> Result<(), EncodeError>,
    ) -> Result<Answer, EncodeError> {
        let (Some(connection), Some(id)) = (&self.connection, &self.invocation_id) else {
            return Ok(Answer::default());
        };
        let mut written = Ok(());
        let bytes = frame(connection.form(), self.protocol, |out| {
            written = write(out, id);
        });
        written?;
        Ok(Answer {
            bytes: Some(bytes),
            kept: None,
        })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
