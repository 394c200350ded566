//! The story of the warehouse: every statement, on a database of its own of either kind.

#[path = "warehouse/again.rs"]
mod again;
#[path = "warehouse/audit.rs"]
mod audit;
#[path = "warehouse/district.rs"]
mod district;
#[path = "warehouse/export.rs"]
mod export;
#[path = "warehouse/life.rs"]
mod life;
#[path = "warehouse/loads.rs"]
mod loads;
#[path = "warehouse/model.rs"]
mod model;
#[path = "warehouse/opening.rs"]
mod opening;
#[path = "warehouse/plans.rs"]
mod plans;
#[path = "warehouse/postgres.rs"]
mod postgres;
#[path = "warehouse/restore.rs"]
mod restore;
#[path = "warehouse/scopes.rs"]
mod scopes;
#[path = "warehouse/retention.rs"]
mod retention;
#[path = "warehouse/server.rs"]
mod server;
#[path = "warehouse/sums.rs"]
mod sums;
#[path = "warehouse/tables.rs"]
mod tables;
#[path = "warehouse/upgrade.rs"]
mod upgrade;
#[path = "warehouse/verify.rs"]
mod verify;
