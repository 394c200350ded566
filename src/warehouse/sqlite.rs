//! The embedded database: options, copies, what its refusals mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqliteConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::store::refused;
use crate::message::Problem;

/// How long a statement waits for another process before it reports `MSK-DB-06`.
const BUSY: Duration = Duration::from_secs(5);
/// Idle readers close, so that a quiet daemon keeps only the writer's thread.
const READER_IDLE: Duration = Duration::from_secs(30);
const READERS: u32 = 3;
/// Page cache in KiB: the writer keeps the upper index pages of a load, a reader little.
pub(super) const WRITER_CACHE: &str = "-8192";
const READER_CACHE: &str = "-2048";
/// Rows on their way from the database's thread: with the library's 50 a look-up of a hundred rows waits twice.
const ROW_BUFFER: usize = 256;
/// Pages of the log between checkpoints, 16 MiB: fewer, larger syncs during a load.
const CHECKPOINT: &str = "4000";

/// The file of an address such as `sqlite:state/msoko.db`.
pub(super) fn path_of(rest: &str) -> Option<PathBuf> {
    (!rest.is_empty() && !rest.contains(['?', ':'])).then(|| PathBuf::from(rest.strip_prefix("//").unwrap_or(rest)))
}

/// A few connections that only read.
pub(super) fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(0)
        .idle_timeout(READER_IDLE)
        .test_before_acquire(false)
        .connect_lazy_with(options(path).read_only(true).pragma("cache_size", READER_CACHE))
}

pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .row_buffer_size(ROW_BUFFER)
        .pragma("secure_delete", "on")
        .pragma("wal_autocheckpoint", CHECKPOINT)
        .pragma("journal_size_limit", "16777216")
}

/// Copies the database before a migration; the copy of an upgrade that was broken off is the older and better one.
pub(super) async fn keep_before(writer: &mut SqliteConnection, path: &Path, schema: i64) -> Result<(), Problem> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{schema:04}"));
    match copy_to(writer, Path::new(&name)).await {
        Err(problem) if problem.code() != "MSK-DB-13" => Err(problem),
        _ => Ok(()),
    }
}

/// Under a temporary name first: a file that bears the name of a backup is whole.
pub(super) async fn copy_to(connection: &mut SqliteConnection, target: &Path) -> Result<(), Problem> {
    let what = "copy the database";
    if target.exists() {
        return Err(Problem::new("MSK-DB-13").arg("path", target.display()));
    }
    let mut partial = target.as_os_str().to_owned();
    partial.push(".part");
    let partial = PathBuf::from(partial);
    let disk = |error: std::io::Error| {
        Problem::new("MSK-DB-07")
            .arg("what", what)
            .at(target.display())
            .because(error)
    };
    if partial.exists() {
        std::fs::remove_file(&partial).map_err(disk)?;
    }
    sqlx::query("vacuum into $1")
        .bind(partial.to_string_lossy().into_owned())
        .execute(connection)
        .await
        .map_err(|error| refused(what, &error))?;
    std::fs::File::open(&partial)
        .and_then(|file| file.sync_all())
        .map_err(disk)?;
    // A link, so that the name appears with the whole file and a backup made meanwhile is not replaced.
    std::fs::hard_link(&partial, target).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Problem::new("MSK-DB-13").arg("path", target.display()),
        _ => disk(error),
    })?;
    std::fs::remove_file(&partial).map_err(disk)?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(disk)
}

/// The code of a refusal: busy, disk, or everything else.
pub(super) fn code_of(code: &str) -> &'static str {
    // The low byte is the primary result code.
    match code.parse::<i32>().map(|code| code & 0xff) {
        Ok(5 | 6) => "MSK-DB-06",
        Ok(8 | 10 | 13 | 14) => "MSK-DB-07",
        _ => "MSK-DB-08",
    }
}
