//! Every row in the order of its key, page by page along an index: no page costs more than the one before, and no
//! more than a page of each lane is in memory.
//!
//! What holds stands in two lanes: rows that nothing replaces, and rows whose replacement is still being loaded.
//! Revisions stand in a third. A reader merges the lanes by key and row.

use chrono_tz::Tz;

use super::facts;
use super::observations::{self, Shared, one_of};
use super::sql::{Record, Sql, Value, sql};
use super::text::{read_moment, unreadable};
use super::view::View;
use crate::domain::stored::{TracedFact, TracedObservation, Trail};
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::Measure;
use crate::message::Problem;

/// Rows of a page of one lane: some hundreds of kilobytes.
pub const PAGE: usize = 1000;

/// Where rows of a table stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Nothing replaces them.
    Open,
    /// Their replacement is not published yet.
    Waiting,
    /// Revisions.
    Replaced,
}

impl Lane {
    /// A table of rows named `o`, with the run that replaced them named `d`.
    const fn condition(self) -> &'static str {
        match self {
            Self::Open => "o.superseded_by is null and r.state = 'published'",
            Self::Waiting => "o.superseded_by is not null and d.state = 'loading'",
            Self::Replaced => "o.superseded_by is not null and d.state = 'published' and r.state = 'published'",
        }
    }
}

/// Which numbers of one round are wanted; an empty list asks for all.
#[derive(Debug, Clone, Default)]
pub struct RoundQuery {
    /// The round.
    pub round: String,
    /// Units.
    pub units: Vec<UnitId>,
    /// Measures.
    pub measures: Vec<Measure>,
    /// Revisions as well.
    pub with_history: bool,
}

/// Key of a number within its round, then its row.
type Key = (String, String, String, i64, String, i64);

/// The numbers of a round, a page at a time (поток чисел).
#[derive(Debug)]
pub struct ObservationPages {
    query: RoundQuery,
    zone: Tz,
    shared: Shared,
    lanes: Lanes<Key, TracedObservation>,
}

/// The facts, a page at a time (поток фактов).
#[derive(Debug)]
pub struct FactPages {
    units: Vec<UnitId>,
    shared: Shared,
    lanes: Lanes<(String, String, i64), TracedFact>,
}

const OBSERVATIONS: &str = "select o.id, o.unit, o.procedure, o.round, o.measure, o.subject, o.grade, o.breakdown, \
     o.value, o.scale, o.n, o.place, o.run, s.file, s.hash, s.fetched_at, s.source, s.connector, s.folded, \
     r.finished_at, d.id as replaced_by, d.state as replaced_state, d.finished_at as replaced_at from observation o \
     join snapshot s on s.id = o.snapshot join run r on r.id = o.run left join run d on d.id = o.superseded_by where ";

const FACTS: &str = "select o.id, o.unit, o.code, o.value, o.value_type, o.state, o.unit_of_measure, o.as_of, o.url, \
     o.confidence, o.source_kind, o.place, o.run, o.first_seen, o.last_seen, s.file, s.hash, s.fetched_at, s.source, \
     s.connector, s.folded, r.finished_at, d.id as replaced_by, d.state as replaced_state, \
     d.finished_at as replaced_at from fact o \
     join snapshot s on s.id = o.snapshot join run r on r.id = o.run left join run d on d.id = o.superseded_by where ";

impl View {
    /// Rounds that have numbers, in alphabetical order; `with_history` adds those of which only revisions are left.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn rounds(&mut self, with_history: bool) -> Result<Vec<String>, Problem> {
        // Jumps from round to round along the index: a plain distinct would read every row.
        let open = sql(
            "list rounds",
            "with recursive jump (round) as ( \
             select min(round) from observation where superseded_by is null \
             union all \
             select (select min(o.round) from observation o where o.superseded_by is null and o.round > jump.round) \
             from jump where jump.round is not null) select round from jump where round is not null",
        );
        let mut rounds: Vec<String> = open.scalars(&mut self.session()).await?;
        if with_history || self.is_loading {
            let replaced = sql(
                "list rounds",
                "with recursive jump (round) as ( \
                 select min(round) from observation where superseded_by is not null \
                 union all \
                 select (select min(o.round) from observation o where o.superseded_by is not null \
                 and o.round > jump.round) from jump where jump.round is not null) \
                 select round from jump where round is not null",
            );
            rounds.extend(replaced.scalars::<String>(&mut self.session()).await?);
        }
        rounds.sort_unstable();
        rounds.dedup();
        Ok(rounds)
    }

    /// The numbers of a round in the order of unit, measure, subject, grade, breakdown, the older revision first.
    /// `zone` is the zone in which the moments are told.
    #[must_use]
    pub fn observations(&self, query: RoundQuery, zone: Tz) -> ObservationPages {
        ObservationPages {
            lanes: Lanes::new(self.is_loading, query.with_history),
            query,
            zone,
            shared: Shared::default(),
        }
    }

    /// The facts in the order of unit and code, the older revision first; no units ask for all.
    #[must_use]
    pub fn facts(&self, units: Vec<UnitId>, with_history: bool) -> FactPages {
        FactPages {
            lanes: Lanes::new(self.is_loading, with_history),
            units,
            shared: Shared::default(),
        }
    }
}

