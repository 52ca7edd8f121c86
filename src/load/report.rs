//! What a run has found.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::fleet::World;

/// What a run has found. Its JSON has the names of the fields in camel case.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The hub.
    pub hub: String,
    /// The hub protocol.
    pub protocol: &'static str,
    /// The clients.
    pub connections: Connections,
    /// What became of them when all were cut at once, if they were.
    pub storm: Option<Storm>,
    /// The messages.
    pub messages: Messages,
    /// From publishing to each client that heard, in microseconds.
    pub latency: Times,
    /// Why something failed, and how often.
    pub reasons: BTreeMap<String, u64>,
    /// Whether [nothing went wrong](Self::is_good).
    pub good: bool,
}

/// The clients.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connections {
    /// How many there should have been.
    pub wanted: usize,
    /// How many gave up.
    pub failed: usize,
    /// How often one was lost that was not cut on purpose. It comes back.
    pub dropped: u64,
    /// How long it took until all were there, in seconds.
    pub seconds: f64,
}

/// All connections cut at once.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Storm {
    /// How many were back.
    pub back: usize,
    /// How long it took until the last was, in seconds.
    pub seconds: f64,
    /// From the cut until a client was back, in microseconds.
    pub absence: Times,
}

/// The messages.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// How many the server took.
    pub published: u64,
    /// How many it did not take.
    pub refused: u64,
    /// How often they should have been heard, over all clients but those that were never there.
    pub expected: u64,
    /// How often they were, each once for each client.
    pub heard: u64,
    /// How often a client missed one.
    pub lost: u64,
    /// How often a client heard one again.
    pub doubled: u64,
    /// How often a client heard one behind a later one of its channel.
    pub reordered: u64,
    /// How often a client heard one of a channel that it is not in, or that nobody has published.
    pub stray: u64,
    /// How long was published, in seconds.
    pub seconds: f64,
}

/// Times, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// How many there are.
    pub count: u64,
    /// Half are shorter.
    pub p50: u64,
    /// Nine of ten are shorter.
    pub p90: u64,
    /// 99 of a hundred are shorter.
    pub p99: u64,
    /// 999 of a thousand are shorter.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

/// How long each part took.
pub(super) struct Lasted {
    pub(super) connecting: Duration,
    pub(super) storm: Option<(Duration, usize)>,
    pub(super) publishing: Duration,
}

impl Report {
    pub(super) fn of(world: &World, lasted: &Lasted) -> Self {
        let (plan, tally) = (&world.plan, &world.tally);
        let (published, refused) = tally.published();
        let mut report = Self {
            hub: plan.hub.to_string(),
            protocol: plan.protocol.name(),
            connections: Connections {
                wanted: plan.connections,
                failed: tally.standing().given_up,
                dropped: tally.dropped.load(Relaxed),
                seconds: lasted.connecting.as_secs_f64(),
            },
            storm: lasted.storm.map(|(took, back)| Storm {
                back,
                seconds: took.as_secs_f64(),
                absence: Times::of(&tally.absence.lock()),
            }),
            messages: Messages {
                published,
                refused,
                expected: tally.expected(&plan.members()),
                heard: tally.heard.load(Relaxed),
                lost: tally.missing.load(Relaxed),
                doubled: tally.again.load(Relaxed),
                reordered: tally.late.load(Relaxed),
                stray: tally.stray.load(Relaxed),
                seconds: lasted.publishing.as_secs_f64(),
            },
            latency: Times::of(&tally.latency.lock()),
            reasons: tally.reasons(),
            good: false,
        };
        report.good = report.is_good(plan.duration.is_zero());
        report
    }

    /// Whether everybody was there, and heard everything once and in order.
    fn is_good(&self, is_silent: bool) -> bool {
        let messages = &self.messages;
        let wrong = messages.lost + messages.doubled + messages.reordered + messages.stray;
        self.connections.failed == 0
            && wrong == 0
            && messages.refused == 0
            && (is_silent || messages.published > 0)
    }
}

impl Times {
    fn of(times: &Histogram<u64>) -> Self {
        let at = |quantile| times.value_at_quantile(quantile);
        Self {
            count: times.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: times.max(),
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count == 0 {
            return out.write_str("none");
        }
        let milliseconds = |micros: u64| micros as f64 / 1000.0;
        write!(
            out,
            "p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, at most {:.1} ms",
            milliseconds(self.p50),
            milliseconds(self.p90),
            milliseconds(self.p99),
            milliseconds(self.p999),
            milliseconds(self.max),
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Connections {
            wanted,
            failed,
            dropped,
            seconds,
        } = &self.connections;
        writeln!(out, "{} in {}", self.hub, self.protocol)?;
        writeln!(
            out,
            "connections  {wanted} wanted, {failed} failed, {dropped} dropped, within {seconds:.1} s"
        )?;
        if let Some(storm) = &self.storm {
            let Storm {
                back,
                seconds,
                absence,
            } = storm;
            writeln!(
                out,
                "storm        {back} back within {seconds:.1} s: {absence}"
            )?;
        }
        let messages = &self.messages;
        let rate = messages.published as f64 / messages.seconds.max(0.001);
        writeln!(
            out,
            "published    {} within {:.1} s, {rate:.1} a second; {} refused",
            messages.published, messages.seconds, messages.refused
        )?;
        writeln!(
            out,
            "heard        {} of {}: {} lost, {} doubled, {} reordered, {} stray",
            messages.heard,
            messages.expected,
            messages.lost,
            messages.doubled,
            messages.reordered,
            messages.stray
        )?;
        writeln!(out, "latency      {}", self.latency)?;
        for (reason, count) in &self.reasons {
            writeln!(out, "{count} times: {reason}")?;
        }
        out.write_str(if self.good { "good" } else { "NOT GOOD" })
    }
}
