//! The suite of promises.
