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

pub mod calendar;
pub mod clock;
pub mod config;
pub mod manifest;
pub mod scales;

pub mod deadlines;
pub mod decode;
pub mod fetch;
pub mod indicators;
pub mod letters;
pub mod loopback;
pub mod mail;
pub mod normalise;
pub mod paper;
pub mod privacy;
pub mod reports;
pub mod roadmap;
pub mod schedule;
pub mod sites;
pub mod snapshot;
pub mod telemetry;
pub mod validate;
pub mod warehouse;

pub mod flow;
pub mod outbox;

pub mod app;
pub mod daemon;
pub mod demo;

pub mod cli;
