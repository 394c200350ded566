//! State of the sources and what their servers said about freshness.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::sql::{Record, sql};
use super::store::Warehouse;
use super::text::{ProblemColumns, moment, read_moment, unreadable};
use crate::message::Problem;

/// What is remembered of a source (состояние источника); a source never started has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord {
    /// Id of the source.
    pub source: String,
    /// Start of the last pull.
    pub last_started: Option<DateTime<Utc>>,
    /// End of the last pull, whatever came of it.
    pub last_finished: Option<DateTime<Utc>>,
    /// End of the last pull that went well.
    pub last_success: Option<DateTime<Utc>>,
    /// End of the first of the failures in a row, kept when they are over.
    pub failing_since: Option<DateTime<Utc>>,
    /// Failures in a row since then.
    pub failures: u32,
    /// When the next pull is due, as computed at the end of the last one.
    pub next_due: Option<DateTime<Utc>>,
    /// The node that has the source now or had it when it fell silent; empty when it is free.
    pub node: String,
    /// Rows of the last pull that went well.
    pub rows: u64,
    /// Refused rows that wait now.
    pub quarantined: u64,
    /// What the last pull ended with.
    pub problem: Option<Problem>,
}

/// How a pull ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullOutcome {
    /// Went well, unchanged data included; `rows` is absent when nothing had to be read.
    Well {
        /// Rows of the source.
        rows: Option<u64>,
    },
    /// Brought something and refused something: the data are fresh, the problem stays in sight.
    Partly {
        /// Rows of the source.
        rows: Option<u64>,
        /// The first refusal.
        problem: Problem,
    },
    /// Failed or was refused.
    Failed {
        /// Why.
        problem: Problem,
    },
}

/// What a server said about one address (метки свежести).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
    /// Hash of the body.
    pub body_hash: Option<String>,
}

impl Warehouse {
    /// Notes that a pull starts, before anything is fetched: a restart in the middle sees it. Of several nodes one
    /// has the source until it ends the pull or falls silent. `seen` is the start that the caller took for the last
    /// one when it found the source due; absent for a person, who may pull at any time.
    ///
    /// # Errors
    /// `MSK-DB-23` when another node has the source or has pulled it since.
    pub async fn source_started(
        &self,
        source: &str,
        seen: Option<Option<DateTime<Utc>>>,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let others = self.other_nodes().await?;
        let (name, node) = (source.to_owned(), self.node.id().to_owned());
        self.write("note the start of a pull", move |session| {
            Box::pin(async move {
                let what = "note the start of a pull";
                let started = sql(
                    what,
                    "insert into source_state (source, last_started, node) values ($1, $2, $3) \
                     on conflict (source) do update set last_started = excluded.last_started, node = excluded.node \
                     where ($4 = 0 or coalesce(source_state.last_started, '') = $5) and source_state.node not in ",
                )
                .bind(&name)
                .bind(moment(now))
                .bind(node)
                .bind(i64::from(seen.is_some()))
                .bind(seen.flatten().map(moment).unwrap_or_default())
                .push_list(others)
                .execute(&mut *session)
                .await?;
                if started > 0 {
                    return Ok(());
                }
                let node: String = sql(what, "select node from source_state where source = $1")
                    .bind(&name)
                    .scalar(session)
                    .await?;
                Err(Problem::new("MSK-DB-23").arg("source", name).arg("node", node))
            })
        })
        .await
    }

