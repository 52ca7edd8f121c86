//! Stateful reconnects, byte for byte: numbers, acknowledgements, what is sent again and what is
//! kept.

mod bounds;
mod peer;
mod refusals;
mod resending;
