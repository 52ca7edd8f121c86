//! What the server tells of itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mesahub_broker::Finding;

use crate::config::{Deployment, Framing, RedisConfig};
use crate::error::LinkError;
use crate::resp::Value;
use crate::socket::Socket;

pub(super) const VERSION: &str = "version";
pub(super) const UPGRADE: &str = "upgrade to Redis 6.2 or later, or Valkey";

/// The oldest that has all that is needed.
const OLDEST: (u32, u32) = (6, 2);

/// The oldest whose clusters have sharded channels.
const OLDEST_CLUSTER: (u32, u32) = (7, 0);

/// Clocks may be this far apart.
const CLOCKS_APART: Duration = Duration::from_secs(2);

/// Percent of the memory that may be used.
const FULL: u64 = 90;

/// Looks at version, role, memory and clock.
pub(super) async fn look(
    config: &RedisConfig,
    socket: &mut Socket,
    findings: &mut Vec<Finding>,
) -> Result<(), LinkError> {
    socket.send(&["INFO"]).await?;
    match socket.next().await? {
        Value::Text(text) => {
            let info = String::from_utf8_lossy(&text);
            findings.push(version(&info, config));
            findings.push(role(&info));
            if config.framing == Framing::Positioned {
                findings.push(memory(&info));
            }
        }
        other => findings.push(Finding::failed(
            VERSION,
            format!("the server does not tell about itself: {}", refusal(&other)),
            "grant the user the command INFO",
        )),
    }
    if matches!(config.deployment, Deployment::Cluster { .. }) {
        socket.send(&["CLUSTER", "INFO"]).await?;
        findings.push(cluster(&socket.next().await?));
    }
    let before = SystemTime::now();
    socket.send(&["TIME"]).await?;
    let answer = socket.next().await?;
    let elapsed = before.elapsed().unwrap_or_default();
    findings.push(match time(&answer) {
        Some(there) => clock(before + elapsed / 2, there),
        None => Finding::unknown(
            "clock",
            format!("the server does not tell the time: {}", refusal(&answer)),
        ),
    });
    Ok(())
}

fn version(info: &str, config: &RedisConfig) -> Finding {
    let (oldest, upgrade) = match (&config.deployment, config.framing) {
        (Deployment::Cluster { .. }, Framing::Positioned) => (
            OLDEST_CLUSTER,
            "upgrade to Redis 7 or later, or Valkey: older clusters have no sharded channels",
        ),
        _ => (OLDEST, UPGRADE),
    };
    let Some(version) = field(info, "redis_version") else {
        return Finding::unknown(VERSION, "the server does not tell its version");
    };
    let name = match (field(info, "server_name"), field(info, "valkey_version")) {
        (Some("valkey"), Some(valkey)) => format!("Valkey {valkey}"),
        _ => format!("Redis {version}"),
    };
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= oldest => Finding::good(VERSION, name),
        (Some(_), Some(_)) => Finding::failed(VERSION, format!("{name} is too old"), upgrade),
        _ => Finding::unknown(VERSION, format!("{name} has a version that says little")),
    }
}

fn role(info: &str) -> Finding {
    match field(info, "role") {
        Some("master") => Finding::good("role", "a primary"),
        Some("slave") => Finding::failed(
            "role",
            "a replica: it takes no writes, and what is published there stays there",
            "configure the address of the primary, or one that follows it",
        ),
        _ => Finding::unknown("role", "the server does not tell whether it is a primary"),
    }
}

fn cluster(answer: &Value) -> Finding {
    const CLUSTER: &str = "cluster";
    let info = match answer {
        Value::Text(text) => String::from_utf8_lossy(text),
        other => return Finding::unknown(CLUSTER, refusal(other)),
    };
    let slots = field(&info, "cluster_slots_ok").unwrap_or("an unknown number");
    match field(&info, "cluster_state") {
        Some("ok") => Finding::good(CLUSTER, format!("it serves {slots} of 16384 slots")),
        _ => Finding::failed(
            CLUSTER,
            format!("it is down, and serves {slots} of 16384 slots"),
            "bring its primaries back, or give their slots to others",
        ),
    }
}

fn memory(info: &str) -> Finding {
    const MEMORY: &str = "memory";
    let number = |name| field(info, name).and_then(|value| value.parse::<u64>().ok());
    let (Some(limit), Some(policy)) = (number("maxmemory"), field(info, "maxmemory_policy")) else {
        let seen = "the server does not tell what it does when its memory is full";
        return Finding::unknown(MEMORY, seen);
    };
    if limit == 0 {
        return Finding::good(MEMORY, "there is no limit, so that no log is evicted");
    }
    if policy != "noeviction" {
        return Finding::warning(
            MEMORY,
            format!("maxmemory-policy is {policy}: when memory is full, logs vanish unnoticed"),
            "set maxmemory-policy to noeviction",
        );
    }
    let used = number("used_memory").unwrap_or_default();
    let percent = u128::from(used) * 100 / u128::from(limit);
    let seen = format!("maxmemory-policy is noeviction, and {percent}% is used");
    match percent >= u128::from(FULL) {
        true => Finding::warning(
            MEMORY,
            seen,
            "raise maxmemory: a full server takes no entries of logs",
        ),
        false => Finding::good(MEMORY, seen),
    }
}

