//! Whether other nodes are there.

use mesahub_broker::Finding;

use crate::doctor::pair::Pair;
use crate::doctor::trouble::refused;
use crate::hub::peers::topic_of_all;

/// Counts the nodes that are on the backplane.
pub(super) async fn examine(pair: &Pair, tell: &mut (dyn FnMut(Finding) + Send)) {
    const COMPANY: &str = "other nodes";
    let capabilities = pair.sender.capabilities();
    if !capabilities.separate_server {
        let seen = "there can be none: this backplane joins the hubs of one process";
        return tell(Finding::good(COMPANY, seen));
    }
    tell(match pair.sender.subscriber_count(&topic_of_all()).await {
        Ok(0) => Finding::good(COMPANY, "none is on this backplane now"),
        Ok(1) => Finding::good(COMPANY, "one is on this backplane now"),
        Ok(count) if capabilities.exact_subscriber_count => {
            Finding::good(COMPANY, format!("{count} are on this backplane now"))
        }
        Ok(_) => Finding::good(COMPANY, "some are on this backplane now"),
        Err(error) => refused(
            COMPANY,
            &error,
            "grant the user the right to count subscribers",
        ),
    });
}
