//! What a newer delivery no longer holds: its numbers are closed by the load, not deleted.
//!
//! A delivery replaces the slices it speaks of (see [`Scope`]). An open number in such a slice that came from the same
//! source through the same connector and is not in the delivery stops to hold when the load is published. A refused row
//! is no vanished one: where rows were put aside, nothing is closed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::again::Again;
use super::chunk::{supersede, unit};
use super::load::{Loading, Run};
use super::sql::{Session, sql};
use super::store::{Warehouse, bug};
use crate::domain::observation::{Observation, Quarantined, Scope};
use crate::message::Problem;

/// Units counted in one statement.
const UNITS: usize = 32;
/// Units whose rows are read in one statement; a school has some hundred numbers of a round.
const UNITS_READ: usize = 8;
/// Rows closed in one statement.
const ROWS: usize = 10_000;

/// Code of a row about an organisation that nobody knows.
const UNKNOWN: &str = "MSK-NRM-04";

/// Subject and grade of a slice, as far as the scope tells them apart; absent ones are `''` and 0 as in the table.
type Slice = (Arc<str>, i64);

/// Distinct numbers of a delivery by round, unit and slice.
#[derive(Debug)]
pub(super) struct Seen {
    scope: Scope,
    rounds: HashMap<Arc<str>, OfRound>,
    /// Units of which rows were refused.
    refused: HashSet<String>,
    /// Rows were refused that may be about any unit.
    refused_anywhere: bool,
    empty: Arc<str>,
}

#[derive(Debug, Default)]
struct OfRound {
    units: HashMap<String, HashMap<Slice, u64>>,
    /// Slices of all units together.
    slices: HashSet<Slice>,
}

impl Seen {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            rounds: HashMap::new(),
            refused: HashSet::new(),
            refused_anywhere: false,
            empty: Arc::from(""),
        }
    }

    pub(super) const fn scope(&self) -> Scope {
        self.scope
    }

    /// Notes a number, each key once.
    pub(super) fn saw(&mut self, row: &Observation) {
        self.count_in(row, 1);
    }

    /// Notes that the delivery speaks of the slice of a number.
    pub(super) fn speaks_of(&mut self, row: &Observation) {
        self.count_in(row, 0);
    }

    fn count_in(&mut self, row: &Observation, more: u64) {
        let subject = row.subject.as_ref().unwrap_or(&self.empty).clone();
        let slice = self.slice(subject, i64::from(row.grade.unwrap_or(0)));
        let of_round = match self.rounds.get_mut(&row.round) {
            Some(known) => known,
            None => self.rounds.entry(row.round.clone()).or_default(),
        };
        let slices = match of_round.units.get_mut(unit(row)) {
            Some(known) => known,
            None => of_round.units.entry(unit(row).to_owned()).or_default(),
        };
        match slices.get_mut(&slice) {
            Some(count) => *count += more,
            None => {
                of_round.slices.insert(slice.clone());
                slices.insert(slice, more);
            }
        }
    }

    /// Notes rows that were put aside before they came here.
    pub(super) fn refused(&mut self, rows: &[Quarantined]) {
        for row in rows {
            match row.unit.as_ref().map(|unit| unit.id.as_ref()) {
                Some(Some(id)) => {
                    self.refused.insert(id.0.clone());
                }
                // Numbers of an organisation nobody knows never stood under a known one. One that several carry may
                // have, and one whose code is damaged.
                Some(None) if self.scope.organisation && row.problem.code() == UNKNOWN => {}
                _ => self.refused_anywhere = true,
            }
        }
    }

    fn slice(&self, subject: Arc<str>, grade: i64) -> Slice {
        slice_in(self.scope, &self.empty, subject, grade)
    }

    /// How many numbers of a slice of a unit the delivery holds; `None` when it does not speak of the slice.
    fn count(&self, round: &str, unit: &str, slice: &Slice) -> Option<u64> {
        let of_round = self.rounds.get(round)?;
        let of_unit = of_round.units.get(unit).and_then(|slices| slices.get(slice)).copied();
        if self.scope.organisation {
            return of_unit;
        }
        of_round.slices.contains(slice).then_some(of_unit.unwrap_or(0))
    }
}

impl Loading {
    /// Notes a number of the delivery, each key once.
    pub(super) fn saw(&mut self, row: &Observation) {
        if let Some(seen) = &mut self.seen {
            seen.saw(row);
        }
    }

    /// Leaves a number of the delivery to a newer one.
    pub(super) fn leave(&mut self, row: &Observation) {
        self.summary.observations_left += 1;
        if let Some(seen) = &mut self.seen {
            seen.speaks_of(row);
        }
    }
}

