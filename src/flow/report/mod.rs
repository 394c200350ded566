//! numbers → справка → files → letters: R-VPR and what is needed to walk back from it.

mod keep;
mod post;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{Datelike, Days, Months, NaiveDate};
pub use post::{SENT, cause, mail};

use super::context::Context;
use super::export::first;
use super::status::is_stale;
use crate::domain::document::Document;
use crate::domain::school_year::SchoolYear;
use crate::domain::stored::StoredObservation;
use crate::domain::unit::Register;
use crate::domain::vocabulary::{Procedure, UnitKind};
use crate::message::Problem;
use crate::paper::{docx, xlsx};
use crate::privacy::suppress::Audience;
use crate::reports::Rules;
use crate::reports::vpr::{Input, Office, Rendered, Source, Terms, WorkKey, WorkPlan, render};
use crate::warehouse::observations::ObservationQuery;
use crate::warehouse::reports::{NewReport, ReportKey};
use crate::warehouse::sources::PullOutcome;
use keep::{Hidden, hidden_of, to_json};

/// Code of the only report of this version.
pub const CODE: &str = "R-VPR";

/// Name under which the warehouse remembers when the report was last written by schedule.
pub const JOB: &str = "jobs/report";

/// Last days of the quarters of a school year (working-calendar, section 5), month and day.
const QUARTER_ENDS: [(u32, u32); 4] = [(3, 20), (5, 26), (10, 24), (12, 30)];

/// A report with its files.
pub struct Report {
    /// `R-VPR/2024-25/1`.
    pub id: String,
    /// The document.
    pub document: Document,
    /// The справка.
    pub docx: Vec<u8>,
    /// Its tables.
    pub xlsx: Vec<u8>,
}

impl Report {
    /// Stem of the files: `R-VPR-2024-25-1`.
    #[must_use]
    pub fn stem(&self) -> String {
        self.id.replace('/', "-")
    }

    /// A printed number that `explain` can walk back from, as its arguments: `"Таблица 2" G2`.
    #[must_use]
    pub fn example(&self) -> Option<String> {
        // The first table is the passport of the procedure: its totals have hundreds of sources.
        self.document.tables().skip(1).find_map(|table| {
            (2u32..).zip(&table.rows).find_map(|(row, cells)| {
                let (column, _) = (1u32..).zip(&cells.cells).find(|(_, cell)| cell.made_of().is_some())?;
                let letters = crate::domain::place::column_letters(column);
                Some(format!("\"Таблица {}\" {letters}{row}", table.number))
            })
        })
    }
}

/// Renders R-VPR of a school year and keeps what `explain` needs.
///
/// # Errors
/// `MSK-RUN-19` when there are no results of that year; otherwise what the report or the warehouse refuses.
pub async fn vpr(context: &Context, year: SchoolYear) -> Result<Report, Problem> {
    let register = context.warehouse.register().await?;
    let round = round_of(context, year).await?;
    let rounds = three_years(&round, year);
    let query = ObservationQuery {
        rounds,
        ..ObservationQuery::default()
    };
    let stored = context.warehouse.observations(&query, context.zone()).await?;
    let observations: Vec<Arc<StoredObservation>> = stored.into_iter().map(Arc::new).collect();
    let rules = Rules::shipped().map_err(first)?;
    let fingerprint = fingerprint(&observations, &rules);
    let (number, hidden_before) = version(context, year, &fingerprint).await?;
    let rendered = rendered(
        context,
        &register,
        &round,
        &observations,
        &rules,
        number,
        &hidden_before,
    )
    .await?;
    let kept = to_json(&rendered, number);
    let key = ReportKey {
        code: CODE.to_owned(),
        period: year.to_string(),
        unit: String::new(),
        fingerprint,
    };
    let new = NewReport {
        key,
        document: kept.to_string(),
        snapshots: snapshots(&rendered.document),
    };
    let record = context.warehouse.save_report(new, context.clock.now()).await?;
    Ok(Report {
        id: record.id,
        docx: docx(&rendered.document)?,
        xlsx: xlsx(&rendered.document)?,
        document: rendered.document,
    })
}

/// Deliveries that a document stands on.
fn snapshots(document: &Document) -> BTreeSet<String> {
    document
        .tables()
        .flat_map(|table| &table.rows)
        .flat_map(|row| &row.cells)
        .flat_map(|cell| &cell.sources)
        .map(|source| source.snapshot.to_string())
        .collect()
}

