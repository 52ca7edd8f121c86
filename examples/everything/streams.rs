//! Methods that stream: to the client, from it, and both at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use mesahub::hub::{HubBuilder, HubError, State, Upload, UploadError};
use tokio::sync::watch;
use tokio::time::interval;

use crate::failure::InvalidOperation;

/// How many endless streams run.
type Running = Arc<watch::Sender<usize>>;

/// Adds them to the hub.
pub(crate) fn streams(hub: HubBuilder) -> HubBuilder {
    hub.with_state(Running::default())
        .method("Count", async |count: u32| stream::iter(0..count))
        .method("CountForever", count_forever)
        .method("NobodyCounts", nobody_counts)
        .method("CountAndFail", count_and_fail)
        .method("CountAndCrash", count_and_crash)
        .method("Sum", sum)
        .method("SumBoth", sum_both)
        .method("Scale", scale)
}

/// Counts an endless stream for as long as it is there.
struct Counted(Running);

/// Counts every millisecond until the client has enough.
async fn count_forever(State(running): State<Running>) -> impl Stream<Item = u64> {
    let counted = Counted::new(running);
    let ticks = interval(Duration::from_millis(1));
    stream::unfold(
        (0, ticks, counted),
        |(number, mut ticks, counted)| async move {
            ticks.tick().await;
            Some((number, (number + 1, ticks, counted)))
        },
    )
}

/// Answers when no endless stream runs.
async fn nobody_counts(State(running): State<Running>) -> bool {
    let mut running = running.subscribe();
    running.wait_for(|count| *count == 0).await.is_ok()
}

async fn count_and_fail(count: u32) -> impl Stream<Item = Result<u32, HubError>> {
    let failure = Err(HubError::new("The kitchen is closed."));
    stream::iter((0..count).map(Ok).chain([failure]))
}

async fn count_and_crash(count: u32) -> impl Stream<Item = Result<u32, InvalidOperation>> {
    stream::iter((0..count).map(Ok).chain([Err(InvalidOperation)]))
}

async fn sum(mut numbers: Upload<i64>) -> Result<i64, UploadError> {
    total(&mut numbers).await
}

/// Adds each of two streams to what stands between them.
async fn sum_both(
    mut a: Upload<i64>,
    start: i64,
    mut b: Upload<i64>,
) -> Result<[i64; 2], UploadError> {
    let (a, b) = tokio::join!(total(&mut a), total(&mut b));
    Ok([start + a?, start + b?])
}

async fn total(numbers: &mut Upload<i64>) -> Result<i64, UploadError> {
    let mut sum = 0;
    while let Some(number) = numbers.next().await {
        sum += number?;
    }
    Ok(sum)
}

async fn scale(numbers: Upload<i64>, by: i64) -> impl Stream<Item = Result<i64, UploadError>> {
    numbers.map(move |number| number.map(|number| number * by))
}

impl Counted {
    fn new(running: Running) -> Self {
        running.send_modify(|count| *count += 1);
        Self(running)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
