//! Connections: writing whose transactions nobody can cut, reading, the lock of the embedded database.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::Mutex;

use super::audit::{self, Audit};
use super::lock::{self, Lock};
use super::nodes::{self, Node};
use super::sql::{Readers, Session};
use super::{migrate, postgres, sqlite};
use crate::message::Problem;

/// Where the warehouse stands: `sqlite:state/msoko.db`, or `postgres://msoko@host/msoko` with a password beside it.
#[derive(Clone, Copy)]
pub struct Address<'a> {
    /// The address without a password.
    pub url: &'a str,
    /// Password of the server; without it `.pgpass` is asked.
    pub password: Option<&'a str>,
    /// Name of this machine among the nodes of a server.
    pub node: &'a str,
}

impl<'a> From<&'a str> for Address<'a> {
    fn from(url: &'a str) -> Self {
        Self {
            url,
            password: None,
            node: "",
        }
    }
}

impl<'a> From<&'a String> for Address<'a> {
    fn from(url: &'a String) -> Self {
        url.as_str().into()
    }
}

/// How a verb uses the warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Daemon, `pull`, `demo`, `db migrate`: loads, migrates, removes what was not published. The only one of an
    /// embedded database, one of several on a server.
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
    name: String,
    /// Absent with [`Access::Read`].
    writer: Option<Writer>,
    pub(super) readers: Readers,
    pub(super) node: Arc<Node>,
    pub(super) audit: Arc<Audit>,
    /// Work under way has a share: the lock outlives the last transaction.
    lock: Option<Arc<Lock>>,
}

#[derive(Debug, Clone)]
enum Writer {
    /// One connection: the engine knows one writer at a time, and its cache stays warm.
    Sqlite(Arc<Mutex<SqliteConnection>>, Box<SqliteConnectOptions>),
    Postgres(PgPool),
}

