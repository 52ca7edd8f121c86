//! What a broker refused, as a finding.

use std::error::Error;

use mesahub_broker::{BrokerError, Finding};

/// A call that failed. `right` says what to do when it was refused.
pub(super) fn refused(check: &'static str, error: &BrokerError, right: &str) -> Finding {
    let mend = match error.is_retryable() {
        true => "look at the server: it was there a moment ago",
        false => right,
    };
    Finding::failed(check, with_causes(error), mend)
}

/// An error and its causes on one line, without repetition.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
