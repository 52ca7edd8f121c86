//! RFC 6455 case by case: what a peer may send, what it may not, and how each of it ends. The
//! cases follow the sections of the Autobahn test suite.

mod case;
mod closing;
mod control;
mod fragments;
mod headers;
mod text;
