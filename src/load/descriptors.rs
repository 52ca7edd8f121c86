//! How many files the process may have open.

use super::error::LoadError;

/// What the process has open beside its connections.
const BESIDE: u64 = 128;

/// Raises the bound until it is enough for as many connections, if the system lets it.
#[cfg(unix)]
pub(super) fn allow(connections: usize) -> Result<(), LoadError> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let needed = connections as u64 + BESIDE;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    let raised = Rlimit {
        current: Some(needed.min(allowed)),
        maximum: limit.maximum,
    };
    if needed > allowed || setrlimit(Resource::Nofile, raised).is_err() {
        return Err(LoadError::Descriptors { needed, allowed });
    }
    Ok(())
}

/// Other systems have no such bound.
#[cfg(not(unix))]
pub(super) fn allow(connections: usize) -> Result<(), LoadError> {
    let _ = (connections, BESIDE);
    Ok(())
}
