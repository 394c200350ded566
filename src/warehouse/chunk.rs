//! One chunk of a load: new numbers are inserted, changed ones revised, known ones left alone, doubles refused.
//!
//! A piece of rows costs one statement when all of it is new, two when all of it is known.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::again;
use super::bulk::{self, Stored};
use super::fact_chunk;
use super::load::Loading;
use super::nodes;
use super::quarantine;
use super::sql::{Session, sql};
use super::store::bug;
use crate::domain::fact::Fact;
use crate::domain::observation::{Amount, Batch, Observation, Quarantined};
use crate::message::Problem;

/// Rows in one multi-row statement: measured best for sqlx on `SQLite` (100 to 200).
pub(super) const PIECE: usize = 128;
/// The same for arrays on `PostgreSQL`, where a statement costs a round trip.
const POSTGRES_PIECE: usize = 2048;
/// A transaction takes no further piece after this; letters and marks wait behind it.
const CHUNK_TIME: Duration = Duration::from_millis(300);

/// Rows handed over and not yet written.
#[derive(Debug, Default)]
pub(super) struct Pending {
    observations: Vec<Observation>,
    facts: Vec<Fact>,
    quarantined: Vec<Quarantined>,
    pub(super) rows_read: u64,
    /// How many observations and facts are written already.
    done: (usize, usize),
}