fn slice_in(scope: Scope, empty: &Arc<str>, subject: Arc<str>, grade: i64) -> Slice {
    let subject = if scope.subject { subject } else { empty.clone() };
    (subject, if scope.grade { grade } else { 0 })
}

/// The slices that several deliveries replace as a whole.
#[derive(Debug)]
pub(super) struct Spoken {
    scope: Scope,
    /// By round and slice: the units they speak of where the scope names organisations, else those of which they do not.
    units: HashMap<Arc<str>, HashMap<Slice, HashSet<String>>>,
    empty: Arc<str>,
}

impl Spoken {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            units: HashMap::new(),
            empty: Arc::from(""),
        }
    }

    /// Adds the slices of a delivery in which it closes what it does not hold.
    pub(super) fn add(&mut self, seen: Seen) {
        if seen.refused_anywhere {
            return;
        }
        for (round, of_round) in seen.rounds {
            let known = self.units.entry(round).or_default();
            if !self.scope.organisation {
                for slice in of_round.slices {
                    let but = known.entry(slice).or_insert_with(|| seen.refused.clone());
                    but.retain(|unit| seen.refused.contains(unit));
                }
                continue;
            }
            let whole = of_round
                .units
                .into_iter()
                .filter(|(unit, _)| !seen.refused.contains(unit));
            for (unit, slices) in whole {
                for slice in slices.into_keys() {
                    known.entry(slice).or_default().insert(unit.clone());
                }
            }
        }
    }

    /// True when the number lies in one of the slices.
    pub(super) fn of(&self, row: &Observation) -> bool {
        let subject = row.subject.as_ref().unwrap_or(&self.empty).clone();
        let slice = slice_in(self.scope, &self.empty, subject, i64::from(row.grade.unwrap_or(0)));
        let units = self.units.get(&row.round).and_then(|slices| slices.get(&slice));
        units.is_some_and(|units| units.contains(unit(row)) == self.scope.organisation)
    }
}

/// Closes what has vanished; gives how many. One that another load has revised meanwhile is not ours to close.
pub(super) async fn close(session: &mut Session<'_>, loading: &Loading) -> Result<u64, Problem> {
    let mut closed = 0;
    for ids in loading.vanished.chunks(ROWS) {
        closed += supersede(session, loading.run, ids).await?;
    }
    Ok(closed)
}

/// An empty source, or one with a smaller share of its former rows than its connector lets through, does not take over
/// by itself; gives the reason.
pub(super) async fn shrinking(
    connection: &mut Session<'_>,
    source: &str,
    series: &str,
    loading: &Loading,
) -> Result<Option<Problem>, Problem> {
    let rows = loading.summary.rows_read;
    let previous: Option<i64> = sql(
        "look for an earlier load",
        "select rows_read from run where source = $1 and series = $2 and state = 'published' order by id desc limit 1",
    )
    .bind(source)
    .bind(series)
    .first_scalar(connection)
    .await?;
    let previous = previous.unwrap_or(0).cast_unsigned();
    if rows == 0 {
        return Ok(Some(
            Problem::new("MSK-DB-09").arg("source", source).arg("series", series),
        ));
    }
    let shrunk = || {
        Problem::new("MSK-DB-10")
            .arg("source", source)
            .arg("series", series)
            .arg("rows", rows)
            .arg("previous", previous)
            .arg("least", loading.least_of_previous)
    };
    Ok((rows * 100 < previous * u64::from(loading.least_of_previous)).then(shrunk))
}

impl Warehouse {
    /// Finds what the delivery no longer holds; it is closed by the transaction that publishes the load, so that no other
    /// load finds the keys free before. `confirmed` lets through a delivery in which more numbers are missing than are
    /// left.
    ///
    /// # Errors
    /// `MSK-DB-24` when the delivery is held back, else when the database refuses.
    pub(super) async fn find_vanished(&self, run: &mut Run, confirmed: bool) -> Result<(), Problem> {
        let Some(loading) = &mut run.loading else {
            return Err(bug("looking for vanished numbers of a load whose chunk failed"));
        };
        let Some(seen) = loading.seen.take() else {
            return Ok(());
        };
        let is_unsure = seen.refused_anywhere || loading.again.as_ref().is_some_and(Again::closes_nothing);
        if !is_unsure && self.came_before(loading).await? {
            loading.vanished = self.vanished(loading, &seen).await?;
        }
        loading.seen = Some(seen);
        let summary = &loading.summary;
        let left = summary.observations_unchanged + summary.observations_changed + summary.observations_left;
        let least = u64::from(loading.least_of_previous);
        loading.lost_most = left * 100 < (left + loading.vanished.len() as u64) * least;
        if loading.lost_most && !confirmed {
            return Err(Problem::new("MSK-DB-24")
                .arg("source", &loading.source)
                .arg("series", &loading.series)
                .arg("missing", loading.vanished.len())
                .arg("left", left)
                .arg("least", least));
        }
        Ok(())
    }

