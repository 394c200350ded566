//! A database server: options, the node of this process, what its refusals mean.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::store::Address;
use crate::message::Problem;

/// Connections of one process; a region's server is shared with others.
const CONNECTIONS: u32 = 6;
/// How long a statement waits for a connection before it reports `MSK-DB-01`.
const PATIENCE: Duration = Duration::from_secs(10);
/// A quiet daemon gives its connections back.
const IDLE: Duration = Duration::from_secs(60);
/// No connection grows old: addresses move, servers change over.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Reads an address.
pub(super) fn options(address: Address<'_>, holder: &str, reads_only: bool) -> Result<PgConnectOptions, Problem> {
    // Never the address itself: somebody may have written a password into it.
    let mut options =
        PgConnectOptions::from_str(address.url).map_err(|_| Problem::new("MSK-DB-02").arg("scheme", "postgres"))?;
    if let Some(password) = address.password {
        options = options.password(password);
    }
    let read_only = if reads_only { "on" } else { "off" };
    Ok(options.application_name(holder).options([
        ("default_transaction_read_only", read_only),
        // A plan made while a table was empty would read all of it for every row of a load.
        ("plan_cache_mode", "force_custom_plan"),
        ("jit", "off"),
        ("synchronous_commit", "on"),
        // A machine that lost its power or its line holds its locks no longer than it takes to call it dead.
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "25000"),
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

/// The server's own tool that copies a database into a file; it asks for the password itself.
pub(super) fn copying(options: &PgConnectOptions, file: &Path) -> String {
    let file = quoted(&file.display().to_string());
    format!("pg_dump --format=custom --file={file} {}", tool_words(options))
}

/// The tool that puts such a copy back, all or nothing.
pub(super) fn restoring(options: &PgConnectOptions, file: &Path) -> String {
    let file = quoted(&file.display().to_string());
    format!(
        "pg_restore --clean --if-exists --no-owner --single-transaction {} {file}",
        tool_words(options)
    )
}

fn tool_words(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!(
        "--host={} --port={} --username={} --dbname={}",
        quoted(&host),
        options.get_port(),
        quoted(options.get_username()),
        quoted(database)
    )
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
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
