//! The processes that share a server: each says that it lives, and what a silent one had begun is taken over.
//!
//! An embedded database has one holder, known by its lock; there nobody else is ever alive.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPool;

use super::sql::{On, Readers, Session, sql};
use super::store::Warehouse;
use super::text::{moment, read_moment};
use crate::message::Problem;

/// How often a process says that it lives.
const BEAT: Duration = Duration::from_secs(10);
/// The server's clock as the other moments are written; the clocks of two machines need not agree.
const SERVER_NOW: &str = "to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";
/// A process that has been silent for so long is taken for dead: three beats.
const SILENT: &str = "to_char((now() - interval '30 seconds') at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";

/// A row of a process that ended is swept after a day when its machine has a later one, after a season anyway.
const LONG_GONE: &str = "to_char((now() - interval '1 day') at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";

/// A machine that works or worked on this warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedNode {
    /// Name in its configuration.
    pub name: String,
    /// When a process of it last said that it lives.
    pub seen_at: DateTime<Utc>,
    /// A process of it lives now.
    pub lives: bool,
}

/// This process among others (узел); dropping it ends the beat, not the row.
#[derive(Debug)]
pub(super) struct Node {
    id: String,
    beat: Option<tokio::task::AbortHandle>,
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(beat) = &self.beat {
            beat.abort();
        }
    }
}

impl Node {
    /// The only process of an embedded database.
    pub(super) fn alone() -> Arc<Self> {
        Arc::new(Self {
            id: String::new(),
            beat: None,
        })
    }

    /// Joins the processes of a server under a readable id that no other process has, and the name of the machine.
    ///
    /// # Errors
    /// When the server refuses.
    pub(super) async fn join(pool: &PgPool, id: String, name: &str) -> Result<Arc<Self>, Problem> {
        beat(pool, &id, name).await?;
        // The last row of a name stays: when a node was seen is told however long it is away.
        sql(
            "forget old nodes",
            "delete from node where exists (select 1 from node later where later.name = node.name \
             and later.seen_at > node.seen_at) and seen_at < ",
        )
        .push(LONG_GONE)
        .execute(On::PostgresPool(pool))
        .await?;
        let (own, name, pool) = (id.clone(), name.to_owned(), pool.clone());
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                if let Err(problem) = beat(&pool, &own, &name).await {
                    tracing::warn!(
                        code = problem.code(),
                        "telling the other nodes that this one lives: {problem}"
                    );
                }
            }
        });
        Ok(Arc::new(Self {
            id,
            beat: Some(task.abort_handle()),
        }))
    }

    /// Name of the process; empty for the holder of an embedded database.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Leaves in order: nobody has to wait for the silence. Who only reads or writes beside them never joined.
    pub(super) async fn leave(&self, pool: &PgPool) -> Result<(), Problem> {
        if self.id.is_empty() {
            return Ok(());
        }
        sql("leave the other nodes", "update node set ended = 1 where id = $1")
            .bind(&self.id)
            .execute(On::PostgresPool(pool))
            .await
            .map(|_| ())
    }
}

/// A readable id: what it does, on which machine, which process, since when; the end tells apart what machines made of
/// one image would call alike.
pub(super) fn id_of(holder: &str, name: &str, now: DateTime<Utc>) -> String {
    let chance = std::hash::RandomState::new().build_hasher().finish();
    format!(
        "{holder}, {name}, pid {}, {}, {:06x}",
        std::process::id(),
        moment(now),
        chance & 0xff_ffff
    )
}

async fn beat(pool: &PgPool, id: &str, name: &str) -> Result<(), Problem> {
    sql(
        "tell the other nodes",
        "insert into node (id, name, seen_at) values ($1, $2, ",
    )
    .bind(id)
    .bind(name)
    .push(SERVER_NOW)
    .push(") on conflict (id) do update set seen_at = excluded.seen_at")
    .execute(On::PostgresPool(pool))
    .await
    .map(|_| ())
}

