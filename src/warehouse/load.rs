//! Loads: begin, stage in chunks nobody sees, publish in one short transaction or take everything back.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::again::{self, Again};
use super::chunk::{self, Pending};
use super::digest::{Columns, Digest};
use super::ids::IdSet;
use super::nodes;
use super::published::{entries, seal};
use super::references::{self, Reference};
use super::sql::{Session, sql};
use super::store::{Warehouse, bug};
use super::take_back::LoadingRun;
use super::text::{ProblemColumns, moment};
use super::touched::Touched;
use super::vanish::{self, Seen};
use crate::domain::observation::{Batch, Scope};
use crate::failpoint;
use crate::message::Problem;

/// Rows gathered before a transaction is worth its sync; some 50 ms of writing and a few megabytes.
const CHUNK_ROWS: usize = 8192;
/// Row number of a recorded delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(pub i64);

/// A delivery (снимок) to be recorded after its bytes were kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewSnapshot {
    /// Hash of the kept bytes, see [`crate::snapshot::Kept`].
    pub hash: String,
    /// Bytes before compression.
    pub size: u64,
    /// Id of the source.
    pub source: String,
    /// Id of the connector.
    pub connector: String,
    /// File name without folders, as the office named it.
    pub file: String,
    /// Address or path it came from.
    pub address: Option<String>,
    /// Hash of the original, when what was kept is the door's output.
    pub original_hash: Option<String>,
    /// `ETag` of the answer.
    pub etag: Option<String>,
    /// `Last-Modified` of the answer.
    pub last_modified: Option<String>,
}

/// How long the end of what another node does to an earlier load of the same series is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at it.
const PAUSE: Duration = Duration::from_millis(100);

/// Least share of the delivery before where nobody says otherwise, in percent.
pub const HALF: u8 = 50;

/// What a load is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Id of the source.
    pub source: String,
    /// What is compared from delivery to delivery: the file's name, or the address of a page. An emptier delivery
    /// of the same series is held back, refused rows of its older deliveries are closed.
    pub series: String,
    /// The delivery.
    pub snapshot: SnapshotId,
    /// Fingerprint of everything besides the bytes that decides the outcome (manifest, overrides, register).
    pub manifest: String,
    /// What the delivery replaces as a whole; nothing when it only adds and corrects.
    pub scope: Option<Scope>,
    /// Least share of what the delivery before held, in percent; a smaller delivery waits for confirmation.
    pub least_of_previous: u8,
    /// Texts that decide the outcome; each version is kept.
    pub references: Vec<Reference>,
}

/// What a load did (итог загрузки).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadSummary {
    /// Number of the run.
    pub run: i64,
    /// Rows of the source.
    pub rows_read: u64,
    /// Observations of keys not known before.
    pub observations_new: u64,
    /// Observations with another value than before.
    pub observations_changed: u64,
    /// Observations that say what is known already.
    pub observations_unchanged: u64,
    /// Observations that the delivery no longer holds.
    pub observations_closed: u64,
    /// Observations of a delivery loaded again that were left alone, because a newer one has said otherwise.
    pub observations_left: u64,
    /// Facts not known before.
    pub facts_new: u64,
    /// Facts that say something else than before.
    pub facts_changed: u64,
    /// Facts that say what is known already.
    pub facts_unchanged: u64,
    /// Repeated rows with the same value, left out.
    pub duplicates: u64,
    /// Refused rows.
    pub quarantined: u64,
}

/// A load under way (загрузка). Give it to [`Warehouse::publish`] or [`Warehouse::abandon`]; one that is dropped is
/// invisible and removed at the next start.
#[derive(Debug)]
pub struct Run {
    pub(super) id: i64,
    source: String,
    series: String,
    /// The delivery was published before.
    pub(super) again: bool,
    pending: Pending,
    /// Taken while a chunk is being written; absent for good when the caller was cancelled or the chunk failed.
    pub(super) loading: Option<Loading>,
}

impl Run {
    /// Number of the run.
    #[must_use]
    pub const fn id(&self) -> i64 {
        self.id
    }
}

