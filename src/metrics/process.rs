//! The process, as the kernel counts it. Only where the kernel tells it in `/proc`.

use std::fs;

use crate::metrics::metric::Metric;
use crate::metrics::sheet::Sheet;

pub(super) static METRICS: [&Metric; 7] = [
    &CPU,
    &RESIDENT,
    &VIRTUAL,
    &OPEN_FILES,
    &MOST_FILES,
    &THREADS,
    &STARTED,
];

static CPU: Metric = Metric::counter(
    "process_cpu_seconds",
    &[],
    "Processor time of the process, in user and kernel mode.",
);
static RESIDENT: Metric = Metric::gauge(
    "process_resident_memory_bytes",
    &[],
    "Memory of the process that is resident.",
);
static VIRTUAL: Metric = Metric::gauge(
    "process_virtual_memory_bytes",
    &[],
    "Memory that the process has mapped.",
);
static OPEN_FILES: Metric = Metric::gauge(
    "process_open_fds",
    &[],
    "File descriptors that are open; each connection has one.",
);
static MOST_FILES: Metric = Metric::gauge(
    "process_max_fds",
    &[],
    "File descriptors that the process may have open; absent where there is no limit.",
);
static THREADS: Metric = Metric::gauge("process_threads", &[], "Threads of the process.");
static STARTED: Metric = Metric::gauge(
    "process_start_time_seconds",
    &[],
    "When the process was started, in seconds since 1970 in UTC.",
);

/// Parts of a second in which the kernel tells processor time to programs.
const TICKS: f64 = 100.0;

/// What the kernel tells of a process.
#[derive(Debug, PartialEq)]
struct Process {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    threads: u64,
    start_seconds: f64,
}

/// Reads a few small files of the kernel's memory, which waits for nothing.
pub(super) fn write(sheet: &mut Sheet) {
    let read = |name: &str| fs::read_to_string(name).unwrap_or_default();
    let found = Process::read(
        &read("/proc/self/stat"),
        &read("/proc/self/status"),
        &read("/proc/stat"),
    );
    if let Some(process) = found {
        sheet.single(&CPU, process.cpu_seconds);
        sheet.single(&RESIDENT, process.resident_bytes);
        sheet.single(&VIRTUAL, process.virtual_bytes);
        sheet.single(&THREADS, process.threads);
        sheet.single(&STARTED, process.start_seconds);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        sheet.single(&OPEN_FILES, open.count());
    }
    if let Some(most) = most_files(&read("/proc/self/limits")) {
        sheet.single(&MOST_FILES, most);
    }
}

impl Process {
    /// Reads what `/proc/self/stat`, `/proc/self/status` and `/proc/stat` hold.
    fn read(stat: &str, status: &str, system: &str) -> Option<Self> {
        // The name in parentheses may hold anything; what follows the last one is numbers.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
        let kilobytes = |name| Some(number_after(status, name)? * 1024);
        Some(Self {
            cpu_seconds: (ticks(11)? + ticks(12)?) / TICKS,
            resident_bytes: kilobytes("VmRSS:")?,
            virtual_bytes: kilobytes("VmSize:")?,
            threads: number_after(status, "Threads:")?,
            start_seconds: number_after(system, "btime ")? as f64 + ticks(19)? / TICKS,
        })
    }
}

/// The soft limit of open files in `/proc/self/limits`.
fn most_files(limits: &str) -> Option<u64> {
    number_after(limits, "Max open files")
}

/// The first number of the line that begins so.
fn number_after(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    let rest = lines.find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 9 0 3000 1 2";
        let status = "Name:\ta\nVmSize:\t   20 kB\nVmRSS:\t   10 kB\nThreads:\t9\n";
        let expected = Process {
            cpu_seconds: 4.0,
            resident_bytes: 10_240,
            virtual_bytes: 20_480,
            threads: 9,
            start_seconds: 1_030.0,
        };
        let found = Process::read(stat, status, "cpu 1 2\nbtime 1000\n");
        assert_eq!(found, Some(expected));
        assert_eq!(Process::read("", status, ""), None);
        let limits = "Limit Soft Hard\nMax open files            1024     4096     files\n";
        assert_eq!(most_files(limits), Some(1024));
        let unlimited = "Max open files            unlimited unlimited files\n";
        assert_eq!(most_files(unlimited), None);
    }
}
