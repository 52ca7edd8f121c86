//! The rows of the table, a file for each kind of trick.

pub(crate) mod algorithms;
pub(crate) mod claims;
pub(crate) mod doors;
pub(crate) mod forgeries;
pub(crate) mod headers;
pub(crate) mod rights;
pub(crate) mod shapes;
pub(crate) mod times;
