//! The order of the examination.

use mesahub_broker::{Finding, LogBounds};

use crate::broker;
use crate::config::Backplane;
use crate::doctor::pair::Pair;
use crate::doctor::{company, log, reach, traffic};

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
    if !broker::compiled().contains(&backplane.feature()) {
        return tell(not_compiled(backplane.feature()));
    }
    if !reach::reach(backplane.addresses(), tell).await {
        return;
    }
    let Ok(findings) = broker::examine(backplane).await else {
        return tell(not_compiled(backplane.feature()));
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
