//! The straight line itself.

pub mod preview;
pub mod read;
