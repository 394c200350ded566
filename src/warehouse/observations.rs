//! Numbers given back: what holds now for a report, and the whole history of one number for `explain`.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::sql::{Record, Sql, sql};
use super::store::Warehouse;
use super::text::{read_moment, unreadable};
use crate::domain::observation::{Amount, Breakdown};
use crate::domain::place::Place;
use crate::domain::stored::{ObservationKey, StoredObservation};
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::{Measure, Procedure};
use crate::message::Problem;

/// Which numbers a report needs; an empty list asks for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservationQuery {
    /// Rounds such as `vpr/2024-25/spring`; without them nothing is found, a whole warehouse is never asked for.
    pub rounds: Vec<String>,
    /// Units.
    pub units: Vec<UnitId>,
    /// Measures.
    pub measures: Vec<Measure>,
    /// Subject slugs.
    pub subjects: Vec<String>,
}

/// One version of a number (версия значения) with everything that leads back to its cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// The number.
    pub value: Amount,
    /// Participants behind a share or a mean.
    pub n: Option<i64>,
    /// Place in the file.
    pub place: Place,
    /// File name.
    pub file: String,
    /// Address or path it came from.
    pub address: Option<String>,
    /// Hash of the snapshot.
    pub snapshot: String,
    /// Id of the source.
    pub source: String,
    /// Id of the connector.
    pub connector: String,
    /// Version of the connector's manifest, see [`Warehouse::reference`]; absent for what was loaded before versions
    /// were kept.
    pub manifest: Option<String>,
    /// Number of the run.
    pub run: i64,
    /// When the file was received.
    pub received: DateTime<Utc>,
    /// When the number was published.
    pub loaded: DateTime<Utc>,
    /// The run that replaced it, and when; absent for what holds now.
    pub superseded: Option<(i64, DateTime<Utc>)>,
}

impl Warehouse {
    /// Rounds of a procedure that have published numbers, in alphabetical order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn rounds(&self, procedure: Procedure) -> Result<Vec<String>, Problem> {
        // Jumps from round to round along the index: a plain distinct would read every row.
        sql(
            "list rounds",
            "with recursive jump (round) as ( \
             select min(round) from observation where superseded_by is null and round >= $1 || '/' \
             union all \
             select (select min(o.round) from observation o where o.superseded_by is null and o.round > jump.round) \
             from jump where jump.round is not null) \
             select round from jump where round >= $1 || '/' and round < $1 || '0' \
             and exists (select 1 from current_observation c where c.round = jump.round)",
        )
        .bind(procedure.as_str())
        .scalars(&self.readers)
        .await
    }

    /// What holds now, in the order of the key. `zone` is the zone in which the moments are told.
    ///
    /// # Errors
    /// When the database refuses or holds a word this program does not know.
    pub async fn observations(&self, query: &ObservationQuery, zone: Tz) -> Result<Vec<StoredObservation>, Problem> {
        let mut statement = one_of(
            sql(
                "read observations",
                "select o.id, o.unit, o.procedure, o.round, o.measure, o.subject, o.grade, o.breakdown, o.value, \
                 o.scale, o.n, o.place, s.file, s.hash, s.fetched_at \
                 from current_observation o join snapshot s on s.id = o.snapshot where ",
            ),
            "o.round",
            &query.rounds,
        );
        let units = query.units.iter().map(|unit| unit.0.as_str()).collect::<Vec<_>>();
        let measures = query.measures.iter().map(|measure| measure.as_str()).collect();
        let subjects = query.subjects.iter().map(String::as_str).collect();
        for (column, words) in [("o.unit", units), ("o.measure", measures), ("o.subject", subjects)] {
            if !words.is_empty() {
                statement = one_of(statement.push(" and "), column, &words);
            }
        }
        let rows = statement
            .push(" order by o.round, o.unit, o.measure, o.subject, o.grade, o.breakdown")
            .records(&self.readers)
            .await?;
        let mut shared = Shared::default();
        rows.iter().map(|row| read(row, &mut shared, zone)).collect()
    }

    /// Every version of one number, oldest first; empty when it was never published.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn history(&self, key: &ObservationKey) -> Result<Vec<Revision>, Problem> {
        // Twice the key, because rows that hold and rows that were replaced have an index each.
        let rows = sql(
            "read the history of a number",
            "select o.id, o.value, o.scale, o.n, o.place, o.run, s.file, s.address, s.hash, s.source, s.connector, \
             s.fetched_at, (select f.hash from run_reference u join reference f on f.hash = u.reference \
             where u.run = r.id and f.kind = 'connector') as version, r.finished_at, d.id as replaced_by, d.finished_at as replaced_at from ( \
             select * from observation where round = $1 and unit = $2 and measure = $3 and subject = $4 \
             and grade = $5 and breakdown = $6 and superseded_by is null \
             union all select * from observation where round = $1 and unit = $2 and measure = $3 and subject = $4 \
             and grade = $5 and breakdown = $6 and superseded_by is not null) o \
             join snapshot s on s.id = o.snapshot join run r on r.id = o.run and r.state = 'published' \
             left join run d on d.id = o.superseded_by and d.state = 'published' order by o.id",
        )
        .bind(&*key.round)
        .bind(&key.unit.0)
        .bind(key.measure.as_str())
        .bind(key.subject.as_deref().unwrap_or_default())
        .bind(i64::from(key.grade.unwrap_or(0)))
        .bind(key.breakdown.to_string())
        .records(&self.readers)
        .await?;
        rows.iter().map(read_revision).collect()
    }
}

