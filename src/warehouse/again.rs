//! Loading again what was loaded before, under what newer deliveries say.
//!
//! Deliveries are loaded again from the newest to the oldest. Each notes in [`Newer`] the numbers it holds and the slices
//! it replaces; an older one leaves all of these alone. So a reader sees at any moment what the newest delivery says of a
//! number, read as before or as today, and a kill in between leaves nothing to be mended.
//!
//! What a delivery brought itself is known by its rows, whoever loads again. That it repeated the number of an older one
//! is written nowhere and therefore noted here, for the deliveries of one source.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::bulk::Stored;
use super::chunk::unit;
use super::ids::IdSet;
use super::load::{Loading, NewRun, Run};
use super::sql::{Session, Value, sql};
use super::store::Warehouse;
use super::vanish::Spoken;
use crate::domain::observation::Observation;
use crate::message::Problem;

/// What the deliveries of a source say that were loaded again so far. Grows with what is known of the source, one bit a
/// number and one entry a slice, not with its files.
#[derive(Debug, Clone, Default)]
pub struct Newer(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Open rows that they hold and did not bring.
    held: IdSet,
    /// What they replace as a whole, by connector.
    spoken: HashMap<String, Spoken>,
    /// One of them could not be loaded again: any known number may be its own.
    unread: bool,
}

impl Newer {
    /// Notes that a delivery could not be loaded again. Older ones then only add numbers nobody knew.
    pub fn miss(&self) {
        self.known().unread = true;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a load stands to newer ones.
#[derive(Debug)]
pub(super) struct Again {
    newer: Newer,
    connector: String,
}

impl Again {
    /// True when nothing may be closed: the number may be one that an unread delivery holds.
    pub(super) fn closes_nothing(&self) -> bool {
        self.newer.known().unread
    }

    /// True for an open row that a newer delivery holds.
    pub(super) fn is_held(&self, id: i64) -> bool {
        self.newer.known().held.contains(id)
    }
}

impl Warehouse {
    /// Starts a load of a delivery that was published before. What newer deliveries say is left alone; publishing the
    /// load, or only trying to, adds to it what this one says. Loads of newer deliveries must have ended.
    ///
    /// # Errors
    /// As [`Warehouse::begin_run`].
    pub async fn begin_again(&self, new: NewRun, newer: &Newer, now: DateTime<Utc>) -> Result<Run, Problem> {
        let connector = sql("read a snapshot", "select connector from snapshot where id = $1")
            .bind(new.snapshot.0)
            .scalar(&self.readers)
            .await?;
        let mut run = self.begin_run(new, now).await?;
        let newer = newer.clone();
        run.again = true;
        if let Some(loading) = &mut run.loading {
            loading.again = Some(Again { newer, connector });
        }
        Ok(run)
    }
}

/// Positions of the rows of a piece that are left alone, because a newer delivery has said otherwise; none for an
/// ordinary load.
pub(super) async fn left_alone(
    session: &mut Session<'_>,
    loading: &Loading,
    rows: &[Observation],
    stored: &[Option<Stored>],
) -> Result<HashSet<usize>, Problem> {
    let Some(again) = &loading.again else {
        return Ok(HashSet::new());
    };
    let (mut other, mut absent) = (Vec::new(), Vec::new());
    for (position, (row, stored)) in rows.iter().zip(stored).enumerate() {
        match stored {
            Some(stored) if stored.run == loading.run || stored.says(row) => {}
            Some(stored) => other.push((position, stored.id)),
            None => absent.push(position),
        }
    }
    let later = brought_later(session, loading.snapshot, &other).await?;
    let ended = last_ends(session, rows, &absent).await?;
    let known = again.newer.known();
    let spoken = known.spoken.get(&again.connector);
    let lacks = |position: usize| spoken.is_some_and(|spoken| spoken.of(&rows[position]));
    let is_other = |position, id| known.unread || known.held.contains(id) || later.contains(&id) || lacks(position);
    let is_ended = |position| {
        let by_later = |by: &i64| known.unread || *by > loading.snapshot;
        ended.get(&position).is_some_and(by_later) || lacks(position)
    };
    let other = other.into_iter().filter(|(position, id)| is_other(*position, *id));
    let absent = absent.into_iter().filter(|position| is_ended(*position));
    Ok(other.map(|(position, _)| position).chain(absent).collect())
}

/// Which of these rows a later delivery brought.
async fn brought_later(
    session: &mut Session<'_>,
    snapshot: i64,
    rows: &[(usize, i64)],
) -> Result<HashSet<i64>, Problem> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<i64> = rows.iter().map(|(_, id)| *id).collect();
    let later = sql(
        "look for later numbers",
        "select id from observation where snapshot > $1 and id in ",
    )
    .bind(snapshot)
    .push_ids(&ids)
    .scalars(session)
    .await?;
    Ok(later.into_iter().collect())
}

/// For rows whose key is free: the newest delivery that ended a version of the number, where there was one.
async fn last_ends(
    session: &mut Session<'_>,
    rows: &[Observation],
    absent: &[usize],
) -> Result<HashMap<usize, i64>, Problem> {
    if absent.is_empty() {
        return Ok(HashMap::new());
    }
    let keys = absent.iter().map(|position| {
        let row = &rows[*position];
        [
            Value::from(position.cast_signed() as i64),
            (&*row.round).into(),
            unit(row).into(),
            row.measure.as_str().into(),
            row.subject.as_deref().unwrap_or_default().into(),
            i64::from(row.grade.unwrap_or(0)).into(),
            row.breakdown.to_string().into(),
        ]
    });
    // Asked key by key, so that the index of the history is used whatever the database knows of the table.
    let ended: Vec<(i64, Option<i64>)> = sql(
        "look for closed numbers",
        "select v.column1, (select max(r.snapshot) from observation o join run r on r.id = o.superseded_by \
         where o.round = v.column2 and o.unit = v.column3 and o.measure = v.column4 and o.subject = v.column5 \
         and o.grade = v.column6 and o.breakdown = v.column7 and o.superseded_by is not null) from (values ",
    )
    .push_rows(keys)
    .push(") v")
    .all(session)
    .await?;
    let known = |(position, by): (i64, Option<i64>)| Some((usize::try_from(position).ok()?, by?));
    Ok(ended.into_iter().filter_map(known).collect())
}

/// Notes what a delivery says for the older ones that are loaded again after it.
pub(super) fn note(loading: &mut Loading) {
    let Some(again) = &loading.again else {
        return;
    };
    let mut known = again.newer.known();
    known.held.extend(std::mem::take(&mut loading.confirmed));
    if let Some(seen) = loading.seen.take() {
        let scope = seen.scope();
        let spoken = known.spoken.entry(again.connector.clone());
        spoken.or_insert_with(|| Spoken::new(scope)).add(seen);
    }
}