fn clock(here: SystemTime, there: SystemTime) -> Finding {
    const CLOCK: &str = "clock";
    let (apart, which) = match there.duration_since(here) {
        Ok(ahead) => (ahead, "behind"),
        Err(error) => (error.duration(), "ahead of"),
    };
    let spelled = match apart < Duration::from_secs(1) {
        true => format!("{} ms", apart.as_millis()),
        false => format!("{:.1} s", apart.as_secs_f64()),
    };
    let seen = format!("this machine is {spelled} {which} the server");
    match apart <= CLOCKS_APART {
        true => Finding::good(CLOCK, seen),
        false => Finding::warning(
            CLOCK,
            seen,
            "set both clocks by the network: logs go by the server's, tokens by this machine's",
        ),
    }
}

/// Reads the answer to `TIME`: seconds and microseconds.
fn time(answer: &Value) -> Option<SystemTime> {
    let Value::List(parts) = answer else {
        return None;
    };
    let number = |index: usize| -> Option<u64> {
        std::str::from_utf8(parts.get(index)?.text()?)
            .ok()?
            .parse()
            .ok()
    };
    let since = Duration::from_secs(number(0)?) + Duration::from_micros(number(1)?);
    UNIX_EPOCH.checked_add(since)
}

/// A line `name:value` of what `INFO` answers.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let line = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':').map(str::trim);
    info.lines().find_map(line)
}

fn refusal(answer: &Value) -> String {
    match answer {
        Value::Error(text) => text.clone(),
        _ => "its answer makes no sense".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use mesahub_broker::Verdict;

    use super::{clock, cluster, memory, role, version};
    use crate::config::{Address, Deployment, RedisConfig};
    use crate::resp::Value;

    #[test]
    fn versions_are_compared_by_number_and_valkey_is_named() {
        let address = || Address::new("localhost", 6379);
        let single = RedisConfig::new(Deployment::Single(address()));
        let version = |info: &str| version(info, &single);
        let seen = |info: &str| version(info).seen;
        assert_eq!(seen("# Server\r\nredis_version:7.0.15\r\n"), "Redis 7.0.15");
        let valkey = "server_name:valkey\nredis_version:7.2.4\nvalkey_version:8.0.1";
        assert_eq!(seen(valkey), "Valkey 8.0.1");
        assert!(!version("redis_version:10.0.0").is_failure());
        for old in ["6.0.16", "5.0.7", "4.9.9"] {
            assert!(version(&format!("redis_version:{old}")).is_failure());
        }
        for odd in ["redis_version:unstable", "nothing:1"] {
            assert_eq!(version(odd).verdict, Verdict::Unknown);
        }
    }

    #[test]
    fn a_cluster_must_be_of_redis_7_and_up() {
        let addresses = vec![Address::new("localhost", 6379)];
        let config = RedisConfig::new(Deployment::Cluster { addresses });
        assert!(version("redis_version:6.2.14", &config).is_failure());
        assert!(!version("redis_version:7.0.0", &config).is_failure());
        let told = |text: &'static str| cluster(&Value::Text(text.into()));
        assert!(told("cluster_state:fail\r\ncluster_slots_ok:5461\r\n").is_failure());
        let well = told("cluster_state:ok\r\ncluster_slots_ok:16384\r\n");
        assert_eq!(well.seen, "it serves 16384 of 16384 slots");
    }

    #[test]
    fn a_replica_is_no_place_to_publish() {
        assert!(!role("role:master").is_failure());
        assert!(role("role:slave").is_failure());
        assert_eq!(role("").verdict, Verdict::Unknown);
    }

    #[test]
    fn memory_is_looked_at_for_its_limit_its_policy_and_its_use() {
        let warns = |info: &str| matches!(memory(info).verdict, Verdict::Warning { .. });
        assert!(!warns("maxmemory:0\nmaxmemory_policy:allkeys-lru"));
        assert!(warns(
            "maxmemory:100\nmaxmemory_policy:volatile-lru\nused_memory:1"
        ));
        assert!(warns(
            "maxmemory:100\nmaxmemory_policy:noeviction\nused_memory:90"
        ));
        assert!(!warns(
            "maxmemory:100\nmaxmemory_policy:noeviction\nused_memory:89"
        ));
        assert_eq!(memory("maxmemory:100").verdict, Verdict::Unknown);
    }

    #[test]
    fn clocks_that_are_apart_are_told_with_the_direction() {
        let here = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let near = clock(here, here + Duration::from_millis(40));
        assert_eq!(near.seen, "this machine is 40 ms behind the server");
        assert_eq!(near.verdict, Verdict::Good);
        let far = clock(here, here - Duration::from_secs(90));
        assert_eq!(far.seen, "this machine is 90.0 s ahead of the server");
        assert!(matches!(far.verdict, Verdict::Warning { .. }));
    }
}