impl Pending {
    pub(super) fn add(&mut self, batch: Batch) {
        self.rows_read += batch.rows_read;
        self.quarantined.extend(batch.quarantined);
        for observation in batch.observations {
            if observation.unit.id.is_some() {
                self.observations.push(observation);
            } else {
                self.quarantined
                    .push(unrecognised(&observation.place, observation.unit));
            }
        }
        for fact in batch.facts {
            if fact.unit.id.is_some() {
                self.facts.push(fact);
            } else {
                self.quarantined.push(unrecognised(&fact.place, fact.unit));
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.observations.len() - self.done.0 + self.facts.len() - self.done.1 + self.quarantined.len()
    }
}

/// The stage before recognises units; a row that slips through is refused, not loaded under no name.
fn unrecognised(
    place: &crate::domain::place::Place,
    unit: std::sync::Arc<crate::domain::unit::UnitRef>,
) -> Quarantined {
    Quarantined {
        problem: bug("a row without a recognised unit reached the warehouse").at(place),
        column: None,
        rule: None,
        unit: Some(unit),
        cleaned: "{}".to_owned(),
    }
}

/// Writes as much of what is pending as fits into one short transaction.
pub(super) async fn stage(
    connection: &mut Session<'_>,
    loading: &mut Loading,
    pending: &mut Pending,
) -> Result<(), Problem> {
    let started = Instant::now();
    let piece_rows = match connection {
        Session::Sqlite(_) => PIECE,
        Session::Postgres(_) => POSTGRES_PIECE,
    };
    nodes::take_turn(connection).await?;
    let others = other_loads(connection, loading.run).await?;
    let mut doubles = Vec::new();
    while pending.done.0 < pending.observations.len() && started.elapsed() < CHUNK_TIME {
        let end = (pending.done.0 + piece_rows).min(pending.observations.len());
        let piece = &pending.observations[pending.done.0..end];
        doubles.extend(stage_piece(connection, loading, &others, piece).await?);
        pending.done.0 = end;
    }
    pending.quarantined.extend(doubles);
    while pending.done.1 < pending.facts.len() && started.elapsed() < CHUNK_TIME {
        let end = (pending.done.1 + PIECE).min(pending.facts.len());
        fact_chunk::stage_piece(connection, loading, &others, &pending.facts[pending.done.1..end]).await?;
        pending.done.1 = end;
    }
    if started.elapsed() < CHUNK_TIME {
        let count = pending.quarantined.len().min(PIECE * 32);
        quarantine::stage(connection, loading, pending.quarantined.drain(..count)).await?;
    }
    if pending.len() == 0 {
        pending.observations.clear();
        pending.facts.clear();
        pending.done = (0, 0);
        loading.summary.rows_read += std::mem::take(&mut pending.rows_read);
    }
    Ok(())
}

/// Loads under way beside this one. A load that was taken back meanwhile stops here: its rows would count, because
/// its run is not `loading` any more.
async fn other_loads(connection: &mut Session<'_>, run: i64) -> Result<Vec<i64>, Problem> {
    let mut loads: Vec<i64> = sql("list loads", "select id from run where state = 'loading'")
        .scalars(connection)
        .await?;
    match loads.iter().position(|load| *load == run) {
        Some(own) => {
            loads.swap_remove(own);
            Ok(loads)
        }
        None => Err(bug("a load goes on after it was taken back")),
    }
}

/// What a piece turns out to be; numbers are positions in the piece.
#[derive(Debug, Default)]
struct Sorted {
    missing: Vec<usize>,
    revised: Vec<usize>,
    superseded: Vec<i64>,
    /// A later row with another value, and the row that stays.
    doubles: Vec<(usize, First)>,
}

#[derive(Debug, Clone, Copy)]
enum First {
    Stored(i64),
    Piece(usize),
}

async fn stage_piece(
    connection: &mut Session<'_>,
    loading: &mut Loading,
    others: &[i64],
    rows: &[Observation],
) -> Result<Vec<Quarantined>, Problem> {
    bulk::known_units(connection, &mut loading.units, rows).await?;
    let mut fresh = Vec::new();
    // What was loaded before is known, and a key that is free may have been closed by a newer delivery.
    if !loading.mostly_known && loading.again.is_none() {
        let all: Vec<usize> = (0..rows.len()).collect();
        let mut columns = std::mem::take(&mut loading.columns);
        let hashing = async { columns.observations(rows, loading.snapshot) };
        // Rows are hashed while the database works on them.
        let (inserted, hashes) = tokio::join!(bulk::insert(connection, loading, rows, &all), hashing);
        loading.columns = columns;
        fresh = inserted?;
        if fresh.len() == rows.len() {
            loading.summary.observations_new += rows.len() as u64;
            loading.digest.add_all(hashes);
            for row in rows {
                loading.saw(row);
                loading.touched.note(&row.round, unit(row));
            }
            return Ok(Vec::new());
        }
    }
    let stored = bulk::look_up(connection, rows).await?;
    let left = again::left_alone(connection, loading, rows, &stored).await?;
    let sorted = sort(loading, others, rows, &stored, &fresh, &left)?;
    supersede(connection, loading.run, &sorted.superseded).await?;
    for (positions, count) in [(&sorted.missing, 0), (&sorted.revised, 1)] {
        if positions.is_empty() {
            continue;
        }
        if bulk::insert(connection, loading, rows, positions).await?.len() != positions.len() {
            return Err(bug("a key that was free a moment ago is taken"));
        }
        positions.iter().for_each(|position| added(loading, &rows[*position]));
        let counters = [
            &mut loading.summary.observations_new,
            &mut loading.summary.observations_changed,
        ];
        if let Some(counter) = counters.into_iter().nth(count) {
            *counter += positions.len() as u64;
        }
    }
    let mut doubles = Vec::with_capacity(sorted.doubles.len());
    for (second, first) in sorted.doubles {
        doubles.push(double(connection, rows, second, first).await?);
    }
    Ok(doubles)
}

/// Counts a row that went in.
fn added(loading: &mut Loading, row: &Observation) {
    loading.touched.note(&row.round, unit(row));
    let hash = loading.columns.observation(row, loading.snapshot);
    loading.digest.add(hash);
}

/// Decides for each row: new, known, revised, repeated, contradicting or left alone.
fn sort(
    loading: &mut Loading,
    others: &[i64],
    rows: &[Observation],
    stored: &[Option<Stored>],
    fresh: &[i64],
    left: &HashSet<usize>,
) -> Result<Sorted, Problem> {
    let mut sorted = Sorted::default();
    let mut claimed: HashMap<i64, usize> = HashMap::new();
    let mut by_key = HashMap::new();
    let mut known_before = 0;
    for (position, (row, stored)) in rows.iter().zip(stored).enumerate() {
        let Some(stored) = stored else {
            if left.contains(&position) {
                loading.leave(row);
                continue;
            }
            match by_key.entry(key(row)) {
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(position);
                    sorted.missing.push(position);
                    loading.saw(row);
                }
                std::collections::hash_map::Entry::Occupied(first) => {
                    repeated(loading, &mut sorted, rows, position, *first.get());
                }
            }
            continue;
        };
        if others.contains(&stored.run) {
            return Err(Problem::new("MSK-DB-12").arg("source", &loading.source));
        }
        known_before += usize::from(stored.run != loading.run);
        if let Some(first) = claimed.get(&stored.id) {
            repeated(loading, &mut sorted, rows, position, *first);
        } else if fresh.binary_search(&stored.id).is_ok() {
            claimed.insert(stored.id, position);
            loading.summary.observations_new += 1;
            loading.saw(row);
            added(loading, row);
        } else if stored.says(row) {
            if stored.run == loading.run || loading.confirmed.contains(stored.id) {
                loading.summary.duplicates += 1;
            } else {
                loading.confirmed.insert(stored.id);
                loading.summary.observations_unchanged += 1;
                loading.saw(row);
            }
        } else if stored.run == loading.run || loading.confirmed.contains(stored.id) {
            sorted.doubles.push((position, First::Stored(stored.id)));
        } else if left.contains(&position) {
            loading.leave(row);
        } else {
            claimed.insert(stored.id, position);
            sorted.superseded.push(stored.id);
            sorted.revised.push(position);
            loading.saw(row);
        }
    }
    loading.mostly_known = known_before * 2 > rows.len();
    Ok(sorted)
}

fn repeated(loading: &mut Loading, sorted: &mut Sorted, rows: &[Observation], second: usize, first: usize) {
    if rows[first].value == rows[second].value && rows[first].n == rows[second].n {
        loading.summary.duplicates += 1;
    } else {
        sorted.doubles.push((second, First::Piece(first)));
    }
}

pub(super) fn unit(row: &Observation) -> &str {
    row.unit.id.as_ref().map_or("", |id| id.0.as_str())
}

fn key(row: &Observation) -> impl std::hash::Hash + Eq + '_ {
    (
        unit(row),
        &row.round,
        row.measure,
        &row.subject,
        row.grade,
        &row.breakdown,
    )
}

