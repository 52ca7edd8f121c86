//! How much memory one input makes a decoder ask for.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The most bytes that may be asked for while one input is decoded, all requests added up. Inputs
/// have some kilobytes, and a length that one announces may be 2 GiB.
pub const LIMIT: usize = 1 << 20;

/// Runs `decode` and gives the bytes that were asked for meanwhile, in this thread or any other.
pub fn measure(decode: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    decode();
    region.change().bytes_allocated
}