/// `column in (…)`, which is false for an empty list.
pub(super) fn one_of(statement: Sql, column: &'static str, words: &[impl AsRef<str>]) -> Sql {
    statement
        .push(column)
        .push(" in ")
        .push_list(words.iter().map(AsRef::as_ref))
}

/// Texts that many rows repeat, kept once.
#[derive(Debug, Default)]
pub(super) struct Shared {
    texts: HashMap<String, Arc<str>>,
    breakdowns: HashMap<String, Arc<Breakdown>>,
}

impl Shared {
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let shared: Arc<str> = text.into();
        self.texts.insert(text.to_owned(), shared.clone());
        shared
    }

    fn breakdown(&mut self, text: &str) -> Option<Arc<Breakdown>> {
        if let Some(known) = self.breakdowns.get(text) {
            return Some(known.clone());
        }
        let shared = Arc::new(Breakdown::parse(text)?);
        self.breakdowns.insert(text.to_owned(), shared.clone());
        Some(shared)
    }
}

pub(super) fn read(row: &Record, shared: &mut Shared, zone: Tz) -> Result<StoredObservation, Problem> {
    let wrong = |error: sqlx::Error| unreadable("observation", "—", error);
    let text = |column: &str| row.get::<&str>(column).map_err(wrong);
    let received = read_moment("snapshot", text("fetched_at")?)?;
    Ok(StoredObservation {
        key: key_of(row, shared)?,
        value: amount(row).map_err(wrong)?,
        n: row.get("n").map_err(wrong)?,
        file: shared.text(text("file")?),
        place: Place::path(text("place")?),
        snapshot: shared.text(text("hash")?),
        received: received.with_timezone(&zone).fixed_offset(),
    })
}

/// The key of a row that has the columns of the key and `id`.
pub(super) fn key_of(row: &Record, shared: &mut Shared) -> Result<ObservationKey, Problem> {
    let id: i64 = row.get("id").map_err(|error| unreadable("observation", "—", error))?;
    let wrong = |error: sqlx::Error| unreadable("observation", id, error);
    let text = |column: &str| row.get::<&str>(column).map_err(wrong);
    let unknown = |word: &str| unreadable("observation", id, word);
    let (procedure, measure, breakdown) = (text("procedure")?, text("measure")?, text("breakdown")?);
    let (subject, grade) = (text("subject")?, row.get::<i64>("grade").map_err(wrong)?);
    Ok(ObservationKey {
        unit: UnitId(text("unit")?.to_owned()),
        procedure: Procedure::parse(procedure).ok_or_else(|| unknown(procedure))?,
        round: shared.text(text("round")?),
        measure: Measure::parse(measure).ok_or_else(|| unknown(measure))?,
        subject: (!subject.is_empty()).then(|| shared.text(subject)),
        grade: u8::try_from(grade).ok().filter(|grade| *grade > 0),
        breakdown: shared.breakdown(breakdown).ok_or_else(|| unknown(breakdown))?,
    })
}

fn amount(row: &Record) -> Result<Amount, sqlx::Error> {
    let scale: i64 = row.get("scale")?;
    let scale = u8::try_from(scale).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Amount {
        units: row.get("value")?,
        scale,
    })
}

fn read_revision(row: &Record) -> Result<Revision, Problem> {
    let wrong = |error: sqlx::Error| unreadable("observation", "—", error);
    let text = |column: &str| row.get::<String>(column).map_err(wrong);
    let replaced: Option<i64> = row.get("replaced_by").map_err(wrong)?;
    let superseded = match replaced {
        Some(run) => Some((run, read_moment("run", &text("replaced_at")?)?)),
        None => None,
    };
    Ok(Revision {
        value: amount(row).map_err(wrong)?,
        n: row.get("n").map_err(wrong)?,
        place: Place::path(text("place")?),
        file: text("file")?,
        address: row.get("address").map_err(wrong)?,
        snapshot: text("hash")?,
        source: text("source")?,
        connector: text("connector")?,
        manifest: row.get("version").map_err(wrong)?,
        run: row.get("run").map_err(wrong)?,
        received: read_moment("snapshot", &text("fetched_at")?)?,
        loaded: read_moment("run", &text("finished_at")?)?,
        superseded,
    })
}
