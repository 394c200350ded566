//! The straight line itself: one file per flow, one call per stage, no rule of its own.
//!
//! Takes: the [`context::Context`] of one authority. Gives: what was pulled, written, rendered, sent. Never: holds a
//! rule; rules live in the pure rooms.

pub mod alert;
#[cfg(test)]
mod bad_input;
mod cleaned;
pub mod context;
pub mod corrections;
pub mod deliver;
pub mod delivery;
pub mod export;
mod line;
pub mod load;
pub mod notice;
pub mod preview;
pub mod proof;
pub mod pull;
pub mod read;
pub mod remind;
pub mod replay;
pub mod report;
pub mod retain;
pub mod site;
pub mod status;
pub mod sums;
pub mod units;
pub mod verify;

#[cfg(test)]
mod samples;
