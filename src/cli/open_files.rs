//! How many files the process may have open, each connection being one.

/// Raises the bound as far as the system allows: what it sets for programs that ask for nothing is
/// often 1024, which is fewer connections than a small node holds.
#[cfg(unix)]
pub(super) fn allow_most() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        tracing::warn!(?limit.current, "cannot raise how many files may be open");
    }
}

/// Other systems have no such bound.
#[cfg(not(unix))]
pub(super) fn allow_most() {}