async fn round_of(context: &Context, year: SchoolYear) -> Result<String, Problem> {
    let rounds = context.warehouse.rounds(Procedure::Vpr).await?;
    let prefix = format!("vpr/{year}/");
    let mut found: Vec<&String> = rounds.iter().filter(|round| round.starts_with(&prefix)).collect();
    // Spring is the regular season; a work moved to autumn is reported when there is nothing else.
    found.sort_by_key(|round| !round.ends_with("/spring"));
    found
        .first()
        .map(|round| (*round).clone())
        .ok_or_else(|| Problem::new("MSK-RUN-19").arg("code", CODE).arg("period", year))
}

fn three_years(round: &str, year: SchoolYear) -> Vec<String> {
    let season = round.rsplit('/').next().unwrap_or("spring");
    let years = [year, year.previous(), year.previous().previous()];
    years.iter().map(|year| format!("vpr/{year}/{season}")).collect()
}

fn fingerprint(observations: &[Arc<StoredObservation>], rules: &Rules) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(rules.version.as_bytes());
    for observation in observations {
        hash.update(format!("{}={}/{:?};", observation.key, observation.value, observation.n).as_bytes());
    }
    hash.finalize().to_hex()[..32].to_owned()
}

/// The number of the version with these inputs and what the versions before it hid: it stays hidden, so that no
/// difference of two versions reveals a cell.
async fn version(context: &Context, year: SchoolYear, fingerprint: &str) -> Result<(u32, Hidden), Problem> {
    let mut number = 1;
    let mut hidden = Hidden::new();
    for record in context.warehouse.reports(Some(CODE), u32::MAX).await? {
        if record.key.period != year.to_string() {
            continue;
        }
        if record.key.fingerprint == fingerprint {
            number = record.number;
        } else {
            let Some(full) = context.warehouse.report(&record.id).await? else {
                continue;
            };
            hidden.extend(hidden_of(&full.document));
            number = number.max(record.number + 1);
        }
    }
    Ok((number, hidden))
}

async fn rendered(
    context: &Context,
    register: &Register,
    round: &str,
    observations: &[Arc<StoredObservation>],
    rules: &Rules,
    number: u32,
    hidden_before: &Hidden,
) -> Result<Rendered, Problem> {
    let authority = &context.config.authority;
    let municipality = register
        .units()
        .iter()
        .find(|unit| unit.kind == UnitKind::Municipality)
        .ok_or_else(|| Problem::new("MSK-RUN-25").arg("id", &authority.municipality))?;
    let subjects: BTreeMap<String, String> = context
        .subjects
        .all()
        .iter()
        .map(|subject| (subject.slug.clone(), subject.title.clone()))
        .collect();
    let office = Office {
        name: authority.name.clone(),
        place: authority.place.clone(),
        head_post: authority.head_post.clone(),
        head: None,
        executor: Some(executor(context)),
        has_methodists: true,
    };
    let today = context.clock.today();
    let sources = sources(context, round, observations).await?;
    render(&Input {
        observations,
        round,
        number,
        register,
        municipality: &municipality.id,
        subjects: &subjects,
        plans: &plans(context, round, observations),
        sources: &sources,
        data_as_of: context.clock.local(),
        zone: &context.office().zone,
        today,
        terms: terms(context, today),
        office: &office,
        audience: Audience::Office,
        hidden_before,
        rules,
    })
}

fn executor(context: &Context) -> String {
    let authority = &context.config.authority;
    let phone = &authority.contact_phone;
    let name = &authority.contact.name;
    if phone.is_empty() {
        name.clone()
    } else {
        format!("{name}, тел. {phone}")
    }
}

/// Scales of the works of the round.
fn plans(context: &Context, round: &str, observations: &[Arc<StoredObservation>]) -> BTreeMap<WorkKey, WorkPlan> {
    let mut plans = BTreeMap::new();
    for observation in observations
        .iter()
        .filter(|observation| &*observation.key.round == round)
    {
        let (Some(subject), Some(grade)) = (&observation.key.subject, observation.key.grade) else {
            continue;
        };
        let key = WorkKey {
            subject: subject.to_string(),
            grade,
        };
        plans.entry(key).or_insert_with(|| WorkPlan {
            tasks: BTreeMap::new(),
            scale: context
                .scales
                .scale(round, subject, Some(grade))
                .map(|scale| scale.bounds.starts()),
        });
    }
    plans
}

