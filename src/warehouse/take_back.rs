//! Taking a load back: its rows go, what it replaced is open again, refused rows stay or go with the reason.

use chrono::{DateTime, Utc};

use super::load::{LoadSummary, finish};
use super::nodes;
use super::quarantine;
use super::sql::{Session, sql};
use super::store::Warehouse;
use super::text::moment;
use crate::message::{Disposition, Problem};

/// Rows taken back in one transaction.
const ROWS: usize = 10_000;

/// A load that is not published yet, and the process that works on it.
pub(super) struct LoadingRun {
    pub(super) id: i64,
    pub(super) source: String,
    pub(super) node: String,
    /// The delivery was published before.
    pub(super) again: bool,
}

impl Warehouse {
    /// Takes back what this process can have begun in an earlier life, and what nobody works on any more.
    pub(super) async fn remove_unpublished(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        self.take_back_all(&self.other_nodes().await?, now).await
    }

    /// True when a load belongs neither to this process nor to one of those that live.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn has_abandoned(&self, others: &[String]) -> Result<bool, Problem> {
        let loads = self.loading_runs(None).await?;
        Ok(loads
            .iter()
            .any(|run| run.node != self.node.id() && !others.contains(&run.node)))
    }

    /// Takes back the loads of other nodes that fell silent.
    ///
    /// # Errors
    /// When the database refuses; the rest is taken back the next time.
    pub async fn take_over(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        let mut alive = self.other_nodes().await?;
        alive.push(self.node.id().to_owned());
        self.take_back_all(&alive, now).await
    }

    async fn take_back_all(&self, alive: &[String], now: DateTime<Utc>) -> Result<(), Problem> {
        for run in self.loading_runs(None).await? {
            if alive.contains(&run.node) {
                continue;
            }
            tracing::info!(run.id = run.id, "removing a load that was not published");
            let problem = Problem::new("MSK-DB-20").arg("source", &run.source);
            self.take_back(&run, &problem, now).await?;
        }
        Ok(())
    }

    pub(super) async fn loading_runs(&self, of: Option<(&str, &str)>) -> Result<Vec<LoadingRun>, Problem> {
        let (source, series) = of.unzip();
        let rows: Vec<(i64, String, String)> = sql(
            "list loads",
            "select id, source, node from run where state = 'loading' \
             and ($1 is null or source = $1) and ($2 is null or series = $2)",
        )
        .bind(source)
        .bind(series)
        .all(&self.readers)
        .await?;
        let run = |(id, source, node)| LoadingRun {
            id,
            source,
            node,
            again: false,
        };
        Ok(rows.into_iter().map(run).collect())
    }

    /// Removes the rows of a load and opens again what it replaced, some rows a transaction. The last transaction
    /// does what is left and closes the load, so that a chunk that came in between leaves nothing behind.
    pub(super) async fn take_back(
        &self,
        run: &LoadingRun,
        problem: &Problem,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        if !self.claim_run(run).await? {
            return Ok(());
        }
        let (run, again) = (run.id, run.again);
        for table in &TABLES {
            while self.take_back_some(table, run).await? > 0 {}
        }
        let (problem, node) = (problem.clone(), self.node.id().to_owned());
        self.write("take a load back", move |session| {
            Box::pin(async move {
                nodes::take_turn(session).await?;
                for table in &TABLES {
                    while take_back_piece(session, table, run).await? > 0 {}
                }
                let state = if problem.disposition() == Disposition::Retry {
                    "failed"
                } else {
                    "refused"
                };
                if state == "failed" || again {
                    sql("remove refused rows", "delete from quarantine where run = $1")
                        .bind(run)
                        .execute(&mut *session)
                        .await?;
                } else {
                    quarantine::settle(session, run, false, &moment(now)).await?;
                }
                let summary = LoadSummary {
                    run,
                    ..LoadSummary::default()
                };
                finish(session, run, &node, state, &summary, Some(&problem), now).await
            })
        })
        .await
    }

    /// Makes a load this process's own, so that the one that began it can no longer publish it; false when it is a load
    /// no more, or another node took it over first.
    async fn claim_run(&self, run: &LoadingRun) -> Result<bool, Problem> {
        let (run, from, node) = (run.id, run.node.clone(), self.node.id().to_owned());
        self.write("claim a load", move |session| {
            Box::pin(async move {
                sql(
                    "claim a load",
                    "update run set node = $2 where id = $1 and state = 'loading' and node = $3",
                )
                .bind(run)
                .bind(node)
                .bind(from)
                .execute(session)
                .await
                .map(|claimed| claimed > 0)
            })
        })
        .await
    }

    async fn take_back_some(&self, table: &'static Table, run: i64) -> Result<usize, Problem> {
        self.write("take rows back", move |session| {
            Box::pin(async move {
                nodes::take_turn(session).await?;
                take_back_piece(session, table, run).await
            })
        })
        .await
    }
}

/// Rows of a load in one table and what they replaced.
struct Table {
    /// Rows that the load `$1` replaced, each with its successor in the same load; at most `$2`.
    replaced: &'static str,
    /// Rows that the load `$1` added; at most `$2`.
    added: &'static str,
    delete: &'static str,
    reopen: &'static str,
}

/// The successor is asked for row by row along its key: joined, a server that knows little of the table reads all of it
/// for every piece.
const TABLES: [Table; 2] = [
    Table {
        replaced: "select old.id, (select own.id from observation own where own.round = old.round \
                   and own.unit = old.unit and own.measure = old.measure and own.subject = old.subject \
                   and own.grade = old.grade and own.breakdown = old.breakdown and own.superseded_by is null \
                   and own.run = $1) from observation old where old.superseded_by = $1 limit $2",
        added: "select id from observation where run = $1 \
                and id > (select first_observation from run where id = $1) limit $2",
        delete: "delete from observation where id in ",
        reopen: "update observation set superseded_by = null where id in ",
    },
    Table {
        replaced: "select old.id, (select own.id from fact own where own.unit = old.unit and own.code = old.code \
                   and own.superseded_by is null and own.run = $1) from fact old where old.superseded_by = $1 limit $2",
        added: "select id from fact where run = $1 and id > (select first_fact from run where id = $1) limit $2",
        delete: "delete from fact where id in ",
        reopen: "update fact set superseded_by = null where id in ",
    },
];

/// Takes some rows back; gives how many. A replaced row is opened in the transaction that removes its successor: a
/// key has room for one open row, and another load must not find it free in between.
async fn take_back_piece(session: &mut Session<'_>, table: &Table, run: i64) -> Result<usize, Problem> {
    let what = "take rows back";
    let most = i64::try_from(ROWS).unwrap_or(i64::MAX);
    let replaced: Vec<(i64, Option<i64>)> = sql(what, table.replaced)
        .bind(run)
        .bind(most)
        .all(&mut *session)
        .await?;
    let (old, own): (Vec<i64>, Vec<Option<i64>>) = replaced.into_iter().unzip();
    let mut gone: Vec<i64> = own.into_iter().flatten().collect();
    if old.is_empty() {
        gone = sql(what, table.added)
            .bind(run)
            .bind(most)
            .scalars(&mut *session)
            .await?;
    }
    if !gone.is_empty() {
        sql(what, table.delete).push_ids(&gone).execute(&mut *session).await?;
    }
    if !old.is_empty() {
        sql(what, table.reopen).push_ids(&old).execute(&mut *session).await?;
    }
    Ok(old.len().max(gone.len()))
}
