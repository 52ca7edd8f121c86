//! The order of the examination.

use mesahub_broker::{Finding, LogBounds};

use crate::broker::{self, OpenError};
use crate::config::{Backplane, ConfigError};
use crate::doctor::pair::Pair;
use crate::doctor::trouble::with_causes;
use crate::doctor::{company, log, reach, traffic};

const CONFIGURATION: &str = "configuration";

/// Examines a backplane, and tells each finding as it is made. Needs a Tokio runtime.
///
/// Ends by itself: a server that does not answer is waited for as long as the backend waits when
/// it connects. Changes nothing but for a log that is dropped at the age in `bounds`, which must
/// be those that the nodes have.
pub async fn examine(
    backplane: &Backplane,
    bounds: &LogBounds,
    tell: &mut (dyn FnMut(Finding) + Send),
) {
    tell(Finding::good(
        CONFIGURATION,
        format!("good, and names the backplane {backplane}"),
    ));
    if !broker::compiled().contains(&backplane.feature()) {
        return tell(not_compiled(backplane.feature()));
    }
    if !reach::reach(backplane.addresses(), tell).await {
        return;
    }
    let findings = match broker::examine(backplane).await {
        Ok(findings) => findings,
        Err(OpenError::NotCompiled { feature }) => return tell(not_compiled(feature)),
        Err(error) => {
            let mend = "do what it says: no node can start like this";
            return tell(Finding::failed(CONFIGURATION, with_causes(&error), mend));
        }
    };
    let has_failed = findings.iter().any(Finding::is_failure);
    findings.into_iter().for_each(&mut *tell);
    if has_failed {
        return;
    }
    let mut pair = match Pair::open(backplane, bounds).await {
        Ok(pair) => pair,
        Err(error) => return tell(error),
    };
    let arrives = traffic::examine(&mut pair, tell).await;
    log::examine(&pair, bounds, tell).await;
    company::examine(&pair, tell).await;
    if arrives {
        traffic::examine_large(&mut pair, tell).await;
    }
    pair.close().await;
}

/// What stands in the way when the configuration does not even say what to examine.
#[must_use]
pub fn misconfigured(error: &ConfigError) -> Finding {
    let mend = "correct it; `mesahub config check` looks at it alone";
    Finding::failed(CONFIGURATION, with_causes(error), mend)
}

fn not_compiled(feature: &str) -> Finding {
    Finding::failed(
        "build",
        format!("this build has no `{feature}` backend"),
        format!(
            "build mesahub with the Cargo feature `{feature}`, or configure one of: {}",
            broker::compiled().join(", ")
        ),
    )
}
