//! The demonstration district: the whole main job on invented data.
//!
//! Takes: a folder and a day. Gives: a database, letters, a справка and the configuration they were made with, and a
//! list of what happened. Never: fakes a stage: sites and the feed come over loopback HTTP, workbooks lie in a folder,
//! and everything after that is the ordinary line.

mod dice;
mod district;
mod feed;
mod files;
mod pages;
mod results;
mod sites;
mod svods;
mod workbooks;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::{Knowledge, learn};
use crate::clock::Clock;
use crate::decode::Input;
use crate::domain::roadmap::Deadline;
use crate::domain::school_year::SchoolYear;
use crate::domain::vocabulary::DeadlineState;
use crate::flow::context::{Context, Stop};
use crate::flow::pull::{Options, Pulled, pull};
use crate::flow::remind::{Written, board, write_letters};
use crate::flow::report::{Report, vpr, write};
use crate::flow::{alert, deliver, report, units};
use crate::message::{Problem, Problems};
use crate::outbox::Pass;
use crate::warehouse::Access;

/// The day of the demonstration when nobody names another: a Monday in February inside the period of its roadmaps.
pub const TODAY: (i32, u32, u32) = (2026, 2, 16);

/// Springs whose results the district has.
const SPRINGS: &[i32] = &[2023, 2024, 2025];

/// Steps of the progress bar.
pub const STEPS: u64 = 10;

/// What the demonstration did.
pub struct Demonstration {
    /// The folder.
    pub dir: PathBuf,
    /// The database, as people call it.
    pub database: String,
    /// The day.
    pub today: NaiveDate,
    /// One entry per source.
    pub pulled: Vec<Pulled>,
    /// The same sources a second time: nothing may change.
    pub again: Vec<Pulled>,
    /// Letters about deadlines.
    pub written: Written,
    /// What went out.
    pub pass: Pass,
    /// Rows in quarantine.
    pub quarantined: Vec<String>,
    /// Next deadlines.
    pub next: Vec<Deadline>,
    /// Overdue deadlines.
    pub overdue: usize,
    /// The report.
    pub report: Report,
    /// Its files.
    pub files: Vec<PathBuf>,
}

/// Runs the whole job. `step` hears what begins.
///
/// # Errors
/// Everything that was not planned to be refused.
pub async fn run(
    dir: &Path,
    today: Option<NaiveDate>,
    database: Option<&str>,
    step: &mut dyn FnMut(&str),
) -> Result<Demonstration, Problems> {
    let today = today
        .or_else(|| NaiveDate::from_ymd_opt(TODAY.0, TODAY.1, TODAY.2))
        .unwrap_or_default();
    step("готовим район: сайты, выгрузки, ленту");
    let district = sites::District::start().await.map_err(one)?;
    let config = files::lay_out(dir, &district, SPRINGS, database).map_err(one)?;
    let knowledge = learn(&config)?;
    let ran = work(dir, today, knowledge, step).await.map_err(one);
    district.stop().await;
    ran
}

fn one(problem: Problem) -> Problems {
    vec![problem]
}

async fn work(
    dir: &Path,
    today: NaiveDate,
    knowledge: Knowledge,
    step: &mut dyn FnMut(&str),
) -> Result<Demonstration, Problem> {
    let clock = Clock::fixed(moment(&knowledge, today), knowledge.config.authority.zone);
    let context = Arc::new(knowledge.open(clock, Access::Hold, "msoko demo").await?);
    let worked = perform(dir, today, &context, step).await;
    let closed = context.warehouse.clone().close().await;
    worked.and_then(|done| closed.map(|()| done))
}

async fn perform(
    dir: &Path,
    today: NaiveDate,
    context: &Arc<Context>,
    step: &mut dyn FnMut(&str),
) -> Result<Demonstration, Problem> {
    step("заносим реестр организаций");
    import_register(context, dir).await?;
    let mut pulled = Vec::new();
    for source in context.config.sources.iter().filter(|source| source.enabled) {
        step(&format!("забираем источник {}", source.id));
        let outcome = pull(context, source, &Options::default(), &Stop::default()).await?;
        alert::about_source(context, source, &outcome).await?;
        pulled.push(outcome);
    }
    step("забираем всё второй раз: ничего не должно измениться");
    let mut again = Vec::new();
    for source in context.config.sources.iter().filter(|source| source.enabled) {
        again.push(pull(context, source, &Options::default(), &Stop::default()).await?);
    }
    step("считаем сроки и пишем письма");
    close_past(context).await?;
    let written = write_letters(context).await?;
    step("готовим справку по ВПР");
    let last = SPRINGS.last().copied().unwrap_or_default();
    let report = vpr(context, SchoolYear::starting(last - 1)).await?;
    let files = write(&report, &context.config.paths.reports)?;
    report::mail(context, &report).await?;
    step("отправляем письма в папку");
    let pass = deliver::deliver_due(context, &Stop::default()).await?;
    let board = board(context).await?;
    let quarantine = context.warehouse.quarantine(None, false, 20).await?;
    let open = |deadline: &&Deadline| matches!(deadline.state, DeadlineState::Soon | DeadlineState::Upcoming);
    Ok(Demonstration {
        dir: dir.to_owned(),
        database: context.warehouse.name().to_owned(),
        today,
        pulled,
        again,
        written,
        pass,
        quarantined: quarantine
            .iter()
            .map(|row| format!("{}: {}", row.file, row.problem.ru_line()))
            .collect(),
        next: board.deadlines.iter().filter(open).take(5).cloned().collect(),
        overdue: board
            .deadlines
            .iter()
            .filter(|deadline| deadline.state == DeadlineState::Overdue)
            .count(),
        report,
        files,
    })
}

/// Nine o'clock of the day in the district.
fn moment(knowledge: &Knowledge, today: NaiveDate) -> DateTime<Utc> {
    let zone = knowledge.config.authority.zone;
    Clock::system(zone).at(today, 9, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

async fn import_register(context: &Context, dir: &Path) -> Result<(), Problem> {
    let path = dir.join("config").join("register.csv");
    let file = std::fs::File::open(&path)
        .map_err(|error| Problem::new("MSK-FIL-01").arg("path", path.display()).because(error))?;
    let first = |problems: Problems| {
        problems
            .into_iter()
            .next()
            .unwrap_or_else(|| Problem::new("MSK-RUN-23"))
    };
    let units = units::read(Input::file("register.csv", file)).map_err(first)?;
    context.warehouse.import_units(units, context.clock.now()).await?;
    Ok(())
}

/// The district has done its work so far: what is past is closed by a document, but for the newest two.
async fn close_past(context: &Context) -> Result<(), Problem> {
    let board = board(context).await?;
    let overdue: Vec<&Deadline> = board
        .deadlines
        .iter()
        .filter(|deadline| deadline.state == DeadlineState::Overdue)
        .collect();
    let closed = overdue.len().saturating_sub(2);
    let yesterday = context.clock.now() - chrono::Duration::days(20);
    for (number, deadline) in (1..).zip(overdue.iter().take(closed)) {
        let document = format!("Приказ управления образования № {number}-о");
        context
            .warehouse
            .close_deadline(&deadline.id, &document, "демонстрация", yesterday)
            .await?;
    }
    Ok(())
}
