//! Ports of the loopback interface that nobody has.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::Mutex;

use crate::ServerError;

/// Below what the kernel hands out to clients, so that a port stays free while its server is down;
/// and low enough for servers that take the port 10,000 above as well.
const RANGE: Range<u16> = 12_000..32_000;

/// Given out by this process before.
static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A port that was free a moment ago and that this process has not given out before.
///
/// # Errors
/// When none is found.
pub fn free_port() -> Result<u16, ServerError> {
    let mut given = GIVEN.lock().unwrap_or_else(|broken| broken.into_inner());
    let given = given.get_or_insert_default();
    let mut last = None;
    for attempt in 0..1_000_u32 {
        let chance = RandomState::new().hash_one(attempt) % u64::from(RANGE.end - RANGE.start);
        let port = RANGE.start + u16::try_from(chance).unwrap_or_default();
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) if given.insert(port) => return Ok(port),
            Ok(_) => {}
            Err(error) => last = Some(error),
        }
    }
    let none = || std::io::ErrorKind::AddrInUse.into();
    Err(ServerError::io("looking for a free port")(
        last.unwrap_or_else(none),
    ))
}

/// Several different ones.
///
/// # Errors
/// When they are not found.
pub fn free_ports(count: usize) -> Result<Vec<u16>, ServerError> {
    (0..count).map(|_| free_port()).collect()
}
