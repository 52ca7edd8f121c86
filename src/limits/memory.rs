//! How much memory the process has, and how much it may have.

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a measurement is good for.
const GOOD_FOR: Duration = Duration::from_millis(100);

/// Larger ones mean that there is none: cgroups of the first version say it so.
const NO_LIMIT: u64 = 1 << 60;

type Measure = dyn Fn() -> Option<u64> + Send + Sync;

/// A ceiling over the memory of the process. What the process has is measured when somebody asks, and
/// not more often than every 100 milliseconds.
#[derive(Clone)]
pub(crate) struct MemoryCeiling {
    most: u64,
    measure: Arc<Measure>,
    last: Arc<Mutex<Option<(Instant, bool)>>>,
}

impl MemoryCeiling {
    /// Of so many bytes.
    pub(crate) fn new(most: u64) -> Self {
        Self::measured(most, resident)
    }

    /// The same with another way to measure.
    pub(crate) fn measured(
        most: u64,
        measure: impl Fn() -> Option<u64> + Send + Sync + 'static,
    ) -> Self {
        Self {
            most,
            measure: Arc::new(measure),
            last: Arc::default(),
        }
    }

    /// Whether the process has as much as it may have. Where it cannot be measured, it never has.
    pub(crate) fn is_reached(&self) -> bool {
        let now = Instant::now();
        let mut last = self.last.lock();
        if let Some((then, reached)) = *last
            && now.duration_since(then) < GOOD_FOR
        {
            return reached;
        }
        let reached = (self.measure)().is_some_and(|bytes| bytes >= self.most);
        let was_reached = last
            .replace((now, reached))
            .is_some_and(|(_, reached)| reached);
        drop(last);
        if reached && !was_reached {
            tracing::warn!(
                most = self.most,
                "short of memory: no new connections are taken"
            );
        }
        reached
    }
}

impl fmt::Debug for MemoryCeiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCeiling")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

/// The bytes that the operating system lets this process and those it is grouped with have: the limit
/// of its control group, if it has one.
#[must_use]
pub fn memory_limit() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let read = |path: String| fs::read_to_string(path).ok();
    own.lines()
        .flat_map(files)
        .filter_map(read)
        .filter_map(|text| limit(&text))
        .min()
}

/// The files that may tell the limit of the group in a line of `/proc/self/cgroup`, from its own to
/// the root's: a group has no more than those it is in, and in a container the own path may not be
/// there.
fn files(line: &str) -> Vec<String> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
        return Vec::new();
    };
    let (folder, file) = if controllers.is_empty() {
        ("/sys/fs/cgroup", "memory.max")
    } else if controllers.split(',').any(|name| name == "memory") {
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
    } else {
        return Vec::new();
    };
    let mut files = Vec::new();
    let mut path = path.trim_end_matches('/');
    loop {
        files.push(format!("{folder}{path}/{file}"));
        match path.rsplit_once('/') {
            Some((above, _)) => path = above,
            None => return files,
        }
    }
}

fn limit(text: &str) -> Option<u64> {
    let bytes: u64 = text.trim().parse().ok()?;
    (bytes < NO_LIMIT).then_some(bytes)
}

/// The bytes of memory that the process has now.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_ceiling_is_reached_for_as_long_as_so_much_is_in_use() {
        let bytes = Arc::new(AtomicU64::new(99));
        let measured = Arc::clone(&bytes);
        let ceiling = MemoryCeiling::measured(100, move || Some(measured.load(Ordering::Relaxed)));
        assert!(!ceiling.is_reached());
        bytes.store(100, Ordering::Relaxed);
        assert!(!ceiling.is_reached(), "measured a moment ago");
        tokio::time::advance(GOOD_FOR).await;
        assert!(ceiling.is_reached());
        bytes.store(99, Ordering::Relaxed);
        tokio::time::advance(GOOD_FOR).await;
        assert!(!ceiling.is_reached());
        assert!(!MemoryCeiling::measured(0, || None).is_reached());
    }

    #[test]
    fn the_process_knows_what_it_has() {
        assert!(resident().unwrap() > 100 * 1024);
    }

    #[test]
    fn the_limit_is_looked_for_up_to_the_root() {
        assert_eq!(
            files("0::/kitchen.slice/hub"),
            [
                "/sys/fs/cgroup/kitchen.slice/hub/memory.max",
                "/sys/fs/cgroup/kitchen.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ]
        );
        assert_eq!(files("0::/"), ["/sys/fs/cgroup/memory.max"]);
        assert_eq!(
            files("4:cpu,memory:/hub")[0],
            "/sys/fs/cgroup/memory/hub/memory.limit_in_bytes"
        );
        assert!(files("3:cpu:/hub").is_empty());
        assert_eq!(limit("536870912\n"), Some(536_870_912));
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None);
    }
}
