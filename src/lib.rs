//! `msoko`: the data and notification service of a municipal system of quality assessment in education (МСОКО).
//!
//! The straight line, in the order of the data:
//!
//! ```text
//! schedule → fetch → snapshot → decode → normalise → validate → load → derive
//!                                                                        │
//! smtp ← outbox ← letters and documents ← deadlines · alerts · reports ←─┘
//! ```
//!
//! IO stands at both ends, pure rooms between them. Which room may see which is written in
//! `ARCHITECTURE.md` and checked by `tests/tidy.rs`.

pub mod message;

pub mod domain;
pub mod table;

pub mod strict_toml;

pub mod clock;

pub mod cli;
