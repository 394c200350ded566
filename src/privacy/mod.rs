//! The door for personal data and the suppression of small cells.

pub mod detect;
pub mod suppress;
