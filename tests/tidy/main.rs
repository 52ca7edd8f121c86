//! The rules of the house that no compiler and no lint checks. Each failure says what to do.

mod calls;
mod faults;
mod layout;
mod manifest;
mod names;
mod source;
mod wording;