/// What a load remembers between chunks; its size does not depend on the file but for one bit a known row.
#[derive(Debug)]
pub(super) struct Loading {
    pub(super) run: i64,
    pub(super) snapshot: i64,
    pub(super) source: String,
    pub(super) series: String,
    pub(super) now: DateTime<Utc>,
    pub(super) summary: LoadSummary,
    /// Open rows of earlier runs that this file has confirmed: a second, different value for one is a duplicate.
    pub(super) confirmed: IdSet,
    pub(super) confirmed_facts: IdSet,
    /// Open rows that the delivery no longer holds.
    pub(super) vanished: Vec<i64>,
    /// More of the earlier numbers are missing than are left.
    pub(super) lost_most: bool,
    pub(super) least_of_previous: u8,
    /// What the delivery holds, when what it no longer holds is to be closed.
    pub(super) seen: Option<Seen>,
    /// Whose numbers it has added or changed: the sums above them will be stale.
    pub(super) touched: Touched,
    /// Sum of the hashes of the rows added so far.
    /// Units that the register is known to hold.
    pub(super) units: HashSet<String>,
    pub(super) digest: Digest,
    pub(super) columns: Columns,
    /// Most of the last rows were known: look before inserting.
    pub(super) mostly_known: bool,
    /// What newer deliveries say, when this one was published before.
    pub(super) again: Option<Again>,
}

impl Warehouse {
    /// Records a delivery whose bytes lie in the store; the last one of the same file
    /// again when bytes and connector are equal.
    ///
    /// # Errors
    /// When the database refuses (`MSK-DB-06`, `-07`, `-08`).
    pub async fn record_snapshot(&self, new: NewSnapshot, now: DateTime<Utc>) -> Result<SnapshotId, Problem> {
        let what = "record a snapshot";
        let id = self
            .write(what, move |connection| {
                Box::pin(async move {
                    let known: Option<(i64, String, String, Option<String>)> = sql(
                        what,
                        "select id, hash, connector, original_hash from snapshot where source = $1 and file = $2 \
                         order by id desc limit 1",
                    )
                    .bind(&new.source)
                    .bind(&new.file)
                    .first(&mut *connection)
                    .await?;
                    let same = |known: &(i64, String, String, Option<String>)| {
                        (&known.1, &known.2, &known.3) == (&new.hash, &new.connector, &new.original_hash)
                    };
                    if let Some((id, ..)) = known.filter(same) {
                        // Its bytes are back, had they gone.
                        return sql(
                            what,
                            "update snapshot set removed_at = null where id = $1 and removed_at is not null",
                        )
                        .bind(id)
                        .execute(connection)
                        .await
                        .map(|_| id);
                    }
                    sql(
                        what,
                        "insert into snapshot (hash, source, connector, file, address, folded, original_hash, size, \
                         etag, last_modified, fetched_at) \
                         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id",
                    )
                    .bind(new.hash)
                    .bind(new.source)
                    .bind(new.connector)
                    .bind(new.file)
                    .bind(new.address)
                    .bind(i64::from(new.original_hash.is_some()))
                    .bind(new.original_hash)
                    .bind(new.size.cast_signed())
                    .bind(new.etag)
                    .bind(new.last_modified)
                    .bind(moment(now))
                    .scalar(connection)
                    .await
                })
            })
            .await?;
        failpoint::hit("snapshot-recorded");
        Ok(SnapshotId(id))
    }

