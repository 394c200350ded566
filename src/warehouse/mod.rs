//! The only room with SQL: every number with its origin, the register of units, quarantine, sources, outbox, reports.
//!
//! Takes: domain values. Gives: domain values and [`crate::message::Problem`]s; a moment is always an argument.
//! Never: decides, formats, sends, reads the clock.
//!
//! A load goes `begin_run` → `stage`, `stage`, … → `publish` or `abandon`. Rows are written in chunks where no reader
//! sees them: a row counts when its run is published, and stops counting when the run that replaced it is. Hence
//! publishing is one short transaction however large the file, and what was not published is removed at start.
//! A delivery that was published before is loaded again by `begin_again`, under what newer ones say.
//!
//! Every transaction runs in a task of its own, so that no cancelled caller cuts one. One text of a statement serves
//! `SQLite` and `PostgreSQL`; the address alone says which.
//!
//! ```
//! # tokio::runtime::Runtime::new().expect("runtime").block_on(async {
//! use msoko::warehouse::{Access, Warehouse};
//! let dir = tempfile::tempdir().expect("a temporary folder");
//! let url = format!("sqlite:{}", dir.path().join("msoko.db").display());
//! let now = chrono::DateTime::UNIX_EPOCH;
//! let warehouse = Warehouse::open(&url, Access::Hold, "msoko demo", now).await.expect("opened");
//! assert!(warehouse.register().await.expect("read").units().is_empty());
//! let second = Warehouse::open(&url, Access::Hold, "msoko run", now).await.expect_err("held");
//! assert_eq!(second.code(), "MSK-DB-05");
//! # });
//! ```

mod bulk;
mod chunk;
mod digest;
mod fact_chunk;
mod ids;
mod lock;
mod nodes;
mod postgres;
mod published;
mod restore;
mod sql;
mod sqlite;
mod store;
mod take_back;
mod text;
mod touched;
mod vanish;
mod view;

pub mod again;
pub mod audit;
pub mod corrections;
pub mod deadlines;
pub mod export;
pub mod facts;
pub mod history;
pub mod load;
mod migrate;
pub mod observations;
pub mod outbox;
pub mod quarantine;
pub mod references;
pub mod reports;
pub mod retention;
pub mod sources;
pub mod territories;
pub mod units;
pub mod verify;

pub use nodes::NamedNode;
pub use store::{Access, Address, Warehouse};
pub use view::View;
