//! Roadmaps, their rows and the dates made of them.

use chrono::NaiveDate;

use super::unit::UnitId;
use super::vocabulary::DeadlineState;

/// First and last day of a roadmap (период действия), both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
}

/// A row of a roadmap is an activity or the heading of a group (мероприятие или заголовок группы).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Мероприятие.
    Activity,
    /// Заголовок группы.
    Heading,
}

/// An activity (мероприятие): a row of a roadmap as the document has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// `19`, `5.1`.
    pub number: String,
    /// Activity or heading.
    pub level: Level,
    /// What is to be done.
    pub activity: String,
    /// The phrase of the term, raw.
    pub term: String,
    /// The indicator text: what counts as done.
    pub indicator: String,
    /// Who does it.
    pub assignee: String,
    /// What was doubtful in the document, in Russian.
    pub problems: Vec<String>,
}

/// A roadmap (дорожная карта) of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roadmap {
    /// Number of the annex.
    pub number: u32,
    /// Direction of the concept.
    pub direction: String,
    /// First and last day; rows without an end stop at the last.
    pub period: Option<Period>,
    /// Day of approval; earlier dates are created only where the phrase names them.
    pub approved: Option<NaiveDate>,
    /// Rows in the order of the document.
    pub activities: Vec<Activity>,
}

/// A deadline (срок): one date of one activity, for the district or for one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// Stable: `1/20@2026-03-01`, with `#unit` for an organisation, `1/4@?` without a date.
    pub id: String,
    /// Number of the roadmap.
    pub roadmap: u32,
    /// Number of the row.
    pub number: String,
    /// Direction of the concept.
    pub direction: String,
    /// What is to be done.
    pub activity: String,
    /// What counts as done.
    pub indicator: String,
    /// The phrase the date was made of.
    pub term: String,
    /// The organisation, when the row is about each of them.
    pub unit: Option<UnitId>,
    /// The date; none while the phrase needs clearing up. It never moves because of days off.
    pub date: Option<NaiveDate>,
    /// First day of the window, when the term is a month, a quarter or a range.
    pub window_start: Option<NaiveDate>,
    /// The last working day not later than the date.
    pub last_working_day: Option<NaiveDate>,
    /// True when a schedule or an event will replace the date.
    pub provisional: bool,
    /// State on the day asked for.
    pub state: DeadlineState,
    /// Who does it.
    pub assignee: String,
    /// The document that closed it.
    pub evidence: Option<String>,
}