    /// Notes how a pull ended and when the next one is due. What a node that was taken for dead says late is no news:
    /// another has the source.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn source_finished(
        &self,
        source: &str,
        outcome: PullOutcome,
        next_due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let (source, node) = (source.to_owned(), self.node.id().to_owned());
        self.write("note the end of a pull", move |connection| {
            Box::pin(async move {
                let (well, rows, problem) = match &outcome {
                    PullOutcome::Well { rows } => (true, rows.map(u64::cast_signed), None),
                    PullOutcome::Partly { rows, problem } => (true, rows.map(u64::cast_signed), Some(problem)),
                    PullOutcome::Failed { problem } => (false, None, Some(problem)),
                };
                let problem = ProblemColumns::of(problem);
                sql(
                    "note the end of a pull",
                    "insert into source_state (source, last_finished, last_success, failing_since, failures, next_due, \
                     rows_read, problem_code, problem_args, problem_place, problem_detail) \
                     values ($1, $2, case when $3 = 1 then $2 end, case when $3 = 0 then $2 end, 1 - $3, $4, \
                     coalesce($5, 0), $6, $7, $8, $9) \
                     on conflict (source) do update set last_finished = excluded.last_finished, \
                     last_success = coalesce(excluded.last_success, source_state.last_success), \
                     failing_since = case when $3 = 0 and source_state.failures = 0 then $2 \
                     else source_state.failing_since end, \
                     failures = case when $3 = 1 then 0 else source_state.failures + 1 end, \
                     next_due = excluded.next_due, node = '', \
                     rows_read = coalesce($5, source_state.rows_read), \
                     problem_code = excluded.problem_code, problem_args = excluded.problem_args, \
                     problem_place = excluded.problem_place, problem_detail = excluded.problem_detail \
                     where source_state.node in ('', $10)",
                )
                .bind(source)
                .bind(moment(now))
                .bind(i64::from(well))
                .bind(next_due.map(moment))
                .bind(rows)
                .bind(problem.code)
                .bind(problem.args)
                .bind(problem.place)
                .bind(problem.detail)
                .bind(node)
                .execute(connection)
                .await
                .map(|_| ())
            })
        })
        .await
    }

    /// Keeps other nodes from pulling a source for a while, see [`Warehouse::free_source`]. Says nothing about a pull.
    ///
    /// # Errors
    /// `MSK-DB-23` when another node has the source.
    pub async fn hold_source(&self, source: &str) -> Result<(), Problem> {
        let others = self.other_nodes().await?;
        let (source, own) = (source.to_owned(), self.node.id().to_owned());
        self.write("hold a source", move |session| {
            Box::pin(async move {
                let what = "hold a source";
                sql(
                    what,
                    "update source_state set node = $2 where source = $1 and node not in ",
                )
                .bind(&source)
                .bind(&own)
                .push_list(others)
                .execute(&mut *session)
                .await?;
                let holder: Option<String> = sql(what, "select node from source_state where source = $1")
                    .bind(&source)
                    .first_scalar(session)
                    .await?;
                match holder.filter(|node| *node != own) {
                    Some(node) => Err(Problem::new("MSK-DB-23").arg("source", source).arg("node", node)),
                    // Its own, or one that nobody has pulled yet.
                    None => Ok(()),
                }
            })
        })
        .await
    }

    /// Lets other nodes pull a source again.
    ///
    /// # Errors
    /// When the database refuses; the source is free again when this node ends.
    pub async fn free_source(&self, source: &str) -> Result<(), Problem> {
        let (source, own) = (source.to_owned(), self.node.id().to_owned());
        self.write("free a source", move |session| {
            Box::pin(async move {
                sql(
                    "free a source",
                    "update source_state set node = '' where source = $1 and node = $2",
                )
                .bind(source)
                .bind(own)
                .execute(session)
                .await
                .map(|_| ())
            })
        })
        .await
    }

    /// What is remembered of every source, in alphabetical order.
    ///
    /// # Errors
    /// When the database refuses or holds what this program cannot read.
    pub async fn source_records(&self) -> Result<Vec<SourceRecord>, Problem> {
        let rows = sql(
            "read the state of sources",
            "select s.source, s.last_started, s.last_finished, s.last_success, s.failing_since, s.failures, s.next_due, \
             s.node, s.rows_read, s.problem_code, s.problem_args, s.problem_place, s.problem_detail, (select count(*) from quarantine q \
             where q.source = s.source and q.state = 'open' \
             and q.run not in (select id from run where state = 'loading')) as quarantined \
             from source_state s order by s.source",
        )
        .records(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// What servers said about the addresses of a source.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn validators(&self, source: &str) -> Result<HashMap<String, Validators>, Problem> {
        type Found = (String, Option<String>, Option<String>, Option<String>);
        let rows: Vec<Found> = sql(
            "read freshness marks",
            "select url, etag, last_modified, body_hash from http_validator where source = $1",
        )
        .bind(source)
        .all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(url, etag, last_modified, body_hash)| {
                (
                    url,
                    Validators {
                        etag,
                        last_modified,
                        body_hash,
                    },
                )
            })
            .collect())
    }

    /// Remembers what servers said. To be called after what was fetched is published: a mark must not outlive a load
    /// that was taken back.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remember_validators(
        &self,
        source: &str,
        given: Vec<(String, Validators)>,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let source = source.to_owned();
        self.write("remember freshness marks", move |connection| {
            Box::pin(async move {
                for (url, validators) in given {
                    sql(
                        "remember freshness marks",
                        "insert into http_validator (url, source, etag, last_modified, body_hash, checked_at) \
                         values ($1, $2, $3, $4, $5, $6) on conflict (url) do update set source = excluded.source, \
                         etag = excluded.etag, last_modified = excluded.last_modified, \
                         body_hash = excluded.body_hash, checked_at = excluded.checked_at",
                    )
                    .bind(url)
                    .bind(&source)
                    .bind(validators.etag)
                    .bind(validators.last_modified)
                    .bind(validators.body_hash)
                    .bind(moment(now))
                    .execute(&mut *connection)
                    .await?;
                }
                Ok(())
            })
        })
        .await
    }
}

fn read(row: &Record) -> Result<SourceRecord, Problem> {
    let wrong = |error: sqlx::Error| unreadable("source_state", "—", error);
    let maybe = |column: &str| row.get::<Option<String>>(column).map_err(wrong);
    let when = |column: &str| {
        maybe(column)?
            .map(|text| read_moment("source_state", &text))
            .transpose()
    };
    let count = |column: &str| row.get::<i64>(column).map(i64::cast_unsigned).map_err(wrong);
    let problem = ProblemColumns {
        code: maybe("problem_code")?,
        args: maybe("problem_args")?,
        place: maybe("problem_place")?,
        detail: maybe("problem_detail")?,
    };
    Ok(SourceRecord {
        source: row.get("source").map_err(wrong)?,
        last_started: when("last_started")?,
        last_finished: when("last_finished")?,
        last_success: when("last_success")?,
        failing_since: when("failing_since")?,
        failures: u32::try_from(count("failures")?).unwrap_or(u32::MAX),
        next_due: when("next_due")?,
        node: row.get("node").map_err(wrong)?,
        rows: count("rows_read")?,
        quarantined: count("quarantined")?,
        problem: problem.problem(),
    })
}