impl Warehouse {
    /// Opens the database of an address. `holder` names this process for others (`msoko run`); `now` stamps what the opening itself has to write.
    ///
    /// # Errors
    /// `MSK-DB-01` when the server does not answer, `-02` for other addresses, `-03` when the file cannot be opened,
    /// `-04` and `-19` when the schema is newer or older, `-05` when another process holds the file.
    pub async fn open(
        address: impl Into<Address<'_>>,
        access: Access,
        holder: &str,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Self, Problem> {
        let address = address.into();
        let url = address.url;
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let warehouse = match (scheme, sqlite::path_of(rest)) {
            ("postgres" | "postgresql", _) => Self::open_server(address, access, holder, now).await?,
            ("sqlite", Some(path)) => Self::open_file(&path, access, holder).await?,
            // Never the whole address: it may hold a password.
            (other, _) => return Err(Problem::new("MSK-DB-02").arg("scheme", other)),
        };
        if access == Access::Hold {
            warehouse.remove_unpublished(now).await?;
        }
        Ok(warehouse)
    }

    async fn open_file(path: &Path, access: Access, holder: &str) -> Result<Self, Problem> {
        let unopened = |error: sqlx::Error| Problem::new("MSK-DB-03").arg("path", path.display()).because(error);
        let name = path.display().to_string();
        let lock = match access {
            Access::Hold => Some(lock::take(path, holder)?),
            // Somebody has to migrate; when a daemon runs it has done so.
            Access::Write => lock::take(path, holder).ok(),
            Access::Read => None,
        };
        let options = sqlite::options(path);
        let writer = if access == Access::Read {
            let mut reader = SqliteConnection::connect_with(&options.read_only(true))
                .await
                .map_err(unopened)?;
            migrate::expect(&mut Session::Sqlite(&mut reader), &name).await?;
            reader.close().await.map_err(unopened)?;
            None
        } else {
            let opening = options
                .create_if_missing(lock.is_some())
                // Only where writing is meant: a backup is not in this mode, and a reader could not change it.
                .journal_mode(SqliteJournalMode::Wal)
                .pragma("cache_size", sqlite::WRITER_CACHE);
            let mut writer = SqliteConnection::connect_with(&opening).await.map_err(unopened)?;
            if lock.is_some() {
                let found = migrate::applied(&mut Session::Sqlite(&mut writer), &name).await?;
                if (1..migrate::SCHEMA).contains(&found) {
                    sqlite::keep_before(&mut writer, path, migrate::SCHEMA).await?;
                }
                migrate::apply(&mut Session::Sqlite(&mut writer), &name).await?;
            }
            migrate::expect(&mut Session::Sqlite(&mut writer), &name).await?;
            Some(Writer::Sqlite(Arc::new(Mutex::new(writer)), Box::new(opening)))
        };
        Ok(Self {
            name,
            writer,
            readers: Readers::Sqlite(sqlite::readers(path)),
            node: Node::alone(),
            audit: Arc::new(Audit::new(audit::EMBEDDED, holder)),
            lock: lock.filter(|_| access == Access::Hold).map(Arc::new),
        })
    }

    async fn open_server(
        address: Address<'_>,
        access: Access,
        holder: &str,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Self, Problem> {
        let chain = if address.node.is_empty() {
            audit::EMBEDDED
        } else {
            address.node
        };
        let options = postgres::options(address, holder, access == Access::Read)?;
        let name = postgres::name_of(&options);
        let pool = postgres::pool(options);
        let mut connection = pool.acquire().await.map_err(|error| refused("connect", &error))?;
        let mut session = Session::Postgres(&mut connection);
        let is_new = access == Access::Write && migrate::applied(&mut session, &name).await? == 0;
        // A verb does not change the schema under the nodes that work with it.
        if access == Access::Hold || is_new {
            migrate::apply(&mut session, &name).await?;
        }
        migrate::expect(&mut session, &name).await?;
        drop(connection);
        let node = match access {
            Access::Hold => Node::join(&pool, nodes::id_of(holder, address.node, now), address.node).await?,
            Access::Write | Access::Read => Node::alone(),
        };
        Ok(Self {
            name,
            writer: (access != Access::Read).then(|| Writer::Postgres(pool.clone())),
            readers: Readers::Postgres(pool),
            node,
            audit: Arc::new(Audit::new(chain, holder)),
            lock: None,
        })
    }

    /// What people call this database: its file, or server and name without user and password.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True when a process holds the embedded database; on a server the nodes say who lives.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.readers, Readers::Sqlite(_)) && lock::is_held(Path::new(&self.name))
    }

    /// Runs work in one transaction. The work lives in a task of its own: a caller that is cancelled cuts no
    /// transaction. Keep it under half a second, letters wait behind it.
    pub(super) async fn write<T, F>(&self, what: &'static str, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Session<'_>) -> Work<'c, T> + Send + 'static,
    {
        let writer = self
            .writer
            .clone()
            .ok_or_else(|| bug("writing through a warehouse opened for reading"))?;
        let lock = self.lock.clone();
        let task = tokio::spawn(async move {
            let _held = lock;
            match writer {
                Writer::Sqlite(connection, opening) => {
                    let mut connection = connection.lock().await;
                    let mut transaction = connection
                        .begin_with("begin immediate")
                        .await
                        .map_err(|error| refused(what, &error))?;
                    let done = work(&mut Session::Sqlite(&mut transaction)).await;
                    let (done, sound) = settle(what, transaction, done).await;
                    if !sound {
                        // A full disk ends a transaction behind the library's back; it would refuse all later ones.
                        *connection = SqliteConnection::connect_with(&opening)
                            .await
                            .map_err(|error| refused(what, &error))?;
                    }
                    done
                }
                Writer::Postgres(pool) => {
                    let mut transaction = pool.begin().await.map_err(|error| refused(what, &error))?;
                    let done = work(&mut Session::Postgres(&mut transaction)).await;
                    settle(what, transaction, done).await.0
                }
            }
        });
        task.await.map_err(|error| bug(format!("{what}: {error}")))?
    }

    /// Gives the page cache of a finished load back to the system.
    pub(super) async fn shrink(&self) -> Result<(), Problem> {
        if let Some(Writer::Sqlite(writer, _)) = &self.writer {
            sqlx::query("pragma shrink_memory")
                .execute(&mut *writer.lock().await)
                .await
                .map_err(|error| refused("shrink the cache", &error))?;
        }
        Ok(())
    }

    /// Closes the connections; the embedded database writes its log back into the file. Waits for work under way.
    ///
    /// # Errors
    /// `MSK-DB-07` or `-08` when the last checkpoint fails; nothing that was committed is lost by that.
    pub async fn close(self) -> Result<(), Problem> {
        match self.readers {
            Readers::Sqlite(pool) => pool.close().await,
            Readers::Postgres(pool) => {
                let left = self.node.leave(&pool).await;
                pool.close().await;
                left?;
            }
        }
        write_back(self.writer.as_ref()).await?;
        if let Some(Writer::Sqlite(writer, _)) = self.writer
            && let Ok(alone) = Arc::try_unwrap(writer)
        {
            // Not on a thread of its own some time later.
            let closed = alone.into_inner().close().await;
            closed.map_err(|error| refused("close the database", &error))?;
        }
        Ok(())
    }

    /// Writes the log of an embedded database back into its file and empties it.
    pub(super) async fn checkpoint(&self) -> Result<(), Problem> {
        write_back(self.writer.as_ref()).await
    }

    /// Copies an embedded database into a new file while others go on reading and writing.
    ///
    /// # Errors
    /// `MSK-DB-13` when the file exists, `MSK-DB-07` when the disk is full, `MSK-DB-22` for a server, which has its
    /// own tools.
    pub async fn backup(&self, target: &Path) -> Result<(), Problem> {
        if let Readers::Postgres(pool) = &self.readers {
            return Err(Problem::new("MSK-DB-22")
                .arg("name", &self.name)
                .arg("command", postgres::copying(&pool.connect_options(), target)));
        }
        let unopened = |error: sqlx::Error| Problem::new("MSK-DB-03").arg("path", &self.name).because(error);
        let mut connection = SqliteConnection::connect_with(&sqlite::options(Path::new(&self.name)))
            .await
            .map_err(unopened)?;
        sqlite::copy_to(&mut connection, target).await?;
        connection.close().await.map_err(unopened)
    }
}

async fn write_back(writer: Option<&Writer>) -> Result<(), Problem> {
    if let Some(Writer::Sqlite(writer, _)) = writer {
        sqlx::query("pragma wal_checkpoint(truncate)")
            .execute(&mut *writer.lock().await)
            .await
            .map_err(|error| refused("write the log back", &error))?;
    }
    Ok(())
}

/// Commits or rolls back; false when the connection did not follow.
async fn settle<D: sqlx::Database, T>(
    what: &'static str,
    transaction: sqlx::Transaction<'_, D>,
    done: Result<T, Problem>,
) -> (Result<T, Problem>, bool) {
    match done {
        Ok(value) => match transaction.commit().await {
            Ok(()) => (Ok(value), true),
            Err(error) => (Err(refused(what, &error)), false),
        },
        // The problem itself is told, not that the database has rolled back already.
        Err(problem) => (Err(problem), transaction.rollback().await.is_ok()),
    }
}

/// A refused statement as a problem: server gone, busy, disk, or everything else.
pub(super) fn refused(what: &'static str, error: &sqlx::Error) -> Problem {
    let code = match error {
        sqlx::Error::Database(refusal) => match refusal.code() {
            Some(code) if refusal.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() => {
                postgres::code_of(&code)
            }
            Some(code) => sqlite::code_of(&code),
            None => "MSK-DB-08",
        },
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => {
            "MSK-DB-01"
        }
        _ => "MSK-DB-08",
    };
    Problem::new(code).arg("what", what).because(error)
}

/// A fault of the program itself.
pub(super) fn bug(what: impl std::fmt::Display) -> Problem {
    Problem::new("MSK-BUG-01").arg("what", what)
}