/// One at a time among the processes of a server: loads lock many keys, and two in different orders would wait for
/// each other. Held until the end of the transaction; the embedded database has one writer anyway.
pub(super) async fn take_turn(session: &mut Session<'_>) -> Result<(), Problem> {
    const LOADS: i64 = 0x6d73_6f6b_6f01;
    if let Session::Postgres(connection) = session {
        sql(
            "wait for other loads",
            "select 1::bigint from pg_advisory_xact_lock($1)",
        )
        .bind(LOADS)
        .records(On::Postgres(connection))
        .await?;
    }
    Ok(())
}

/// The end of a query for one row to be claimed: another node that claims at the same moment takes the next one.
pub(super) const fn skip_taken(session: &Session<'_>) -> &'static str {
    match session {
        Session::Sqlite(_) => "",
        Session::Postgres(_) => " for update skip locked",
    }
}

impl Warehouse {
    /// The other processes that live and share this warehouse, by name; none for an embedded database.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn other_nodes(&self) -> Result<Vec<String>, Problem> {
        match &self.readers {
            Readers::Sqlite(_) => Ok(Vec::new()),
            Readers::Postgres(pool) => {
                sql(
                    "list the nodes",
                    "select id from node where id <> $1 and ended = 0 and seen_at > ",
                )
                .bind(self.node.id())
                .push(SILENT)
                .push(" order by id")
                .scalars(On::PostgresPool(pool))
                .await
            }
        }
    }

    /// Every node that was ever seen, one entry a name, in alphabetical order; none for an embedded database.
    ///
    /// # Errors
    /// When the server refuses or holds what this program cannot read.
    pub async fn named_nodes(&self) -> Result<Vec<NamedNode>, Problem> {
        let Readers::Postgres(pool) = &self.readers else {
            return Ok(Vec::new());
        };
        let rows: Vec<(String, String, i64)> = sql(
            "list the nodes",
            "select name, max(seen_at), max(case when ended = 0 and seen_at > ",
        )
        .push(SILENT)
        .push(" then 1 else 0 end)::bigint from node group by name order by name")
        .all(On::PostgresPool(pool))
        .await?;
        rows.into_iter()
            .map(|(name, seen_at, lives)| {
                Ok(NamedNode {
                    name,
                    seen_at: read_moment("node", &seen_at)?,
                    lives: lives == 1,
                })
            })
            .collect()
    }

    /// The mark that ties this warehouse to its store of snapshots. The first to ask makes it and `put` puts it there,
    /// others wait meanwhile; it is written down as not put yet before that, so that a kill in between leaves a mark that
    /// is known.
    ///
    /// # Errors
    /// What `put` says, or when the database refuses.
    pub async fn store_mark(
        &self,
        put: impl FnOnce(&str) -> Result<(), Problem> + Send + 'static,
    ) -> Result<String, Problem> {
        let what = "name the store of snapshots";
        let chance = || std::hash::RandomState::new().build_hasher().finish();
        let new = format!("{NOT_PUT}{:016x}{:016x}", chance(), chance());
        self.write(what, move |session| {
            Box::pin(async move {
                sql(
                    what,
                    "insert into snapshot_store (only_one, id) values (1, $1) on conflict do nothing",
                )
                .bind(new)
                .execute(session)
                .await
            })
        })
        .await?;
        self.write(what, move |session| {
            Box::pin(async move {
                take_turn(session).await?;
                let id: String = sql(what, STORE).scalar(&mut *session).await?;
                let Some(mark) = id.strip_prefix(NOT_PUT) else {
                    return Ok(id);
                };
                put(mark)?;
                sql(what, "update snapshot_store set id = $1 where only_one = 1")
                    .bind(mark)
                    .execute(session)
                    .await?;
                Ok(mark.to_owned())
            })
        })
        .await
    }

    /// The mark of the store of snapshots when it was put there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn known_store(&self) -> Result<Option<String>, Problem> {
        let id: Option<String> = sql("name the store of snapshots", STORE)
            .first_scalar(&self.readers)
            .await?;
        Ok(id.filter(|id| !id.starts_with(NOT_PUT)))
    }
}

/// Begins a mark that is not in its folder yet.
const NOT_PUT: char = '?';

const STORE: &str = "select id from snapshot_store";