/// Files behind the numbers, by name.
async fn sources(
    context: &Context,
    round: &str,
    observations: &[Arc<StoredObservation>],
) -> Result<Vec<Source>, Problem> {
    let late = late_sources(context, round).await?;
    let mut files: BTreeMap<(Arc<str>, Arc<str>), &Arc<StoredObservation>> = BTreeMap::new();
    for observation in observations {
        let key = (Arc::clone(&observation.file), Arc::clone(&observation.snapshot));
        files.entry(key).or_insert(observation);
    }
    let snapshots: Vec<String> = files.keys().map(|(_, snapshot)| snapshot.to_string()).collect();
    let loads = context.warehouse.loads(&snapshots).await?;
    Ok(files
        .into_iter()
        .map(|((file, snapshot), observation)| {
            let load = loads.get(&*snapshot);
            let connector = load.and_then(|load| context.connector(&load.connector).ok());
            Source {
                title: connector.map_or_else(|| "выгрузка".to_owned(), |connector| connector.title.clone()),
                file: file.to_string(),
                received: observation.received,
                period: year_of(&observation.key.round)
                    .map_or_else(String::new, |year| format!("{} учебный год", year.for_people())),
                accepted: load.map_or(0, |load| load.rows_read.saturating_sub(load.quarantined)),
                refused: load.map_or(0, |load| load.quarantined),
                hash: load.map_or_else(|| snapshot.to_string(), |load| load.original.clone()),
                stale: &*observation.key.round == round && load.is_some_and(|load| late.contains(load.source.as_str())),
            }
        })
        .collect())
}

fn year_of(round: &str) -> Option<SchoolYear> {
    round.split('/').nth(1).and_then(SchoolYear::parse)
}

/// Sources that have kept silent for longer than they promised. Nothing new is owed about a year before the last one.
async fn late_sources<'c>(context: &'c Context, round: &str) -> Result<BTreeSet<&'c str>, Problem> {
    let last_year = SchoolYear::of(context.clock.today()).previous();
    if year_of(round).is_none_or(|year| year < last_year) {
        return Ok(BTreeSet::new());
    }
    let last_loads = context.warehouse.last_loads().await?;
    let sources = context.config.sources.iter().filter(|source| source.enabled);
    Ok(sources
        .filter(|source| is_stale(context, source, last_loads.get(&source.id).copied()))
        .map(|source| source.id.as_str())
        .collect())
}

/// Terms of recommendations, all of them working days.
fn terms(context: &Context, today: NaiveDate) -> Terms {
    let calendar = &context.calendar;
    let last = |day: NaiveDate| calendar.last_working_on_or_before(day);
    let ends = (today.year()..=today.year() + 1).flat_map(|year| {
        QUARTER_ENDS
            .iter()
            .filter_map(move |(month, day)| NaiveDate::from_ymd_opt(year, *month, *day))
    });
    let next_quarter = ends
        .into_iter()
        .find(|end| *end > today + Days::new(14))
        .unwrap_or(today);
    let spring = NaiveDate::from_ymd_opt(today.year(), 4, 10).filter(|day| *day > today + Days::new(14));
    let next_spring = spring
        .or_else(|| NaiveDate::from_ymd_opt(today.year() + 1, 4, 10))
        .unwrap_or(today);
    Terms {
        five_days: calendar.add_working_days(today, 5),
        two_weeks: calendar.add_working_days(today, 10),
        month: last(today.checked_add_months(Months::new(1)).unwrap_or(today)),
        next_quarter: last(next_quarter),
        next_procedure: last(next_spring),
    }
}

/// The scheduled report: R-VPR of the last finished spring, written into the folder of reports and mailed.
///
/// # Errors
/// What the report, the folder or the warehouse refuses; the schedule then tries again later.
pub async fn yearly(context: &Context) -> Result<(), Problem> {
    let today = context.clock.today();
    // Results of a spring come in summer: the school year that ended last, or the one that is ending.
    let year = SchoolYear::of(today);
    let year = if today.month() >= 6 && today.month() < 9 {
        year
    } else {
        year.previous()
    };
    context.warehouse.source_started(JOB, None, context.clock.now()).await?;
    let written = async {
        let report = vpr(context, year).await?;
        write(&report, &context.config.paths.reports)?;
        mail(context, &report).await
    };
    let outcome = match written.await {
        Ok(_) => PullOutcome::Well { rows: None },
        Err(problem) => PullOutcome::Failed { problem },
    };
    let failed = match &outcome {
        PullOutcome::Failed { problem } => Err(problem.clone()),
        PullOutcome::Well { .. } | PullOutcome::Partly { .. } => Ok(()),
    };
    context
        .warehouse
        .source_finished(JOB, outcome, None, context.clock.now())
        .await?;
    failed
}

/// Writes the files of a report; gives their paths.
///
/// # Errors
/// `MSK-FIL-02`.
pub fn write(report: &Report, folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let unwritable =
        |path: &Path, error: std::io::Error| Problem::new("MSK-FIL-02").arg("path", path.display()).because(error);
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    let stem = report.stem();
    let files = [
        (format!("{stem}-справка.docx"), &report.docx),
        (format!("{stem}-таблицы.xlsx"), &report.xlsx),
    ];
    files
        .into_iter()
        .map(|(name, bytes)| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).map_err(|error| unwritable(&path, error))?;
            Ok(path)
        })
        .collect()
}