impl ObservationPages {
    /// The next number; none after the last.
    ///
    /// # Errors
    /// When the database refuses or holds a word this program does not know.
    pub async fn next(&mut self, view: &mut View) -> Result<Option<TracedObservation>, Problem> {
        while let Some((lane, after)) = self.lanes.hungry() {
            let (unit, measure, subject, grade, breakdown, id) = after.unwrap_or_default();
            let mut statement = sql("read numbers", OBSERVATIONS)
                .push(lane.condition())
                .push(" and o.round = ")
                .push_bind(&self.query.round);
            let units: Vec<&str> = self.query.units.iter().map(|unit| unit.0.as_str()).collect();
            let measures: Vec<&str> = self.query.measures.iter().map(|measure| measure.as_str()).collect();
            for (column, words) in [("o.unit", units), ("o.measure", measures)] {
                if !words.is_empty() {
                    statement = one_of(statement.push(" and "), column, &words);
                }
            }
            // Only revisions share a key; elsewhere the order of the index is the whole order.
            let (key, more, order) = match lane {
                Lane::Replaced => (
                    " and (o.unit, o.measure, o.subject, o.grade, o.breakdown, o.id) > ",
                    Some(id),
                    " order by o.unit, o.measure, o.subject, o.grade, o.breakdown, o.id limit ",
                ),
                Lane::Open | Lane::Waiting => (
                    " and (o.unit, o.measure, o.subject, o.grade, o.breakdown) > ",
                    None,
                    " order by o.unit, o.measure, o.subject, o.grade, o.breakdown limit ",
                ),
            };
            let bound: [Value; 5] = [
                unit.into(),
                measure.into(),
                subject.into(),
                grade.into(),
                breakdown.into(),
            ];
            let bound = bound.into_iter().chain(more.map(Into::into));
            let rows = page(statement.push(key).push_list(bound).push(order), view).await?;
            let (shared, zone) = (&mut self.shared, self.zone);
            let read = |row: &Record| {
                let stored = observations::read(row, shared, zone)?;
                let trail = trail(row, shared)?;
                let key = &stored.key;
                let at = (
                    key.unit.0.clone(),
                    key.measure.as_str().to_owned(),
                    key.subject.as_deref().unwrap_or_default().to_owned(),
                    i64::from(key.grade.unwrap_or(0)),
                    key.breakdown.to_string(),
                    id_of(row)?,
                );
                Ok((at, TracedObservation { stored, trail }))
            };
            self.lanes.feed(lane, rows.iter().map(read))?;
        }
        Ok(self.lanes.first())
    }
}

impl FactPages {
    /// The next fact; none after the last.
    ///
    /// # Errors
    /// When the database refuses or holds a word this program does not know.
    pub async fn next(&mut self, view: &mut View) -> Result<Option<TracedFact>, Problem> {
        while let Some((lane, after)) = self.lanes.hungry() {
            let (unit, code, id) = after.unwrap_or_default();
            let mut statement = sql("read facts", FACTS).push(lane.condition());
            if !self.units.is_empty() {
                let units: Vec<&str> = self.units.iter().map(|unit| unit.0.as_str()).collect();
                statement = one_of(statement.push(" and "), "o.unit", &units);
            }
            let (key, more, order) = match lane {
                Lane::Replaced => (
                    " and (o.unit, o.code, o.id) > ",
                    Some(id),
                    " order by o.unit, o.code, o.id limit ",
                ),
                Lane::Open | Lane::Waiting => (" and (o.unit, o.code) > ", None, " order by o.unit, o.code limit "),
            };
            let bound: [Value; 2] = [unit.into(), code.into()];
            let bound = bound.into_iter().chain(more.map(Into::into));
            let rows = page(statement.push(key).push_list(bound).push(order), view).await?;
            let shared = &mut self.shared;
            let read = |row: &Record| {
                let wrong = |error: sqlx::Error| unreadable("fact", "—", error);
                let stored = facts::read(row)?;
                let traced = TracedFact {
                    source_kind: shared.text(row.get::<&str>("source_kind").map_err(wrong)?),
                    file: shared.text(row.get::<&str>("file").map_err(wrong)?),
                    received: read_moment("snapshot", row.get::<&str>("fetched_at").map_err(wrong)?)?,
                    trail: trail(row, shared)?,
                    stored,
                };
                let at = (traced.stored.unit.0.clone(), traced.stored.code.clone(), id_of(row)?);
                Ok((at, traced))
            };
            self.lanes.feed(lane, rows.iter().map(read))?;
        }
        Ok(self.lanes.first())
    }
}