    /// True when the last published load of the series had these bytes and this manifest: nothing needs parsing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn is_loaded(&self, source: &str, series: &str, hash: &str, manifest: &str) -> Result<bool, Problem> {
        let last: Option<(String, String)> = sql(
            "look for an earlier load",
            "select s.hash, r.manifest from run r join snapshot s on s.id = r.snapshot \
             where r.source = $1 and r.series = $2 and r.state = 'published' order by r.id desc limit 1",
        )
        .bind(source)
        .bind(series)
        .first(&self.readers)
        .await?;
        Ok(last.is_some_and(|(known, by)| known == hash && by == manifest))
    }

    /// Starts a load. A load of the same series that was dropped half-way is taken back first.
    ///
    /// # Errors
    /// `MSK-DB-23` when another node is loading the series, else when the database refuses.
    pub async fn begin_run(&self, new: NewRun, now: DateTime<Utc>) -> Result<Run, Problem> {
        self.take_back_cut_off(&new.source, &new.series, now).await?;
        let what = "begin a load";
        let NewRun {
            source,
            series,
            snapshot,
            manifest,
            scope,
            least_of_previous,
            references,
        } = new;
        let (source_column, series_column) = (source.clone(), series.clone());
        let node = self.node.id().to_owned();
        let id: i64 = self
            .write(what, move |connection| {
                Box::pin(async move {
                    // Ids of a load that is taken back may be given again, so that of a load beside it counts too.
                    let id = sql(
                        what,
                        "insert into run (source, series, snapshot, manifest, state, first_observation, first_fact, \
                         started_at, node) values ($1, $2, $3, $4, 'loading', \
                         coalesce((select min(first_observation) from run where state = 'loading'), \
                         (select max(id) from observation), 0), \
                         coalesce((select min(first_fact) from run where state = 'loading'), \
                         (select max(id) from fact), 0), $5, $6) \
                         returning id",
                    )
                    .bind(source_column)
                    .bind(series_column)
                    .bind(snapshot.0)
                    .bind(manifest)
                    .bind(moment(now))
                    .bind(node)
                    .scalar(&mut *connection)
                    .await?;
                    super::retention::hold(connection, snapshot, now).await?;
                    references::record(connection, id, references, now).await.map(|()| id)
                })
            })
            .await?;
        failpoint::hit("run-begun");
        let loading = Loading {
            run: id,
            snapshot: snapshot.0,
            source: source.clone(),
            series: series.clone(),
            now,
            summary: LoadSummary {
                run: id,
                ..LoadSummary::default()
            },
            confirmed: IdSet::default(),
            confirmed_facts: IdSet::default(),
            vanished: Vec::new(),
            lost_most: false,
            least_of_previous,
            seen: scope.map(Seen::new),
            touched: Touched::default(),
            units: HashSet::new(),
            digest: Digest::default(),
            columns: Columns::default(),
            mostly_known: false,
            again: None,
        };
        Ok(Run {
            id,
            source,
            series,
            again: false,
            pending: Pending::default(),
            loading: Some(loading),
        })
    }

    /// Takes a piece of the file. Rows are gathered and written a chunk at a time; between chunks others may write.
    ///
    /// # Errors
    /// `MSK-DB-12` when another load is changing the same numbers, else when the database refuses. The load must
    /// then be abandoned; so must one whose `stage` was cancelled.
    pub async fn stage(&self, run: &mut Run, batch: Batch) -> Result<(), Problem> {
        if let Some(seen) = run.loading.as_mut().and_then(|loading| loading.seen.as_mut()) {
            seen.refused(&batch.quarantined);
        }
        run.pending.add(batch);
        if run.pending.len() >= CHUNK_ROWS {
            self.write_chunks(run).await
        } else {
            Ok(())
        }
    }

    async fn write_chunks(&self, run: &mut Run) -> Result<(), Problem> {
        while run.pending.len() > 0 || run.pending.rows_read > 0 {
            let lost = || bug("a load whose chunk failed or was cancelled goes on instead of being abandoned");
            let mut loading = run.loading.take().ok_or_else(lost)?;
            let mut pending = std::mem::take(&mut run.pending);
            let (loading, pending) = self
                .write("stage rows", move |connection| {
                    Box::pin(async move {
                        chunk::stage(connection, &mut loading, &mut pending).await?;
                        Ok((loading, pending))
                    })
                })
                .await?;
            run.loading = Some(loading);
            run.pending = pending;
            failpoint::hit("chunk-staged");
        }
        Ok(())
    }

    /// Takes back what an earlier load of a series left when it was cut off. Another node may be at that already: its
    /// end is waited for, because the rows hold their keys until then.
    async fn take_back_cut_off(&self, source: &str, series: &str, now: DateTime<Utc>) -> Result<(), Problem> {
        let began = Instant::now();
        loop {
            let others = self.other_nodes().await?;
            let mut busy = None;
            for stale in self.loading_runs(Some((source, series))).await? {
                if others.contains(&stale.node) {
                    busy = Some(stale.node);
                    continue;
                }
                let problem = Problem::new("MSK-DB-20").arg("source", source);
                self.take_back(&stale, &problem, now).await?;
            }
            match busy {
                None => return Ok(()),
                Some(node) if began.elapsed() > PATIENCE => {
                    return Err(Problem::new("MSK-DB-23").arg("source", source).arg("node", node));
                }
                Some(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Makes the load visible, whole, or takes it back. `confirmed` lets through a delivery that is empty or has
    /// lost more than half of its rows.
    ///
    /// # Errors
    /// `MSK-DB-09` and `-10` when the delivery is held back, else when the database refuses; the load is taken back
    /// and earlier data stay in force.
    pub async fn publish(&self, mut run: Run, confirmed: bool, now: DateTime<Utc>) -> Result<LoadSummary, Problem> {
        match self.try_publish(&mut run, confirmed, now).await {
            Ok(summary) => {
                self.shrink().await?;
                Ok(summary)
            }
            Err(problem) => {
                self.abandon(run, &problem, now).await?;
                Err(problem)
            }
        }
    }

    async fn try_publish(&self, run: &mut Run, confirmed: bool, now: DateTime<Utc>) -> Result<LoadSummary, Problem> {
        self.write_chunks(run).await?;
        self.find_vanished(run, confirmed).await?;
        let mut loading = run
            .loading
            .take()
            .ok_or_else(|| bug("publishing a load whose chunk failed"))?;
        again::note(&mut loading);
        failpoint::hit("before-publish");
        let (source, series) = (run.source.clone(), run.series.clone());
        let (node, audit) = (self.node.id().to_owned(), self.audit.clone());
        let summary = self
            .write("publish a load", move |connection| {
                Box::pin(async move {
                    nodes::take_turn(connection).await?;
                    let shrunk = vanish::shrinking(connection, &source, &series, &loading).await?;
                    if let Some(problem) = shrunk.as_ref().filter(|_| !confirmed) {
                        return Err(problem.clone());
                    }
                    super::fact_chunk::move_last_seen(connection, &loading, now).await?;
                    let closed = super::quarantine::settle(connection, loading.run, true, &moment(now)).await?;
                    loading.summary.observations_closed = vanish::close(connection, &loading).await?;
                    loading.touched.mark_stale(connection).await?;
                    finish(connection, loading.run, &node, "published", &loading.summary, None, now).await?;
                    seal(connection, &loading).await?;
                    for entry in entries(connection, &loading, shrunk.is_some() || loading.lost_most, closed).await? {
                        audit.append(connection, &entry, now).await?;
                    }
                    Ok(loading.summary)
                })
            })
            .await?;
        failpoint::hit("after-publish");
        Ok(summary)
    }

    /// Takes a load back: its numbers vanish, what it replaced is open again. Refused rows stay readable when the
    /// file itself was refused, and go when the load only broke off and will be repeated or the delivery was published
    /// before: its numbers are in force, and what waits of it is listed already.
    ///
    /// # Errors
    /// When the database refuses; the rest is then removed at the next start.
    pub async fn abandon(&self, run: Run, problem: &Problem, now: DateTime<Utc>) -> Result<(), Problem> {
        let own = LoadingRun {
            id: run.id,
            source: run.source,
            node: self.node.id().to_owned(),
            again: run.again,
        };
        self.take_back(&own, problem, now).await
    }
}

pub(super) async fn finish(
    connection: &mut Session<'_>,
    run: i64,
    node: &str,
    state: &'static str,
    summary: &LoadSummary,
    problem: Option<&Problem>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let problem = ProblemColumns::of(problem);
    sql(
        "finish a load",
        "update run set state = $2, rows_read = $3, observations_new = $4, observations_changed = $5, \
         observations_unchanged = $6, facts_new = $7, facts_changed = $8, facts_unchanged = $9, duplicates = $10, \
         quarantined = $11, problem_code = $12, problem_args = $13, problem_place = $14, problem_detail = $15, \
         finished_at = $16, observations_closed = $18 where id = $1 and state = 'loading' and node = $17",
    )
    .bind(run)
    .bind(state)
    .bind(summary.rows_read.cast_signed())
    .bind(summary.observations_new.cast_signed())
    .bind(summary.observations_changed.cast_signed())
    .bind(summary.observations_unchanged.cast_signed())
    .bind(summary.facts_new.cast_signed())
    .bind(summary.facts_changed.cast_signed())
    .bind(summary.facts_unchanged.cast_signed())
    .bind(summary.duplicates.cast_signed())
    .bind(summary.quarantined.cast_signed())
    .bind(problem.code)
    .bind(problem.args)
    .bind(problem.place)
    .bind(problem.detail)
    .bind(moment(now))
    .bind(node)
    .bind(summary.observations_closed.cast_signed())
    .execute(connection)
    .await
    .and_then(|done| match done {
        // Taken back by two at once: the first did all there was to do.
        0 if state == "published" => Err(bug("publishing a load that was taken back")),
        _ => Ok(()),
    })
}
