//! The methods of the hub under test that stream, one way or the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::{Stream, StreamExt, stream};
use mesahub::hub::{Cancelled, HubBuilder, HubError, State, Upload, UploadError};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::methods::{InvalidOperation, Staged};
use super::stage::Stage;

pub(super) fn with_streams(hub: HubBuilder) -> HubBuilder {
    hub.method("Values", async |values: Vec<Value>| stream::iter(values))
        .method("CountThen", count_then)
        .method("StartThen", start_then)
        .method("Gated", gated)
        .method("SlowCount", slow_count)
        .method("Flood", flood)
        .method("UntilCancelled", until_cancelled)
}

pub(super) fn with_uploads(hub: HubBuilder) -> HubBuilder {
    hub.method("Sum", sum)
        .method("SumBoth", sum_both)
        .method("SumAndWait", sum_and_wait)
        .method("Scale", scale)
        .method("Collect", collect)
        .method("First", first)
}

/// Notes when the stream that holds it is dropped.
struct Leaving {
    name: String,
    cancelled: CancellationToken,
    stage: Arc<Stage>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let how = if self.cancelled.is_cancelled() {
            "cancelled"
        } else {
            "dropped"
        };
        self.stage.note(format!("{} is {how}", self.name));
    }
}

/// Counts, and then fails in the given way.
async fn count_then(count: u32, failure: String) -> impl Stream<Item = Result<u32, HubError>> {
    let last = stream::once(async move { Err(fail(&failure)) });
    stream::iter(0..count).map(Ok).chain(last)
}

/// Fails in the given way instead of giving a stream.
async fn start_then(failure: String) -> Result<stream::Empty<u32>, HubError> {
    Err(fail(&failure))
}

fn fail(how: &str) -> HubError {
    match how {
        "refuses" => HubError::new("The table is taken."),
        "fails" => InvalidOperation.into(),
        _ => panic!("the handler broke"),
    }
}

/// Gives an item for each permit of the gate, without end.
async fn gated(
    name: String,
    Cancelled(cancelled): Cancelled,
    State(stage): Staged,
) -> impl Stream<Item = String> {
    stage.record_start(name.clone());
    let leaving = Leaving {
        name,
        cancelled,
        stage,
    };
    stream::unfold((0, leaving), |(number, leaving)| async move {
        let permit = leaving.stage.gate.acquire().await;
        permit.expect("never closed").forget();
        Some((format!("{} {number}", leaving.name), (number + 1, leaving)))
    })
}

/// Waits at the gate before there is a stream.
async fn slow_count(count: u32, State(stage): Staged) -> impl Stream<Item = u32> {
    stage.record_start("SlowCount".to_owned());
    stage.gate.acquire().await.expect("never closed").forget();
    stream::iter(0..count)
}

/// Gives so many texts of this size as fast as they are taken, and counts them.
async fn flood(count: usize, size: usize, State(stage): Staged) -> impl Stream<Item = String> {
    stream::iter(0..count).map(move |_| {
        stage.produced.fetch_add(1, Ordering::Relaxed);
        "x".repeat(size)
    })
}

async fn until_cancelled(Cancelled(cancelled): Cancelled, State(stage): Staged) -> &'static str {
    stage.record_start("UntilCancelled".to_owned());
    cancelled.cancelled().await;
    stage.note("UntilCancelled is cancelled".to_owned());
    "cancelled"
}

async fn sum(mut items: Upload<i64>) -> Result<i64, UploadError> {
    total(&mut items).await
}

/// Reads the second stream to its end before the first.
async fn sum_both(
    mut first: Upload<i64>,
    start: i64,
    mut second: Upload<i64>,
) -> Result<(i64, i64), UploadError> {
    let second = total(&mut second).await?;
    Ok((start + total(&mut first).await?, start + second))
}

/// Holds its stream for a while after the end.
async fn sum_and_wait(mut items: Upload<i64>, State(stage): Staged) -> Result<i64, UploadError> {
    let sum = total(&mut items).await?;
    stage.record_start("SumAndWait".to_owned());
    stage.gate.acquire().await.expect("never closed").forget();
    Ok(sum)
}

async fn total(items: &mut Upload<i64>) -> Result<i64, UploadError> {
    let mut sum = 0;
    while let Some(item) = items.next().await {
        sum += item?;
    }
    Ok(sum)
}

async fn scale(items: Upload<i64>, factor: i64) -> impl Stream<Item = Result<i64, UploadError>> {
    items.map(move |item| item.map(|item| item * factor))
}

/// Notes what arrives, once the gate lets it.
async fn collect(mut items: Upload<i64>, State(stage): Staged) {
    stage.record_start("Collect".to_owned());
    stage.gate.acquire().await.expect("never closed").forget();
    while let Some(item) = items.next().await {
        stage.note(item.map_or_else(|error| error.to_string(), |item| item.to_string()));
    }
    stage.note("the end".to_owned());
}

/// Takes one item, once the gate lets it, lets the stream go and waits at the gate again.
async fn first(mut items: Upload<i64>, State(stage): Staged) -> Result<Option<i64>, UploadError> {
    stage.record_start("First".to_owned());
    stage.gate.acquire().await.expect("never closed").forget();
    let first = items.next().await.transpose()?;
    drop(items);
    stage.record_start("dropped".to_owned());
    stage.gate.acquire().await.expect("never closed").forget();
    Ok(first)
}
