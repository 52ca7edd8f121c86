//! `mesahub load`.

mod arguments;
mod plan;
mod run;

pub(crate) use arguments::LoadArguments;
pub(super) use run::run;
