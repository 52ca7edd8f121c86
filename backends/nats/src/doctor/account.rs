//! JetStream, as far as the account of the user has it.

use mesahub_broker::Finding;
use serde::Deserialize;

use crate::api::Refusal;
use crate::config::LogConfig;

/// What JetStream tells of an account.
#[derive(Deserialize)]
struct Account {
    error: Option<Refusal>,
    /// Bytes on disk.
    #[serde(default)]
    storage: u64,
    #[serde(default)]
    streams: u64,
    #[serde(default)]
    limits: Limits,
}

/// Negative for no limit.
#[derive(Deserialize)]
#[serde(default)]
struct Limits {
    max_storage: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_storage: -1 }
    }
}

/// Whether JetStream is there for the account, with room for the logs. `answer` is what it told, if
/// anybody has answered for it.
pub(super) fn jetstream(answer: Option<&[u8]>, log: &LogConfig) -> Finding {
    const JETSTREAM: &str = "JetStream";
    let Some(answer) = answer else {
        let mend = "start nats-server with -js, or set JetStream to false: then clients that come \
                    back refetch";
        return Finding::failed(JETSTREAM, "nobody answers for it: it is off", mend);
    };
    let account: Account = match serde_json::from_slice(answer) {
        Ok(account) => account,
        Err(error) => return Finding::unknown(JETSTREAM, error.to_string()),
    };
    if let Some(refusal) = account.error {
        let mend = "enable JetStream for the account of this user; in a cluster, see that more \
                    than half of its servers are there";
        return Finding::failed(JETSTREAM, refusal.to_string(), mend);
    }
    let limit = u64::try_from(account.limits.max_storage).ok();
    match limit {
        Some(limit) if limit < log.storage => Finding::failed(
            JETSTREAM,
            format!(
                "the account may store {limit} bytes, and the logs are configured for {}",
                log.storage
            ),
            "raise the limit of the account, or set LogStorage to no more than it",
        ),
        limit => {
            let of = limit.map_or("no limit".to_owned(), |limit| format!("{limit}"));
            Finding::good(
                JETSTREAM,
                format!(
                    "the account stores {} bytes in {} streams, of {of}",
                    account.storage, account.streams
                ),
            )
        }
    }
}

/// Whether as many copies of the logs are kept as there can and should be.
pub(super) fn copies(log: &LogConfig, is_clustered: bool) -> Finding {
    const COPIES: &str = "copies of logs";
    match (log.replicas, is_clustered) {
        (0 | 1, false) => Finding::good(COPIES, "one, since there is one server"),
        (0 | 1, true) => Finding::warning(
            COPIES,
            "one, on one server of the cluster: without that server nothing is kept",
            "set Replicas to 3 where the cluster has as many servers",
        ),
        (copies, true) => Finding::good(COPIES, format!("{copies}, each on another server")),
        (copies, false) => Finding::failed(
            COPIES,
            format!("{copies} are configured, and the server is in no cluster"),
            "set Replicas to 1, or name the servers of a cluster",
        ),
    }
}

#[cfg(test)]
mod tests {
    use mesahub_broker::Verdict;

    use super::{LogConfig, copies, jetstream};

    #[test]
    fn a_limit_below_what_is_configured_is_told_with_both() {
        let log = LogConfig {
            storage: 2_000,
            ..LogConfig::default()
        };
        let told = |answer: &str| jetstream(Some(answer.as_bytes()), &log);
        let small = told("{\"storage\":1,\"streams\":1,\"limits\":{\"max_storage\":1000}}");
        assert!(small.is_failure() && small.seen.contains("1000") && small.seen.contains("2000"));
        for good in [
            "{\"limits\":{\"max_storage\":-1}}",
            "{\"limits\":{\"max_storage\":2000}}",
            "{}",
        ] {
            assert_eq!(told(good).verdict, Verdict::Good, "{good}");
        }
        let off = "{\"error\":{\"code\":503,\"err_code\":10039,\"description\":\"not enabled\"}}";
        assert!(told(off).seen.contains("not enabled"));
        assert_eq!(told("[]").verdict, Verdict::Unknown);
        assert!(jetstream(None, &log).is_failure());
    }

    #[test]
    fn copies_are_as_many_as_there_can_and_should_be() {
        let of = |replicas, is_clustered| {
            let log = LogConfig {
                replicas,
                ..LogConfig::default()
            };
            copies(&log, is_clustered).verdict
        };
        assert_eq!(of(1, false), Verdict::Good);
        assert_eq!(of(3, true), Verdict::Good);
        assert!(matches!(of(1, true), Verdict::Warning { .. }));
        assert!(matches!(of(3, false), Verdict::Failed { .. }));
    }
}
