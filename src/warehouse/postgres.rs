//! A database server: options, the node of this process, what its refusals mean.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use crate::message::Problem;

/// Connections of one process; a region's server is shared with others.
const CONNECTIONS: u32 = 6;
/// How long a statement waits for a connection before it reports `MSK-DB-01`.
const PATIENCE: Duration = Duration::from_secs(10);
/// A quiet daemon gives its connections back.
const IDLE: Duration = Duration::from_secs(60);
/// No connection grows old: addresses move, servers change over.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Reads an address; passwords come from the environment, `.pgpass` or the credentials of the service.
pub(super) fn options(url: &str, holder: &str, reads_only: bool) -> Result<PgConnectOptions, Problem> {
    // Never the address itself: it may hold a password.
    let options = PgConnectOptions::from_str(url).map_err(|_| Problem::new("MSK-DB-02").arg("scheme", "postgres"))?;
    let read_only = if reads_only { "on" } else { "off" };
    Ok(options.application_name(holder).options([
        ("default_transaction_read_only", read_only),
        // A plan made while a table was empty would read all of it for every row of a load.
        ("plan_cache_mode", "force_custom_plan"),
        ("jit", "off"),
        ("synchronous_commit", "on"),
    ]))
}

/// What people are told instead of the address.
pub(super) fn name_of(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("postgres:{}/{database}", socket.display()),
        None => format!("postgres://{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

/// Connections, opened when they are needed and tried before they are used.
pub(super) fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(0)
        .acquire_timeout(PATIENCE)
        .idle_timeout(IDLE)
        .max_lifetime(LIFETIME)
        .connect_lazy_with(options)
}

/// The code of a refusal by its SQLSTATE: server gone, busy, disk, or everything else.
pub(super) fn code_of(state: &str) -> &'static str {
    match state {
        // Too many connections, shutting down, starting up, connection failures.
        "53300" | "57P01" | "57P02" | "57P03" => "MSK-DB-01",
        _ if state.starts_with("08") => "MSK-DB-01",
        // Serialisation failure, deadlock, lock not available.
        "40001" | "40P01" | "55P03" => "MSK-DB-06",
        // Disk full, other I/O, read-only.
        "53100" | "58030" | "25006" => "MSK-DB-07",
        _ => "MSK-DB-08",
    }
}