/// Ends open rows; gives how many were still open.
pub(super) async fn supersede(session: &mut Session<'_>, run: i64, ids: &[i64]) -> Result<u64, Problem> {
    if ids.is_empty() {
        return Ok(0);
    }
    sql(
        "revise observations",
        "update observation set superseded_by = $1 where superseded_by is null and id in ",
    )
    .bind(run)
    .push_ids(ids)
    .execute(session)
    .await
}

/// The quarantine row of a key that stands twice with different values; the first one stays.
async fn double(
    connection: &mut Session<'_>,
    rows: &[Observation],
    second: usize,
    first: First,
) -> Result<Quarantined, Problem> {
    let row = &rows[second];
    let (value, place) = match first {
        First::Piece(position) => (rows[position].value, rows[position].place.to_string()),
        First::Stored(id) => {
            let (units, scale, place): (i64, i64, String) = sql(
                "read an observation",
                "select value, scale, place from observation where id = $1",
            )
            .bind(id)
            .one(connection)
            .await?;
            (
                Amount {
                    units,
                    scale: u8::try_from(scale).unwrap_or(0),
                },
                place,
            )
        }
    };
    let mut words = vec![
        unit(row).to_owned(),
        row.round.to_string(),
        row.measure.as_str().to_owned(),
    ];
    words.extend(row.subject.as_deref().map(str::to_owned));
    words.extend(row.grade.map(|grade| grade.to_string()));
    if !row.breakdown.is_empty() {
        words.push(row.breakdown.to_string());
    }
    let key = words.join(" · ");
    Ok(Quarantined {
        cleaned: serde_json::json!({ "key": key, "value": row.value.to_string() }).to_string(),
        problem: Problem::new("MSK-DB-11")
            .arg("key", key)
            .arg("first", value)
            .arg("first_place", place)
            .arg("second", row.value)
            .at(&row.place),
        column: None,
        rule: None,
        unit: Some(row.unit.clone()),
    })
}
