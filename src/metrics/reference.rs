//! The tables of `docs/metrics.md`.

use std::fmt::Write;

use crate::metrics::catalogue::SUBJECTS;

/// Every metric in tables of Markdown, one for each subject.
#[must_use]
pub fn reference() -> String {
    let mut text = String::new();
    for (subject, metrics) in SUBJECTS {
        let head = "| metric | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- |";
        writeln!(text, "\n### {subject}\n\n{head}").expect("a string takes everything");
        for metric in metrics {
            let samples = metric.samples();
            let name = match samples.as_slice() {
                [only] => only,
                _ => metric.name,
            };
            let labels: Vec<_> = metric
                .labels
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            writeln!(
                text,
                "| `{name}` | {} | {} | {} | {} |",
                metric.kind.name(),
                metric.unit().unwrap_or_default(),
                labels.join(", "),
                metric.meaning
            )
            .expect("a string takes everything");
        }
    }
    text
}
