//! Connections: one writer whose transactions nobody can cut, a few readers, the lock file.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::Mutex;

use super::lock::{self, Lock};
use super::migrate::{self, SCHEMA};
use crate::message::Problem;

/// How long a statement waits for another process before it reports `MSK-DB-06`.
const BUSY: Duration = Duration::from_secs(5);
/// Idle readers close, so that a quiet daemon keeps only the writer's thread.
const READER_IDLE: Duration = Duration::from_secs(30);
const READERS: u32 = 3;
/// Page cache in KiB: the writer keeps the upper index pages of a load, a reader little.
const WRITER_CACHE: &str = "-8192";
const READER_CACHE: &str = "-2048";
/// Rows on their way from the database's thread: with the library's 50 a look-up of a hundred rows waits twice.
const ROW_BUFFER: usize = 256;
/// Pages of the log between checkpoints, 16 MiB: fewer, larger syncs during a load.
const CHECKPOINT: &str = "4000";

/// How a verb uses the warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Daemon, `pull`, `demo`, `db migrate`: the only one to load; takes the lock, migrates, removes what was not
    /// published.
    Hold,
    /// Short writes beside a running daemon: `units import`, `deadlines done`, `mail retry`.
    Write,
    /// Reading only, of an existing database.
    Read,
}

/// A boxed piece of work inside a transaction.
pub(super) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'c>>;

/// The warehouse (хранилище): every number with its origin, the register, the outbox. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Warehouse {
    path: PathBuf,
    /// Absent with [`Access::Read`].
    writer: Option<Arc<Mutex<SqliteConnection>>>,
    pub(super) readers: SqlitePool,
    /// Work under way has a share: the lock outlives the last transaction.
    lock: Option<Arc<Lock>>,
}

