//! The in-memory backplane.
