//! The straight line itself.
