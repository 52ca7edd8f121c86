//! A thousand connects and disconnects over every transport, orderly and not, leave nothing behind:
//! no connection, group, topic, subscription, token, request or task, and no memory.
//!
//! One test alone in its process, since it counts every byte that is allocated.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used)]

mod guest;
mod house;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::guest::{Guest, Leaving, Way};
use crate::house::House;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Connections of each kind.
const MANY: usize = 1_000;

/// The most waves of that many, of which one has to leave nothing.
const WAVES: usize = 4;

/// Connections at a time.
const AT_ONCE: usize = 25;

/// What one connection that is gone may still cost, in bytes: less than anything that a
/// connection is made of.
const CRUMB: isize = 8;

#[tokio::test]
async fn a_thousand_connections_of_each_kind_leave_nothing_behind() {
    let house = House::open().await;
    let mut counted = 0;
    let crumbs = isize::try_from(MANY).unwrap() * CRUMB;
    for way in [Way::WebSocket, Way::EventStream, Way::LongPolling] {
        for leaving in [Leaving::Orderly, Leaving::Torn] {
            // Tables grow to the largest crowd that there was at one moment, which a busy machine
            // decides. What is lost with each connection is lost in every wave.
            let mut more = isize::MAX;
            for _ in 0..WAVES {
                let before = live_bytes();
                counted += visit(&house, way, leaving, MANY).await;
                house.is_empty(counted).await;
                more = live_bytes() - before;
                if more <= crumbs {
                    break;
                }
            }
            assert!(
                more <= crumbs,
                "{way:?}, {leaving:?}: {more} bytes are left by each of {WAVES} waves"
            );
        }
    }
    house.close().await;
}

/// Lets so many come and leave, and one more, who stays until the timing wheel has passed all that
/// they have left in it. Returns how many came.
async fn visit(house: &House, way: Way, leaving: Leaving, count: usize) -> usize {
    for _ in 0..count / AT_ONCE {
        let guests = (0..AT_ONCE).map(|_| Guest::arrive(house.address, way));
        let guests = futures_util::future::join_all(guests).await;
        let leave = guests.into_iter().map(|guest| guest.leave(leaving));
        futures_util::future::join_all(leave).await;
    }
    house.is_left().await;
    let mut last = Guest::arrive(house.address, Way::WebSocket).await;
    last.hears_pings(3).await;
    last.leave(Leaving::Orderly).await;
    count + 1
}

fn live_bytes() -> isize {
    let stats = ALLOCATOR.stats();
    let bytes = stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated);
    bytes.cast_signed()
}
