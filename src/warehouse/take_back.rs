//! Taking a load back: its rows go, what it replaced is open again, refused rows stay or go with the reason.

use chrono::{DateTime, Utc};

use super::load::{LoadSummary, finish, settle_quarantine};
use super::store::{Warehouse, refused};
use super::text::moment;
use crate::message::{Disposition, Problem};

/// Rows removed in one transaction when a load is taken back.
const REMOVE_ROWS: i64 = 20_000;

impl Warehouse {
    /// Takes back every load that no process is working on any more.
    pub(super) async fn remove_unpublished(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        for (run, source) in self.loading_runs(None).await? {
            tracing::info!(run.id = run, "removing a load that was not published");
            self.take_back(run, &Problem::new("MSK-DB-20").arg("source", source), now)
                .await?;
        }
        Ok(())
    }

    pub(super) async fn loading_runs(&self, of: Option<(&str, &str)>) -> Result<Vec<(i64, String)>, Problem> {
        let (source, series) = of.unzip();
        sqlx::query_as(
            "select id, source from run where state = 'loading' \
             and ($1 is null or source = $1) and ($2 is null or series = $2)",
        )
        .bind(source)
        .bind(series)
        .fetch_all(&self.readers)
        .await
        .map_err(|error| refused("list loads", &error))
    }

    /// Removes the rows of a load and opens again what it replaced, some rows a transaction.
    pub(super) async fn take_back(&self, run: i64, problem: &Problem, now: DateTime<Utc>) -> Result<(), Problem> {
        for statement in [
            // Successors first: the key has room for one open row only.
            "delete from observation where id in (select id from observation \
             where run = $1 and id > (select first_observation from run where id = $1) limit $2)",
            "update observation set superseded_by = null where id in \
             (select id from observation where superseded_by = $1 limit $2)",
            "delete from fact where id in (select id from fact \
             where run = $1 and id > (select first_fact from run where id = $1) limit $2)",
            "update fact set superseded_by = null where id in (select id from fact where superseded_by = $1 limit $2)",
        ] {
            while self.take_back_some(statement, run).await? == REMOVE_ROWS.cast_unsigned() {}
        }
        let problem = problem.clone();
        self.write("take a load back", move |connection| {
            Box::pin(async move {
                let state = if problem.disposition() == Disposition::Retry {
                    "failed"
                } else {
                    "refused"
                };
                if state == "failed" {
                    let what = "remove refused rows";
                    sqlx::query("delete from quarantine where run = $1")
                        .bind(run)
                        .execute(&mut *connection)
                        .await
                        .map_err(|error| refused(what, &error))?;
                } else {
                    settle_quarantine(connection, run, false, &moment(now)).await?;
                }
                let summary = LoadSummary {
                    run,
                    ..LoadSummary::default()
                };
                finish(connection, run, state, &summary, Some(&problem), now).await
            })
        })
        .await
    }

    async fn take_back_some(&self, statement: &'static str, run: i64) -> Result<u64, Problem> {
        let what = "take rows back";
        self.write(what, move |connection| {
            Box::pin(async move {
                sqlx::query(statement)
                    .bind(run)
                    .bind(REMOVE_ROWS)
                    .execute(connection)
                    .await
                    .map(|done| done.rows_affected())
                    .map_err(|error| refused(what, &error))
            })
        })
        .await
    }
}
