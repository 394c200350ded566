//! The processes that share a server: each says that it lives, and what a silent one had begun is taken over.
//!
//! An embedded database has one holder, known by its lock; there nobody else is ever alive.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPool;

use super::sql::{On, Readers, Session, sql};
use super::store::Warehouse;
use crate::message::Problem;

/// How often a process says that it lives.
const BEAT: Duration = Duration::from_secs(10);
/// The server's clock as the other moments are written; the clocks of two machines need not agree.
const SERVER_NOW: &str = "to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";
/// A process that has been silent for so long is taken for dead: three beats.
const SILENT: &str = "to_char((now() - interval '30 seconds') at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";

/// Rows of processes that died are swept after a day.
const LONG_GONE: &str = "to_char((now() - interval '1 day') at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";

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

    /// Joins the processes of a server under a readable name that no other process has.
    ///
    /// # Errors
    /// When the server refuses.
    pub(super) async fn join(pool: &PgPool, id: String) -> Result<Arc<Self>, Problem> {
        beat(pool, &id).await?;
        sql("forget old nodes", "delete from node where seen_at < ")
            .push(LONG_GONE)
            .execute(On::PostgresPool(pool))
            .await?;
        let (own, pool) = (id.clone(), pool.clone());
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                if let Err(problem) = beat(&pool, &own).await {
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

    /// Leaves in order: nobody has to wait for the silence.
    pub(super) async fn leave(&self, pool: &PgPool) -> Result<(), Problem> {
        sql("leave the other nodes", "delete from node where id = $1")
            .bind(&self.id)
            .execute(On::PostgresPool(pool))
            .await
            .map(|_| ())
    }
}

/// Name of the machine.
pub(super) fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// A readable name: what it does, on which machine, which process, since when; the end tells apart what machines
/// made of one image would call alike.
pub(super) fn name(holder: &str, now: chrono::DateTime<chrono::Utc>) -> String {
    let chance = std::hash::RandomState::new().build_hasher().finish();
    format!(
        "{holder}, {}, pid {}, {}, {:06x}",
        machine(),
        std::process::id(),
        super::text::moment(now),
        chance & 0xff_ffff
    )
}

async fn beat(pool: &PgPool, id: &str) -> Result<(), Problem> {
    sql("tell the other nodes", "insert into node (id, seen_at) values ($1, ")
        .bind(id)
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
                sql("list the nodes", "select id from node where id <> $1 and seen_at > ")
                    .bind(self.node.id())
                    .push(SILENT)
                    .push(" order by id")
                    .scalars(On::PostgresPool(pool))
                    .await
            }
        }
    }
}