impl Warehouse {
    /// Opens the database of an address such as `sqlite:state/msoko.db`. `holder` names this process for others
    /// (`msoko run`); `now` stamps what the opening itself has to write.
    ///
    /// # Errors
    /// `MSK-DB-01` for `PostgreSQL`, `-02` for other addresses, `-03` when the file cannot be opened, `-04` and `-19`
    /// when its schema is newer or older, `-05` when another process holds it.
    pub async fn open(
        url: &str,
        access: Access,
        holder: &str,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Self, Problem> {
        let path = path_of(url)?;
        let unopened = |error: sqlx::Error| Problem::new("MSK-DB-03").arg("path", path.display()).because(error);
        let lock = match access {
            Access::Hold => Some(lock::take(&path, holder)?),
            // Somebody has to migrate; when a daemon runs it has done so.
            Access::Write => lock::take(&path, holder).ok(),
            Access::Read => None,
        };
        let options = options(&path);
        let writer = if access == Access::Read {
            let mut reader = SqliteConnection::connect_with(&options.clone().read_only(true))
                .await
                .map_err(unopened)?;
            expect_schema(&mut reader, &path).await?;
            reader.close().await.map_err(unopened)?;
            None
        } else {
            let opening = options
                .clone()
                .create_if_missing(lock.is_some())
                // Only where writing is meant: a backup is not in this mode, and a reader could not change it.
                .journal_mode(SqliteJournalMode::Wal)
                .pragma("cache_size", WRITER_CACHE);
            let mut writer = SqliteConnection::connect_with(&opening).await.map_err(unopened)?;
            if lock.is_some() {
                bring_up_to_date(&mut writer, &path).await?;
            }
            expect_schema(&mut writer, &path).await?;
            Some(Arc::new(Mutex::new(writer)))
        };
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(0)
            .idle_timeout(READER_IDLE)
            .test_before_acquire(false)
            .connect_lazy_with(options.read_only(true).pragma("cache_size", READER_CACHE));
        let lock = lock.filter(|_| access == Access::Hold).map(Arc::new);
        let warehouse = Self {
            path,
            writer,
            readers,
            lock,
        };
        if access == Access::Hold {
            warehouse.remove_unpublished(now).await?;
        }
        Ok(warehouse)
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs work in one transaction of the one writer. The work lives in a task of its own: a caller that is
    /// cancelled cuts no transaction. Keep it under half a second, letters wait behind it.
    pub(super) async fn write<T, F>(&self, what: &'static str, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    {
        let writer = self
            .writer
            .clone()
            .ok_or_else(|| bug("writing through a warehouse opened for reading"))?;
        let lock = self.lock.clone();
        let task = tokio::spawn(async move {
            let _held = lock;
            let mut writer = writer.lock().await;
            let mut transaction = writer
                .begin_with("begin immediate")
                .await
                .map_err(|error| refused(what, &error))?;
            match work(&mut transaction).await {
                Ok(value) => {
                    transaction.commit().await.map_err(|error| refused(what, &error))?;
                    Ok(value)
                }
                Err(problem) => {
                    transaction.rollback().await.map_err(|error| refused(what, &error))?;
                    Err(problem)
                }
            }
        });
        task.await.map_err(|error| bug(format!("{what}: {error}")))?
    }

    /// Gives the page cache of a finished load back to the system.
    pub(super) async fn shrink(&self) -> Result<(), Problem> {
        if let Some(writer) = &self.writer {
            sqlx::query("pragma shrink_memory")
                .execute(&mut *writer.lock().await)
                .await
                .map_err(|error| refused("shrink the cache", &error))?;
        }
        Ok(())
    }

    /// Closes the connections after writing the log back into the database file. Waits for work under way.
    ///
    /// # Errors
    /// `MSK-DB-07` or `-08` when the last checkpoint fails; nothing that was committed is lost by that.
    pub async fn close(self) -> Result<(), Problem> {
        self.readers.close().await;
        if let Some(writer) = self.writer {
            sqlx::query("pragma wal_checkpoint(truncate)")
                .execute(&mut *writer.lock().await)
                .await
                .map_err(|error| refused("write the log back", &error))?;
        }
        Ok(())
    }

    /// Copies the database into a new file while others go on reading and writing.
    ///
    /// # Errors
    /// `MSK-DB-13` when the file exists, `MSK-DB-07` when the disk is full.
    pub async fn backup(&self, target: &Path) -> Result<(), Problem> {
        let unopened = |error: sqlx::Error| {
            Problem::new("MSK-DB-03")
                .arg("path", self.path.display())
                .because(error)
        };
        let mut connection = SqliteConnection::connect_with(&options(&self.path))
            .await
            .map_err(unopened)?;
        copy_to(&mut connection, target).await?;
        connection.close().await.map_err(unopened)
    }
}

fn path_of(url: &str) -> Result<PathBuf, Problem> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "postgres" | "postgresql" => Err(Problem::new("MSK-DB-01")),
        "sqlite" if !rest.is_empty() && !rest.contains(['?', ':']) => {
            Ok(PathBuf::from(rest.strip_prefix("//").unwrap_or(rest)))
        }
        // Never the whole address: it may hold a password.
        other => Err(Problem::new("MSK-DB-02").arg("scheme", other)),
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
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

async fn bring_up_to_date(writer: &mut SqliteConnection, path: &Path) -> Result<(), Problem> {
    let found = migrate::applied(writer, path).await?;
    if found > SCHEMA {
        return Err(migrate::newer(path, found));
    }
    if found > 0 && found < SCHEMA {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".before-{SCHEMA:04}"));
        match copy_to(writer, Path::new(&name)).await {
            // The copy of an upgrade that was broken off is the older and better one.
            Err(problem) if problem.code() != "MSK-DB-13" => return Err(problem),
            _ => {}
        }
    }
    if found < SCHEMA {
        migrate::apply(writer, path).await?;
    }
    Ok(())
}

async fn expect_schema(connection: &mut SqliteConnection, path: &Path) -> Result<(), Problem> {
    let found = migrate::applied(connection, path).await?;
    match found.cmp(&SCHEMA) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(migrate::newer(path, found)),
        std::cmp::Ordering::Less => Err(Problem::new("MSK-DB-19")
            .arg("path", path.display())
            .arg("found", found)
            .arg("known", SCHEMA)),
    }
}

/// Under a temporary name first: a file that bears the name of a backup is whole.
async fn copy_to(connection: &mut SqliteConnection, target: &Path) -> Result<(), Problem> {
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
    // Claims the name, so that a backup made meanwhile is not replaced.
    std::fs::File::create_new(target).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Problem::new("MSK-DB-13").arg("path", target.display()),
        _ => disk(error),
    })?;
    std::fs::rename(&partial, target).map_err(disk)
}

/// A refused statement as a problem: busy, disk, or everything else.
pub(super) fn refused(what: &'static str, error: &sqlx::Error) -> Problem {
    let code = error
        .as_database_error()
        .and_then(|error| error.code())
        .and_then(|code| code.parse::<i32>().ok())
        // The low byte is the primary result code.
        .map(|code| code & 0xff);
    match code {
        Some(5 | 6) => Problem::new("MSK-DB-06").because(error),
        Some(8 | 10 | 13 | 14) => Problem::new("MSK-DB-07").arg("what", what).because(error),
        _ => Problem::new("MSK-DB-08").arg("what", what).because(error),
    }
}

/// A fault of the program itself.
pub(super) fn bug(what: impl std::fmt::Display) -> Problem {
    Problem::new("MSK-BUG-01").arg("what", what)
}
