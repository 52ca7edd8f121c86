//! An error that is not meant for callers.

use std::error::Error;
use std::fmt;

/// Stands for any error that is not meant for callers.
#[derive(Debug)]
pub(crate) struct InvalidOperation;

impl fmt::Display for InvalidOperation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the kitchen is on fire")
    }
}

impl Error for InvalidOperation {}
