//! Mesahub.