    /// True when the source has brought something through this connector before; else nothing can be missing.
    async fn came_before(&self, loading: &Loading) -> Result<bool, Problem> {
        let earlier: Option<i64> = sql(
            "look for an earlier load",
            "select r.id from run r join snapshot s on s.id = r.snapshot join snapshot own on own.id = $2 \
             where r.state = 'published' and r.source = $1 and s.connector = own.connector limit 1",
        )
        .bind(&loading.source)
        .bind(loading.snapshot)
        .first_scalar(&self.readers)
        .await?;
        Ok(earlier.is_some())
    }

    /// Open rows of the slices of a delivery that it does not hold, ascending within a round.
    async fn vanished(&self, loading: &mut Loading, seen: &Seen) -> Result<Vec<i64>, Problem> {
        let mut vanished = Vec::new();
        for (round, of_round) in &seen.rounds {
            let mut units: Vec<String> = if seen.scope.organisation {
                of_round.units.keys().cloned().collect()
            } else {
                sql("list units", "select id from unit").scalars(&self.readers).await?
            };
            units.retain(|unit| !seen.refused.contains(unit));
            units.sort_unstable();
            for piece in units.chunks(UNITS) {
                let fewer = self.units_with_fewer(seen, round, piece).await?;
                if fewer.is_empty() {
                    continue;
                }
                for piece in fewer.chunks(UNITS_READ) {
                    let missing = self.missing(loading, seen, round, piece).await?;
                    if !missing.is_empty() {
                        piece.iter().for_each(|unit| loading.touched.note(round, unit));
                    }
                    vanished.extend(missing);
                }
            }
        }
        Ok(vanished)
    }

    /// Units of which more numbers are open than the delivery holds; counted along the index alone.
    async fn units_with_fewer(&self, seen: &Seen, round: &str, units: &[String]) -> Result<Vec<String>, Problem> {
        // Unit by unit in the order of the index, unless the slices are finer than that.
        let (text, group) = if seen.scope.subject || seen.scope.grade {
            (
                "select unit, subject, grade, count(*) from observation where superseded_by is null and round = $1 \
                 and unit in ",
                " group by unit, subject, grade",
            )
        } else {
            (
                "select unit, '', cast(0 as bigint), count(*) from observation where superseded_by is null \
                 and round = $1 and unit in ",
                " group by unit",
            )
        };
        let rows: Vec<(String, String, i64, i64)> = sql("count numbers of a round", text)
            .bind(round)
            .push_list(units)
            .push(group)
            .all(&self.readers)
            .await?;
        let mut open: HashMap<(String, Slice), u64> = HashMap::new();
        for (unit, subject, grade, count) in rows {
            let slice = seen.slice(subject.into(), grade);
            *open.entry((unit, slice)).or_default() += count.cast_unsigned();
        }
        let mut fewer: Vec<String> = open
            .into_iter()
            .filter(|((unit, slice), open)| seen.count(round, unit, slice).is_some_and(|held| held < *open))
            .map(|((unit, _), _)| unit)
            .collect();
        fewer.sort_unstable();
        fewer.dedup();
        Ok(fewer)
    }

    async fn missing(
        &self,
        loading: &Loading,
        seen: &Seen,
        round: &str,
        units: &[String],
    ) -> Result<Vec<i64>, Problem> {
        let rows: Vec<(i64, String, String, i64)> = sql(
            "look for vanished numbers",
            "select o.id, o.unit, o.subject, o.grade from observation o join snapshot s on s.id = o.snapshot \
             join run r on r.id = o.run and r.state = 'published' join snapshot own on own.id = $2 \
             where o.superseded_by is null and o.round = $1 and s.source = own.source \
             and s.connector = own.connector and o.unit in ",
        )
        .bind(round)
        .bind(loading.snapshot)
        .push_list(units)
        .push(if loading.again.is_some() {
            " and o.snapshot <= own.id order by o.id"
        } else {
            " order by o.id"
        })
        .all(&self.readers)
        .await?;
        let is_missing = |(id, unit, subject, grade): (i64, String, String, i64)| {
            let slice = seen.slice(subject.into(), grade);
            let spoken_of = seen.count(round, &unit, &slice).is_some();
            let is_held = loading.again.as_ref().is_some_and(|again| again.is_held(id));
            (spoken_of && !loading.confirmed.contains(id) && !is_held).then_some(id)
        };
        Ok(rows.into_iter().filter_map(is_missing).collect())
    }
}
