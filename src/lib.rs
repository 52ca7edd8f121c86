//! Mesahub.

pub mod auth;
