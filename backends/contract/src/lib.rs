//! The contract every backplane backend keeps.
