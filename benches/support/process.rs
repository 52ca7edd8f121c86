//! What the kernel says of this process and of the machine.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Files that a process needs beside its sockets.
const OTHER_FILES: u64 = 100;

/// Processor time that all threads of this process have used, in the kernel and outside it.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("processor time is positive")
}

/// Raises the limit of open files so that `sockets` fit.
///
/// # Panics
/// When the hard limit is lower than that.
pub(crate) fn allow_sockets(sockets: usize) {
    let needed = sockets as u64 + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(needed),
            maximum,
        },
    );
    assert!(
        raised.is_ok(),
        "{needed} open files are needed and the hard limit is {maximum:?}: raise it, for example \
         with `ulimit -Hn {needed}` as root"
    );
}

/// Resident memory of this process, in bytes: all of it, and what is not backed by a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resident {
    pub(crate) all: u64,
    pub(crate) anonymous: u64,
}

/// The resident memory now.
pub(crate) fn resident() -> Resident {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells of its processes");
    Resident {
        all: kibibytes(&status, "VmRSS:"),
        anonymous: kibibytes(&status, "RssAnon:"),
    }
}

/// How busy the machine was over the last minute, in runnable tasks.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

fn kibibytes(status: &str, name: &str) -> u64 {
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix(name)?
                .trim()
                .strip_suffix(" kB")?
                .parse::<u64>()
                .ok()
        })
        .expect("the status of a process has this line")
        * 1024
}