async fn page(statement: Sql, view: &mut View) -> Result<Vec<Record>, Problem> {
    let rows = i64::try_from(PAGE).unwrap_or(i64::MAX);
    statement.push_bind(rows).records(&mut view.session()).await
}

fn id_of(row: &Record) -> Result<i64, Problem> {
    row.get("id").map_err(|error| unreadable("row", "—", error))
}

fn trail(row: &Record, shared: &mut Shared) -> Result<Trail, Problem> {
    let wrong = |error: sqlx::Error| unreadable("run", "—", error);
    let maybe = |column: &str| row.get::<Option<&str>>(column).map_err(wrong);
    let replaced = match (row.get("replaced_by").map_err(wrong)?, maybe("replaced_at")?) {
        (Some(run), Some(at)) if maybe("replaced_state")? == Some("published") => Some((run, read_moment("run", at)?)),
        _ => None,
    };
    Ok(Trail {
        source: shared.text(row.get::<&str>("source").map_err(wrong)?),
        connector: shared.text(row.get::<&str>("connector").map_err(wrong)?),
        run: row.get("run").map_err(wrong)?,
        loaded: read_moment("run", maybe("finished_at")?.unwrap_or_default())?,
        is_folded: row.get::<i64>("folded").map_err(wrong)? != 0,
        replaced,
    })
}

/// Lanes that are read side by side; the first rows of them, by key, are the next rows of the whole.
#[derive(Debug)]
struct Lanes<K, T>(Vec<LaneState<K, T>>);

#[derive(Debug)]
struct LaneState<K, T> {
    lane: Lane,
    waiting: std::collections::VecDeque<(K, T)>,
    last: Option<K>,
    is_over: bool,
}

impl<K: Ord + Clone, T> Lanes<K, T> {
    fn new(is_loading: bool, with_history: bool) -> Self {
        let lanes = [
            (Lane::Open, true),
            (Lane::Waiting, is_loading),
            (Lane::Replaced, with_history),
        ];
        let states = lanes.into_iter().filter(|(_, is_read)| *is_read);
        Self(
            states
                .map(|(lane, _)| LaneState {
                    lane,
                    waiting: std::collections::VecDeque::new(),
                    last: None,
                    is_over: false,
                })
                .collect(),
        )
    }

    /// A lane that has to be read on before the next row is known, and the key it has come to.
    fn hungry(&self) -> Option<(Lane, Option<K>)> {
        let lane = self.0.iter().find(|state| state.waiting.is_empty() && !state.is_over)?;
        Some((lane.lane, lane.last.clone()))
    }

    fn feed(&mut self, lane: Lane, rows: impl Iterator<Item = Result<(K, T), Problem>>) -> Result<(), Problem> {
        let Some(state) = self.0.iter_mut().find(|state| state.lane == lane) else {
            return Ok(());
        };
        state.waiting = rows.collect::<Result<_, _>>()?;
        state.is_over = state.waiting.len() < PAGE;
        state.last = state.waiting.back().map(|(key, _)| key.clone());
        Ok(())
    }

    fn first(&mut self) -> Option<T> {
        let state = self
            .0
            .iter_mut()
            .filter(|state| !state.waiting.is_empty())
            .min_by(|left, right| {
                left.waiting
                    .front()
                    .map(|(key, _)| key)
                    .cmp(&right.waiting.front().map(|(key, _)| key))
            })?;
        state.waiting.pop_front().map(|(_, row)| row)
    }
}
