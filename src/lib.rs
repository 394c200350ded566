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
pub mod failpoint;

pub mod domain;
pub mod table;
pub mod strict_toml;

pub mod clock;
pub mod config;
pub mod scales;
pub mod manifest;
pub mod calendar;
pub mod telemetry;

pub mod schedule;
pub mod fetch;
pub mod loopback;
pub mod snapshot;
pub mod decode;
pub mod normalise;
pub mod validate;
pub mod privacy;
pub mod sites;
pub mod warehouse;
pub mod indicators;
pub mod roadmap;
pub mod deadlines;
pub mod paper;
pub mod letters;
pub mod mail;

pub mod reports;
pub mod export;
pub mod outbox;

pub mod flow;

pub mod app;
pub mod daemon;
pub mod demo;

pub mod cli;
